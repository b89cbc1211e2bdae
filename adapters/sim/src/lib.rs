//! An in-memory chain with faults on demand.
//!
//! Owns a Rust reference of the hub's contracts ([`Gateway`], [`Escrow`], [`Epochs`]), a chain of hashed blocks that
//! runs them, and the ports over it: [`SimReader`], [`SimWriter`], [`SimVerifier`], [`SimStore`] and [`SimClock`]. All
//! of it is deterministic: the same seed and the same calls give the same block hashes. It never reads real time, a
//! disk or a socket. It has no token bridge: `Bridge` is refused with a typed error. Escrow and verifier judge in the
//! order of the Solidity contracts; a test across crates compares the two call by call.
//!
//! Faults come in two kinds. What is wrong with one endpoint belongs to its [`SimView`]: errors, stale answers, lies,
//! lost broadcasts ([`Faults`]). What happens to the chain itself is a method of [`SimChain`]: reorgs below finality
//! included, stalled finality, skewed time, dearer blocks, censorship, recipients and payees that refuse.

mod block;
mod chain;
mod clock;
mod environment;
mod epochs;
mod escrow;
mod faults;
mod gateway;
mod history;
mod ledger;
mod leg_rules;
mod lock_signature;
mod machine;
mod pool;
mod reader;
mod revert;
mod store;
mod verifier;
mod view;
mod writer;

pub use block::{Event, Header, Log, SimBlock, SimReceipt, receipts_root};
pub use chain::{Dropped, SimChain, SimConfig, sim_account};
pub use clock::SimClock;
pub use environment::{Environment, Recipient};
pub use epochs::{EpochRecord, Epochs};
pub use escrow::{Escrow, Money, Settlement};
pub use faults::{FaultCounts, Faults, Lie};
pub use gateway::{Gateway, Target};
pub use ledger::{Ledger, TokenKind};
pub use leg_rules::LegRules;
pub use lock_signature::lock_digest;
pub use machine::{Contracts, State};
pub use pool::{PoolError, SimTx};
pub use reader::SimReader;
pub use revert::Revert;
pub use store::SimStore;
pub use verifier::SimVerifier;
pub use view::{RpcError, SimView};
pub use writer::SimWriter;
