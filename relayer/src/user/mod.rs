//! What users' commands do, for the command line, the demonstration and load tests alike.
//!
//! Owns addresses and names, the parsing of what people write, wallets, deals kept on disk, and the steps of swap, send,
//! bridge and refund. It never prints, asks or exits: that is the command line's.

mod book;
mod bridge;
mod deal_file;
mod error;
mod hub;
mod intent;
mod network;
mod parse;
mod proof;
mod send;
pub mod swap;
mod wallet;

pub use book::{Book, DEVNET_FILE};
pub use bridge::{BRIDGE_DEADLINE_DEFAULT, Transfer, bridge};
pub use deal_file::{DEALS_LISTED_MAX, DealFolder, DealRecord, write_synced};
pub use error::{FailureKind, UserError};
pub use hub::Hub;
pub use intent::{Intent, Intents, USER_COLUMNS};
pub use network::{Asset, Chain, NATIVE, Network};
pub use parse::{AssetSpec, LegSpec, duration, show_seconds};
pub use proof::{is_certified, message_action, settle_action};
pub use send::{GAS_LIMIT_DEFAULT, Sending, Sent, send, sent};
pub use wallet::{Wallet, unlock};
