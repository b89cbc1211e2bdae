//! Messages with their indexes: newest first, by state, those that are not final, and those that wait to be issued.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_protocol::{MessageRecord, MessageState};
use infrastrukt_types::{ChainId, MessageId, codec};

use super::{Listed, by_sequence, hash_of, list, newest_key, read};

/// Id → record.
pub(crate) const MESSAGES: Column = Column("messages");
/// Inverted sequence number → id.
pub(crate) const NEWEST: Column = Column("messages_newest");
/// State ‖ inverted sequence number → id.
pub(crate) const BY_STATE: Column = Column("messages_by_state");
/// Sequence number → id, while the message is not final.
pub(crate) const OPEN: Column = Column("messages_open");
/// Sequence number → id, while a leaf of the message waits to be issued.
pub(crate) const WAITING: Column = Column("messages_waiting");

/// Which messages to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Only from this chain.
    pub source: Option<ChainId>,
    /// Only to this chain.
    pub target: Option<ChainId>,
    /// Only in this state.
    pub state: Option<MessageState>,
}

impl MessageFilter {
    fn keeps(&self, record: &MessageRecord) -> bool {
        self.source.is_none_or(|source| source == record.message.source)
            && self.target.is_none_or(|target| target == record.message.target)
    }
}

/// The state's byte in keys; never reordered.
const fn state_byte(state: MessageState) -> u8 {
    match state {
        MessageState::Proven => 0,
        MessageState::Certified => 1,
        MessageState::Delivered => 2,
        MessageState::Expired => 3,
        MessageState::Refunded => 4,
    }
}

fn state_key(state: MessageState, seq: u64) -> Vec<u8> {
    [&[state_byte(state)], newest_key(seq).as_slice()].concat()
}

pub(crate) fn get(store: &dyn Store, id: &MessageId) -> Result<Option<MessageRecord>, StoreError> {
    read(store, MESSAGES, id.as_ref())
}

/// Writes a record and moves its index rows; `old` is what the store holds now.
pub(crate) fn put(batch: &mut Batch, old: Option<&MessageRecord>, record: &MessageRecord) {
    batch.put(MESSAGES, record.id.as_ref(), codec::encode(record));
    if old.is_none() {
        batch.put(NEWEST, newest_key(record.seq), record.id.as_ref());
    }
    if let Some(old) = old.filter(|old| old.state != record.state) {
        batch.delete(BY_STATE, state_key(old.state, old.seq));
    }
    if old.is_none_or(|old| old.state != record.state) {
        batch.put(BY_STATE, state_key(record.state, record.seq), record.id.as_ref());
    }
    match (old.is_some_and(|old| !old.state.is_final()), !record.state.is_final()) {
        (false, true) => batch.put(OPEN, record.seq.to_be_bytes(), record.id.as_ref()),
        (true, false) => batch.delete(OPEN, record.seq.to_be_bytes()),
        (true, true) | (false, false) => {}
    }
    let waits = |record: &MessageRecord| record.wanted_leaf().is_some();
    match (old.is_some_and(waits), waits(record)) {
        (false, true) => batch.put(WAITING, record.seq.to_be_bytes(), record.id.as_ref()),
        (true, false) => batch.delete(WAITING, record.seq.to_be_bytes()),
        (true, true) | (false, false) => {}
    }
}

pub(crate) fn open(store: &dyn Store, from: u64, end: u64, limit: usize) -> Result<Vec<(u64, MessageId)>, StoreError> {
    let found = by_sequence(store, OPEN, from, end, limit)?;
    Ok(found.into_iter().map(|(seq, id)| (seq, MessageId(id))).collect())
}

pub(crate) fn waiting(store: &dyn Store, limit: usize) -> Result<Vec<MessageId>, StoreError> {
    let rows = store.scan(WAITING, &[], &[], limit)?;
    rows.iter().map(|(_, id)| hash_of(id).map(MessageId)).collect()
}

pub(crate) fn newest(
    store: &dyn Store,
    filter: &MessageFilter,
    before: Option<u64>,
    limit: usize,
) -> Result<Listed<MessageRecord>, StoreError> {
    let load = |id| get(store, &MessageId(id));
    let keep = |record: &MessageRecord| filter.keeps(record);
    match filter.state {
        Some(state) => list(store, (BY_STATE, &[state_byte(state)]), before, limit, load, keep),
        None => list(store, (NEWEST, &[]), before, limit, load, keep),
    }
}
