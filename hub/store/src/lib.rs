//! Durable storage of the INFRASTRUKT hub and relayer: RocksDB columns, atomic synced batches.
//!
//! Owns two implementations of the `Store` port (RocksDB on disk, and memory with the same semantics for simulation),
//! the hub's columns with their keys, and the log of the in-process leader. It never holds business rules: what a block
//! changes is decided by `infrastrukt-protocol`, and lands here in one batch with the block itself.

mod columns;
mod consensus_log;
mod errors;
mod hub_store;
mod memory;
mod rocks;

pub use columns::{DealFilter, HUB_COLUMNS, MessageFilter, SCHEMA_VERSION, ShareSignature};
pub use consensus_log::{CONSENSUS_COLUMNS, ConsensusLog};
pub use errors::{ApplyError, OpenError, SignOnceError};
pub use hub_store::HubStore;
pub use memory::MemoryStore;
pub use rocks::RocksStore;
