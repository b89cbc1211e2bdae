//! What the relayer keeps on disk.
//!
//! Owns the columns, their keys and records, and the [`Book`]: the one writer of all of them. Queues live here, only
//! windows of them in memory.

mod book;
mod change;
mod columns;
mod keys;
mod records;

pub use book::{Book, Counts, ReadyItem};
pub use change::Change;
pub use columns::COLUMNS;
pub(crate) use records::shortened;
pub use records::{
    AwaitedLeaf, CertRef, Certified, DeadEvidence, EvidenceKey, EvidenceRecord, Item, ItemKey, LeafRef, Place, Plan,
    PlanEntry, PlanKind, PlanPhase, Work, WorkKind,
};
