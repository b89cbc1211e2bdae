//! The one place through which the relayer's durable state is read and changed.

use infrastrukt_ports::{Column, RouteSearch, ScanCursor, Store, StoreError, SubmissionKey};
use infrastrukt_types::{B256, ChainId, Evidence, Fact, HubId, codec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    AwaitedLeaf, CertRef, Certified, Change, DeadEvidence, EvidenceKey, EvidenceRecord, Item, ItemKey, LeafRef, Plan,
    WorkKind,
    columns::{
        AWAITED, CERTIFICATES, DEAD, DEAD_EVIDENCE, EVIDENCE, EVIDENCE_BODIES, EVIDENCE_FACTS, ITEMS, LEAVES, META,
        PLANS, QUEUE, USERS,
    },
    keys,
};

/// Rows read at once while counting at the start.
const COUNT_PAGE: usize = 4_096;
/// Certificates looked at in one turn of the collection.
const COLLECT_PAGE: usize = 64;

/// How much a lane holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Items that wait.
    pub queued: u64,
    /// Transactions planned or broadcast, in no block yet.
    pub open_plans: u64,
    /// Transactions in a block that is not final yet.
    pub included_plans: u64,
    /// Evidence that is not proven yet.
    pub evidence: u64,
    /// Dead letters, evidence included.
    pub dead: u64,
}

/// A row of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyItem {
    /// Which item.
    pub item: ItemKey,
    /// When it was taken from the hub, in Unix milliseconds.
    pub enqueued_at_ms: u64,
}

/// What is derived from the store and kept in memory.
#[derive(Default)]
pub(super) struct Inner {
    pub(super) counts: BTreeMap<ChainId, Counts>,
    /// Where the first row of a queue is at the earliest, so that a scan skips the graves of removed rows.
    pub(super) heads: HashMap<Vec<u8>, Vec<u8>>,
    /// Epochs whose rotation is not final, for each lane.
    pub(super) rotations: BTreeMap<ChainId, BTreeSet<u64>>,
    /// Certified leaves whose message or deal is still to be fetched.
    pub(super) awaited: u64,
}

/// The relayer's durable state. Every change goes through one [`Change`] at a time, so that stages which move the same
/// item never overwrite each other.
pub struct Book {
    pub(super) store: Arc<dyn Store>,
    inner: Mutex<Inner>,
}

impl Book {
    /// Opens the book and counts what the lanes hold.
    pub fn open(store: Arc<dyn Store>, chains: impl IntoIterator<Item = ChainId>) -> Result<Self, StoreError> {
        let book = Self { store, inner: Mutex::new(Inner::default()) };
        for chain in chains {
            book.count(chain)?;
        }
        let awaited = book.each(AWAITED, &[], |_| Ok(()))?;
        book.inner().awaited = awaited;
        Ok(book)
    }

    fn count(&self, chain: ChainId) -> Result<(), StoreError> {
        let mut counts = Counts::default();
        let lane = keys::lane(chain);
        counts.queued = self.each(QUEUE, &lane, |_| Ok(()))?;
        counts.evidence = self.each(EVIDENCE, &lane, |_| Ok(()))?;
        counts.dead = self.each(DEAD, &lane, |_| Ok(()))? + self.each(DEAD_EVIDENCE, &lane, |_| Ok(()))?;
        let plans = self.each(PLANS, &lane, |value| {
            counts.open_plans += u64::from(codec::decode::<Plan>(value)?.is_open());
            Ok(())
        })?;
        counts.included_plans = plans - counts.open_plans;
        let mut rotations = BTreeSet::new();
        self.each(ITEMS, &keys::lane_kind(chain, WorkKind::Rotate), |value| {
            rotations.extend(codec::decode::<Item>(value)?.rotation_epoch());
            Ok(())
        })?;
        let mut inner = self.inner();
        inner.counts.insert(chain, counts);
        inner.rotations.insert(chain, rotations);
        Ok(())
    }

    /// Visits every value under a prefix, page by page; returns how many there are.
    fn each(
        &self,
        column: Column,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let mut from = prefix.to_vec();
        let mut count = 0;
        loop {
            let rows = self.store.scan(column, prefix, &from, COUNT_PAGE)?;
            for (_, value) in &rows {
                visit(value)?;
                count += 1;
            }
            let Some((last, _)) = rows.last().filter(|_| rows.len() == COUNT_PAGE) else { return Ok(count) };
            from = after(last);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held left the store untouched or complete: batches are atomic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T: DeserializeOwned>(&self, column: Column, key: &[u8]) -> Result<Option<T>, StoreError> {
        let bytes = self.store.get(column, key)?;
        bytes.map(|bytes| codec::decode(&bytes).map_err(StoreError::from)).transpose()
    }

    /// Begins a change. Others wait until it is committed or dropped.
    pub fn change(&self) -> Change<'_> {
        Change::new(self, self.inner())
    }

    /// How much a lane holds.
    pub fn counts(&self, chain: ChainId) -> Counts {
        self.inner().counts.get(&chain).copied().unwrap_or_default()
    }

    /// The earliest epoch whose rotation is not final on a lane.
    pub fn open_rotation(&self, chain: ChainId) -> Option<u64> {
        self.inner().rotations.get(&chain).and_then(|epochs| epochs.first().copied())
    }

    /// Whose data this is, once known.
    pub fn hub(&self) -> Result<Option<HubId>, StoreError> {
        self.read(META, keys::META_HUB)
    }

    /// Cursor into the hub's certified checkpoints.
    pub fn taken(&self) -> Result<u64, StoreError> {
        Ok(self.read(META, keys::META_TAKEN)?.unwrap_or_default())
    }

    /// How far the routes of a chain's token bridge were looked for.
    pub fn route_search(&self, chain: ChainId) -> Result<Option<RouteSearch>, StoreError> {
        self.read(META, &keys::route_search(chain))
    }

    /// Cursor from which on a lane's messages are still to be taken; `None` while the lane keeps up.
    pub fn behind(&self, chain: ChainId) -> Result<Option<u64>, StoreError> {
        self.read(META, &keys::behind(chain))
    }

    /// How many certified leaves wait for their message or deal.
    pub fn awaited_count(&self) -> u64 {
        self.inner().awaited
    }

    /// Leaves after one of them that wait for their message or deal, in order.
    pub fn awaited(
        &self,
        after_leaf: Option<LeafRef>,
        limit: usize,
    ) -> Result<Vec<(LeafRef, AwaitedLeaf)>, StoreError> {
        let from = after_leaf.map(|leaf| after(&keys::awaited(leaf))).unwrap_or_default();
        let rows = self.store.scan(AWAITED, &[], &from, limit)?;
        let named = rows.iter().filter_map(|(key, value)| Some((keys::parse_awaited(key)?, value)));
        named.map(|(leaf, value)| Ok((leaf, codec::decode(value)?))).collect()
    }

    /// Where a chain's scan goes on.
    pub fn scan_cursor(&self, chain: ChainId) -> Result<Option<ScanCursor>, StoreError> {
        self.read(META, &keys::scan_cursor(chain))
    }

    /// One item.
    pub fn item(&self, chain: ChainId, key: &ItemKey) -> Result<Option<Item>, StoreError> {
        self.read(ITEMS, &keys::item(chain, key))
    }

    /// One planned transaction.
    pub fn plan(&self, chain: ChainId, key: SubmissionKey) -> Result<Option<Plan>, StoreError> {
        self.read(PLANS, &keys::plan(chain, key))
    }

    /// Planned transactions from a key on, and the key to go on from (`None` at the end).
    pub fn plans(&self, chain: ChainId, from: B256, limit: usize) -> Result<(Vec<Plan>, Option<B256>), StoreError> {
        let rows = self.store.scan(PLANS, &keys::lane(chain), &keys::plan(chain, SubmissionKey(from)), limit)?;
        let more = rows.len() == limit;
        let plans: Vec<Plan> = decode_values(rows)?;
        let next = plans.last().filter(|_| more).and_then(|plan| successor(plan.key.0));
        Ok((plans, next))
    }

    /// Items of a priority that are ready at this time, in order.
    pub fn ready(&self, chain: ChainId, priority: u8, now_ms: u64, limit: usize) -> Result<Vec<ReadyItem>, StoreError> {
        let prefix = keys::queue_prefix(chain, priority);
        let mut inner = self.inner();
        let from = inner.heads.get(&prefix).unwrap_or(&prefix).clone();
        let rows = self.store.scan(QUEUE, &prefix, &from, limit)?;
        if let Some((first, _)) = rows.first() {
            inner.heads.insert(prefix, first.clone());
        }
        drop(inner);
        let ready = |key: &[u8]| keys::queue_ready_at(key).is_some_and(|at| at <= now_ms);
        decode_values(rows.into_iter().take_while(|(key, _)| ready(key)).collect())
    }

    /// A certificate.
    pub fn certified(&self, cert: CertRef) -> Result<Option<Certified>, StoreError> {
        self.read(CERTIFICATES, &keys::certificate(cert))
    }

    /// The leaf hashes of a checkpoint.
    pub fn leaves(&self, cert: CertRef) -> Result<Option<Vec<B256>>, StoreError> {
        self.read(LEAVES, &keys::certificate(cert))
    }

    /// Drops certificates that nothing needs any more; returns where to go on (`None` at the end).
    pub fn collect(&self, from: Option<CertRef>) -> Result<Option<CertRef>, StoreError> {
        let start = from.map(keys::certificate).unwrap_or_default();
        let rows = self.store.scan(CERTIFICATES, &[], &start, COLLECT_PAGE)?;
        let more = rows.len() == COLLECT_PAGE;
        let mut change = self.change();
        let mut last = None;
        for (key, _) in rows {
            last = keys::parse_certificate(&key);
            if self.store.scan(USERS, &key, &key, 1)?.is_empty() {
                change.drop_certificate(&key);
            }
        }
        change.commit()?;
        Ok(last.filter(|_| more))
    }

    /// Evidence records after a key, in order.
    pub fn evidence_after(
        &self,
        chain: ChainId,
        after_key: Option<EvidenceKey>,
        limit: usize,
    ) -> Result<Vec<(EvidenceKey, EvidenceRecord)>, StoreError> {
        let lane = keys::lane(chain);
        let from = after_key.map_or_else(|| lane.clone(), |key| after(&keys::evidence(chain, key)));
        decode_evidence(self.store.scan(EVIDENCE, &lane, &from, limit)?)
    }

    /// One piece of evidence itself.
    pub fn evidence_body(&self, chain: ChainId, key: EvidenceKey) -> Result<Option<Evidence>, StoreError> {
        self.read(EVIDENCE_BODIES, &keys::evidence(chain, key))
    }

    /// The facts that one piece of evidence proves, in order.
    pub fn evidence_facts(&self, chain: ChainId, key: EvidenceKey) -> Result<Option<Vec<Fact>>, StoreError> {
        self.read(EVIDENCE_FACTS, &keys::evidence(chain, key))
    }

    /// Dead items after a key, in order.
    pub fn dead_items(
        &self,
        chain: ChainId,
        after_key: Option<ItemKey>,
        limit: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let lane = keys::lane(chain);
        let from = after_key.map_or_else(|| lane.clone(), |key| after(&keys::item(chain, &key)));
        let rows = self.store.scan(DEAD, &lane, &from, limit)?;
        let items = rows.into_iter().map(|(key, _)| self.read(ITEMS, &key));
        items.filter_map(Result::transpose).collect()
    }

    /// Dead evidence after a key, in order.
    pub fn dead_evidence(
        &self,
        chain: ChainId,
        after_key: Option<EvidenceKey>,
        limit: usize,
    ) -> Result<Vec<(EvidenceKey, DeadEvidence)>, StoreError> {
        let lane = keys::lane(chain);
        let from = after_key.map_or_else(|| lane.clone(), |key| after(&keys::evidence(chain, key)));
        decode_evidence(self.store.scan(DEAD_EVIDENCE, &lane, &from, limit)?)
    }

    /// One piece of dead evidence.
    pub fn one_dead_evidence(&self, chain: ChainId, key: EvidenceKey) -> Result<Option<DeadEvidence>, StoreError> {
        self.read(DEAD_EVIDENCE, &keys::evidence(chain, key))
    }
}

fn decode_values<T: DeserializeOwned>(rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|(_, value)| codec::decode(value).map_err(StoreError::from)).collect()
}

fn decode_evidence<T: DeserializeOwned>(rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Vec<(EvidenceKey, T)>, StoreError> {
    let decoded = rows.iter().filter_map(|(key, value)| Some((keys::parse_evidence(key)?, value)));
    decoded.map(|(key, value)| Ok((key, codec::decode(value)?))).collect()
}

/// The first key behind this one.
fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// The hash behind this one; `None` behind the last.
fn successor(hash: B256) -> Option<B256> {
    let mut bytes = hash.0;
    for byte in bytes.iter_mut().rev() {
        let (next, overflow) = byte.overflowing_add(1);
        *byte = next;
        if !overflow {
            return Some(B256::from(bytes));
        }
    }
    None
}
