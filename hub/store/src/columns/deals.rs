//! Deals with their indexes: newest first, by state, the active ones, by next deadline, and those that wait to be issued.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_protocol::{DealRecord, DealState, Rules};
use infrastrukt_types::{Account, DealId, Decision, Timestamp, codec};

use super::{Listed, by_sequence, damaged, hash_of, list, newest_key, number_at, read};

/// Id → record.
pub(crate) const DEALS: Column = Column("deals");
/// Inverted sequence number → id.
pub(crate) const NEWEST: Column = Column("deals_newest");
/// State ‖ inverted sequence number → id.
pub(crate) const BY_STATE: Column = Column("deals_by_state");
/// Sequence number → id, while the deal is active.
pub(crate) const OPEN: Column = Column("deals_open");
/// Next deadline ‖ id → nothing.
pub(crate) const DUE: Column = Column("deals_due");
/// Decision ‖ sequence number → id, while the leaf of the decision waits to be issued.
pub(crate) const WAITING: Column = Column("deals_waiting");

/// Which deals to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DealFilter {
    /// Only in this state.
    pub state: Option<DealState>,
    /// Only with this account as depositor or payee of a leg.
    pub account: Option<Account>,
}

impl DealFilter {
    fn keeps(&self, record: &DealRecord) -> bool {
        self.account.is_none_or(|account| {
            record.deal.legs.iter().any(|leg| [leg.depositor, leg.on_commit, leg.on_abort].contains(&account))
        })
    }
}

/// The state's byte in keys; never reordered.
const fn state_byte(state: DealState) -> u8 {
    match state {
        DealState::Open => 0,
        DealState::Locking => 1,
        DealState::Decided => 2,
        DealState::Certified => 3,
        DealState::Stalled => 4,
        DealState::Settling => 5,
        DealState::Settled => 6,
        DealState::Escaped => 7,
        DealState::Fault => 8,
    }
}

fn state_key(state: DealState, seq: u64) -> Vec<u8> {
    [&[state_byte(state)], newest_key(seq).as_slice()].concat()
}

fn due_key(deadline: Timestamp, id: DealId) -> Vec<u8> {
    [deadline.0.to_be_bytes().as_slice(), id.as_ref()].concat()
}

fn waiting_key(record: &DealRecord) -> Option<Vec<u8>> {
    let decision = record.decision.filter(|_| record.wants_leaf())?;
    Some([&[decision.bit()], record.seq.to_be_bytes().as_slice()].concat())
}

pub(crate) fn get(store: &dyn Store, id: &DealId) -> Result<Option<DealRecord>, StoreError> {
    read(store, DEALS, id.as_ref())
}

/// Writes a record and moves its index rows; `old` is what the store holds now.
pub(crate) fn put(batch: &mut Batch, old: Option<&DealRecord>, record: &DealRecord, rules: &Rules) {
    let id = record.id;
    batch.put(DEALS, id.as_ref(), codec::encode(record));
    if old.is_none() {
        batch.put(NEWEST, newest_key(record.seq), id.as_ref());
    }
    if let Some(old) = old.filter(|old| old.state != record.state) {
        batch.delete(BY_STATE, state_key(old.state, old.seq));
    }
    if old.is_none_or(|old| old.state != record.state) {
        batch.put(BY_STATE, state_key(record.state, record.seq), id.as_ref());
    }
    match (old.is_some_and(DealRecord::is_active), record.is_active()) {
        (false, true) => batch.put(OPEN, record.seq.to_be_bytes(), id.as_ref()),
        (true, false) => batch.delete(OPEN, record.seq.to_be_bytes()),
        (true, true) | (false, false) => {}
    }
    let (before, after) = (old.and_then(|old| old.next_deadline(rules)), record.next_deadline(rules));
    if before != after {
        if let Some(deadline) = before {
            batch.delete(DUE, due_key(deadline, id));
        }
        if let Some(deadline) = after {
            batch.put(DUE, due_key(deadline, id), []);
        }
    }
    let (before, after) = (old.and_then(waiting_key), waiting_key(record));
    if before != after {
        if let Some(key) = before {
            batch.delete(WAITING, key);
        }
        if let Some(key) = after {
            batch.put(WAITING, key, id.as_ref());
        }
    }
}

pub(crate) fn open(store: &dyn Store, from: u64, end: u64, limit: usize) -> Result<Vec<(u64, DealId)>, StoreError> {
    let found = by_sequence(store, OPEN, from, end, limit)?;
    Ok(found.into_iter().map(|(seq, id)| (seq, DealId(id))).collect())
}

pub(crate) fn due(store: &dyn Store, before: Timestamp, limit: usize) -> Result<Vec<DealId>, StoreError> {
    let mut found = Vec::new();
    for (key, _) in store.scan(DUE, &[], &[], limit)? {
        if number_at(&key, 0)? >= before.0 {
            break;
        }
        found.push(DealId(hash_of(key.get(8..).ok_or_else(|| damaged("deadline"))?)?));
    }
    Ok(found)
}

pub(crate) fn waiting(store: &dyn Store, decision: Decision, limit: usize) -> Result<Vec<DealId>, StoreError> {
    let rows = store.scan(WAITING, &[decision.bit()], &[], limit)?;
    rows.iter().map(|(_, id)| hash_of(id).map(DealId)).collect()
}

pub(crate) fn newest(
    store: &dyn Store,
    filter: &DealFilter,
    before: Option<u64>,
    limit: usize,
) -> Result<Listed<DealRecord>, StoreError> {
    let load = |id| get(store, &DealId(id));
    let keep = |record: &DealRecord| filter.keeps(record);
    match filter.state {
        Some(state) => list(store, (BY_STATE, &[state_byte(state)]), before, limit, load, keep),
        None => list(store, (NEWEST, &[]), before, limit, load, keep),
    }
}
