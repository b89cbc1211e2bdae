//! Ordering by one leader in this process, behind the `Consensus` port.

mod leader;
mod mempool;
mod pace;

pub use leader::{InProcessLeader, LeaderError};
pub use mempool::{
    BLOCK_BYTES_MAX, BLOCK_ENTRIES_MAX, ENTRY_BYTES_MAX, MEMPOOL_BYTES_MAX, MEMPOOL_ENTRIES_MAX, Mempool, MempoolError,
};
pub use pace::Pace;
