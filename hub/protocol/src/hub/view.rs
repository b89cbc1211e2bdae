//! What execution reads.

use infrastrukt_types::{
    Address, B256, ChainId, CheckpointKind, DealId, Decision, Epoch, FactId, Height, MessageId, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::tally::Tally;
use crate::{
    checkpoint::CheckpointRecord,
    deal::DealRecord,
    message::MessageRecord,
    valset::{EpochRecord, RotationTally},
};

/// The end of the log, and the counters that go with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// Height of the last executed block; 0 at genesis.
    pub height: Height,
    /// Its time.
    pub time: Timestamp,
    /// Its hash: the parent of the next one.
    pub block_hash: B256,
    /// Current epoch.
    pub epoch: Epoch,
    /// Hash of its set.
    pub valset_hash: B256,
    /// Hash chain over every change so far.
    pub state_root: B256,
    /// Cursor of the next checkpoint to be certified.
    pub next_cursor: u64,
    /// Sequence number of the next message.
    pub next_message: u64,
    /// Sequence number of the next deal.
    pub next_deal: u64,
    /// Deals without a decision.
    pub open_deals: u32,
    /// For each validator, how many facts it attested to that are not proven yet.
    pub pending_facts: BTreeMap<Address, u32>,
    /// Work left from the last change of epoch.
    pub sweep: Option<Sweep>,
}

/// What must still be issued again under a new epoch: everything unfinished below the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// First message not looked at yet.
    pub message_next: u64,
    /// End of the messages of the old epoch.
    pub message_end: u64,
    /// First deal not looked at yet.
    pub deal_next: u64,
    /// End of the deals of the old epoch.
    pub deal_end: u64,
}

/// The state after the last executed block. Storage implements it; every answer is exact, never a cache's guess.
pub trait StateView {
    /// Why an answer could not be given.
    type Error;

    /// The end of the log.
    fn tip(&self) -> Result<Tip, Self::Error>;

    /// A proven message.
    fn message(&self, id: &MessageId) -> Result<Option<MessageRecord>, Self::Error>;

    /// A registered deal.
    fn deal(&self, id: &DealId) -> Result<Option<DealRecord>, Self::Error>;

    /// Votes on a fact that is not proven yet.
    fn tally(&self, id: &FactId) -> Result<Option<Tally>, Self::Error>;

    /// Facts whose first vote is from before `before` and that are not proven yet, the oldest first.
    fn stale_tallies(&self, before: Timestamp, limit: usize) -> Result<Vec<FactId>, Self::Error>;

    /// The fact proven at a position.
    fn fact_at(
        &self,
        chain: ChainId,
        block: u64,
        tx_index: u32,
        event_index: u32,
    ) -> Result<Option<FactId>, Self::Error>;

    /// The hash of a block of which a fact is proven.
    fn block_hash_at(&self, chain: ChainId, block: u64) -> Result<Option<B256>, Self::Error>;

    /// A checkpoint.
    fn checkpoint(&self, height: Height, kind: CheckpointKind) -> Result<Option<CheckpointRecord>, Self::Error>;

    /// An epoch: retired, current or pending.
    fn epoch(&self, epoch: Epoch) -> Result<Option<EpochRecord>, Self::Error>;

    /// Deals whose next deadline is before `before`, the earliest first.
    fn due_deals(&self, before: Timestamp, limit: usize) -> Result<Vec<DealId>, Self::Error>;

    /// Checkpoints below a height that are neither certified nor superseded, the lowest first.
    fn uncertified(&self, below: Height, limit: usize) -> Result<Vec<(Height, CheckpointKind)>, Self::Error>;

    /// Messages that are not final, with sequence numbers from `from` on and below `end`, ascending.
    fn open_messages(&self, from: u64, end: u64, limit: usize) -> Result<Vec<(u64, MessageId)>, Self::Error>;

    /// Deals that are active, with sequence numbers from `from` on and below `end`, ascending.
    fn open_deals(&self, from: u64, end: u64, limit: usize) -> Result<Vec<(u64, DealId)>, Self::Error>;

    /// Messages of which a leaf waits to be issued, in the order of their sequence numbers.
    fn waiting_messages(&self, limit: usize) -> Result<Vec<MessageId>, Self::Error>;

    /// Deals with this decision whose leaf waits to be issued, in the order of their sequence numbers.
    fn waiting_deals(&self, decision: Decision, limit: usize) -> Result<Vec<DealId>, Self::Error>;

    /// Votes for the set of an epoch.
    fn rotation_votes(&self, epoch: Epoch) -> Result<Option<RotationTally>, Self::Error>;

    /// Why a chain is frozen, if it is.
    fn frozen(&self, chain: ChainId) -> Result<Option<String>, Self::Error>;
}
