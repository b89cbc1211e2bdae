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
mod sign_once;

pub use columns::{
    ATTESTED_BLOCKS_MAX, DealFilter, HUB_COLUMNS, Listed, MessageFilter, SCANNED_MAX, SCHEMA_VERSION, ShareSignature,
    StoredShare,
};
pub use consensus_log::{CONSENSUS_COLUMNS, ConsensusLog};
pub use errors::{ApplyError, BlockConflict, OpenError, SignOnceError};
pub use hub_store::HubStore;
pub use memory::MemoryStore;
pub use rocks::RocksStore;
