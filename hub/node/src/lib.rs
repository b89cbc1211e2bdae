//! The INFRASTRUKT hub: consensus application, validators and API.
//!
//! Owns what waits: the leader that orders entries, validators that follow the log, check evidence and sign, and the
//! servers. It never holds rules: what a block does is decided by `infrastrukt-protocol`. Tests and the devnet embed it
//! through [`Node::start`], or its parts one by one through [`embed`]; the binary `hub` does the first from a file.
//!
//! A new base chain changes nothing here: verifiers come from `infrastrukt-registry` or from whoever embeds the node.

pub mod api;
mod blocking;
mod clock;
pub mod config;
pub mod consensus;
pub mod embed;
pub mod genesis_file;
mod metrics;
mod node;
mod quota;
mod setup;
pub mod validator;

pub use clock::SystemClock;
pub use config::NodeConfig;
pub use metrics::install_recorder;
pub use node::{Node, NodeParts, NodeSettings, RunningNode, StartError, ValidatorKit};
pub use setup::{Prepared, PreparedValidator, SetupError, chain_record, load_signer, parts, prepare, read_password};
