//! Solana as a chain of the hub: reading, judging and writing by the gateway program of `programs/`.
//!
//! Owns the reading of final blocks by agreement of k of n endpoints, the decoding of the program's events, evidence for
//! validators, and transactions that survive a crash. It reads no logs, believes nothing that is not final, and uses no
//! call whose answer ignores the commitment that was asked for, where facts or outcomes depend on it. What several
//! endpoints are asked and when they agree is the vote of `infrastrukt-evm`, which knows no family of chains.
//!
//! | here | is |
//! |---|---|
//! | block number | slot; skipped slots have none |
//! | gas | compute units |
//! | gateway, escrow, token bridge | the program's id, and two addresses derived from it |
//! | confirmations | none: `finalized` or not |

mod address;
mod block;
mod books;
mod chain;
mod chain_view;
mod clock;
mod config;
pub mod devnet;
mod discriminator;
mod errors;
mod facts;
mod health;
mod instruction;
mod key;
mod plan;
mod program;
mod proof;
mod reader;
mod rpc;
mod state;
mod txmanager;
mod verifier;

pub use address::{Gateway, account, parse_account, pubkey_of};
pub use chain::SolanaChain;
pub use config::{ConfigError, FeePolicy, Limits, SolanaConfig};
pub use key::{KeyError, SolanaKey};
pub use program::ExpectedProgram;
pub use reader::SolanaReader;
pub use rpc::Endpoint;
pub use txmanager::{SolanaWriter, TX_COLUMNS};
pub use verifier::SolanaVerifier;
