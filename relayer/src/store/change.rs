//! A unit of work on the book: reads see its own writes, and all of it is stored in one batch.

use infrastrukt_ports::{Batch, Column, RouteSearch, ScanCursor, StoreError, SubmissionKey};
use infrastrukt_types::{B256, ChainId, Evidence, Fact, HubId, codec};
use std::{collections::BTreeMap, sync::MutexGuard};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{
    AwaitedLeaf, Book, CertRef, Certified, DeadEvidence, EvidenceKey, EvidenceRecord, Item, ItemKey, LeafRef, Place,
    Plan, PlanPhase, ReadyItem, Work,
    book::{Counts, Inner},
    columns::{
        AWAITED, CERTIFICATES, DEAD, DEAD_EVIDENCE, EVIDENCE, EVIDENCE_BODIES, EVIDENCE_FACTS, ITEMS, LEAVES, META,
        PLANS, QUEUE, USERS,
    },
    keys,
};

type Row = (Column, Vec<u8>, Vec<u8>);

/// A record before the change and as it shall be.
struct Slot<T> {
    before: Option<T>,
    now: Option<T>,
}

/// Changes that take effect together. Dropped without [`Change::commit`], nothing happens.
pub struct Change<'a> {
    book: &'a Book,
    inner: MutexGuard<'a, Inner>,
    items: BTreeMap<(ChainId, ItemKey), Slot<Item>>,
    plans: BTreeMap<(ChainId, SubmissionKey), Slot<Plan>>,
    /// Change in the number of evidence records and of dead evidence, for each lane.
    evidence: BTreeMap<ChainId, (i64, i64)>,
    /// Change in the number of leaves that wait for their message or deal.
    awaited: i64,
    batch: Batch,
}

impl<'a> Change<'a> {
    pub(super) fn new(book: &'a Book, inner: MutexGuard<'a, Inner>) -> Self {
        Self {
            book,
            inner,
            items: BTreeMap::new(),
            plans: BTreeMap::new(),
            evidence: BTreeMap::new(),
            awaited: 0,
            batch: Batch::default(),
        }
    }

    /// How much a lane holds, without this change.
    pub fn counts(&self, chain: ChainId) -> Counts {
        self.inner.counts.get(&chain).copied().unwrap_or_default()
    }

    /// The earliest epoch whose rotation is not final on a lane, without this change.
    pub fn open_rotation(&self, chain: ChainId) -> Option<u64> {
        self.inner.rotations.get(&chain).and_then(|epochs| epochs.first().copied())
    }

    fn item_slot(&mut self, chain: ChainId, key: ItemKey) -> Result<&mut Slot<Item>, StoreError> {
        match self.items.entry((chain, key)) {
            std::collections::btree_map::Entry::Occupied(slot) => Ok(slot.into_mut()),
            std::collections::btree_map::Entry::Vacant(slot) => {
                let before = self.book.item(chain, &key)?;
                Ok(slot.insert(Slot { now: before.clone(), before }))
            }
        }
    }

    /// An item as this change leaves it.
    pub fn item(&mut self, chain: ChainId, key: ItemKey) -> Result<Option<Item>, StoreError> {
        Ok(self.item_slot(chain, key)?.now.clone())
    }

    /// Sets an item.
    pub fn put_item(&mut self, chain: ChainId, item: Item) -> Result<(), StoreError> {
        let key = item.key();
        self.item_slot(chain, key)?.now = Some(item);
        Ok(())
    }

    /// Removes an item.
    pub fn remove_item(&mut self, chain: ChainId, key: ItemKey) -> Result<(), StoreError> {
        self.item_slot(chain, key)?.now = None;
        Ok(())
    }

    fn plan_slot(&mut self, chain: ChainId, key: SubmissionKey) -> Result<&mut Slot<Plan>, StoreError> {
        match self.plans.entry((chain, key)) {
            std::collections::btree_map::Entry::Occupied(slot) => Ok(slot.into_mut()),
            std::collections::btree_map::Entry::Vacant(slot) => {
                let before = self.book.plan(chain, key)?;
                Ok(slot.insert(Slot { now: before.clone(), before }))
            }
        }
    }

    /// A planned transaction as this change leaves it.
    pub fn plan(&mut self, chain: ChainId, key: SubmissionKey) -> Result<Option<Plan>, StoreError> {
        Ok(self.plan_slot(chain, key)?.now.clone())
    }

    /// Sets a planned transaction.
    pub fn put_plan(&mut self, chain: ChainId, plan: Plan) -> Result<(), StoreError> {
        let key = plan.key;
        self.plan_slot(chain, key)?.now = Some(plan);
        Ok(())
    }

    /// Removes a planned transaction.
    pub fn remove_plan(&mut self, chain: ChainId, key: SubmissionKey) -> Result<(), StoreError> {
        self.plan_slot(chain, key)?.now = None;
        Ok(())
    }

    /// Binds this data to a hub.
    pub fn set_hub(&mut self, hub: HubId) {
        self.batch.put(META, keys::META_HUB, codec::encode(&hub));
    }

    /// Moves the cursor into the hub's certified checkpoints.
    pub fn set_taken(&mut self, cursor: u64) {
        self.batch.put(META, keys::META_TAKEN, codec::encode(&cursor));
    }

    /// Says from where on a lane's messages are still to be taken; `None` once it keeps up again.
    pub fn set_behind(&mut self, chain: ChainId, cursor: Option<u64>) {
        match cursor {
            Some(cursor) => self.batch.put(META, keys::behind(chain), codec::encode(&cursor)),
            None => self.batch.delete(META, keys::behind(chain)),
        }
    }

    /// Remembers a certified leaf whose message or deal is still to be fetched. Its certificate is kept as long.
    pub fn put_awaited(&mut self, at: LeafRef, leaf: &AwaitedLeaf) -> Result<(), StoreError> {
        let row = keys::awaited(at);
        self.awaited += i64::from(self.book.store.get(AWAITED, &row)?.is_none());
        self.batch.put(AWAITED, row, codec::encode(leaf));
        self.batch.put(USERS, keys::leaf_user(at), Vec::new());
        Ok(())
    }

    /// Forgets a leaf whose message or deal was found.
    pub fn remove_awaited(&mut self, at: LeafRef) -> Result<(), StoreError> {
        let row = keys::awaited(at);
        self.awaited -= i64::from(self.book.store.get(AWAITED, &row)?.is_some());
        self.batch.delete(AWAITED, row);
        self.batch.delete(USERS, keys::leaf_user(at));
        Ok(())
    }

    /// Moves a chain's scan.
    pub fn set_scan_cursor(&mut self, chain: ChainId, cursor: &ScanCursor) {
        self.batch.put(META, keys::scan_cursor(chain), codec::encode(cursor));
    }

    /// Remembers how far the routes of a chain's token bridge were looked for.
    pub fn set_route_search(&mut self, chain: ChainId, search: &RouteSearch) {
        self.batch.put(META, keys::route_search(chain), codec::encode(search));
    }

    /// Stores a certificate with the leaf hashes of its checkpoint.
    pub fn put_certified(&mut self, certified: &Certified, leaves: &[B256]) -> CertRef {
        let cert = certified.cert_ref();
        self.batch.put(CERTIFICATES, keys::certificate(cert), codec::encode(certified));
        self.batch.put(LEAVES, keys::certificate(cert), codec::encode(leaves));
        cert
    }

    pub(super) fn drop_certificate(&mut self, key: &[u8]) {
        self.batch.delete(CERTIFICATES, key);
        self.batch.delete(LEAVES, key);
    }

    /// Stores evidence to be submitted, with all facts that it proves.
    pub fn put_evidence(
        &mut self,
        chain: ChainId,
        key: EvidenceKey,
        record: &EvidenceRecord,
        facts: &[Fact],
        body: &Evidence,
    ) -> Result<(), StoreError> {
        let row = keys::evidence(chain, key);
        let new = self.book.store.get(EVIDENCE, &row)?.is_none();
        self.evidence.entry(chain).or_default().0 += i64::from(new);
        self.batch.put(EVIDENCE, row.clone(), codec::encode(record));
        self.batch.put(EVIDENCE_FACTS, row.clone(), codec::encode(facts));
        self.batch.put(EVIDENCE_BODIES, row, codec::encode(body));
        Ok(())
    }

    /// Removes evidence that is proven or void.
    pub fn remove_evidence(&mut self, chain: ChainId, key: EvidenceKey) -> Result<(), StoreError> {
        let row = keys::evidence(chain, key);
        let there = self.book.store.get(EVIDENCE, &row)?.is_some();
        self.evidence.entry(chain).or_default().0 -= i64::from(there);
        self.batch.delete(EVIDENCE, row.clone());
        self.batch.delete(EVIDENCE_FACTS, row.clone());
        self.batch.delete(EVIDENCE_BODIES, row);
        Ok(())
    }

    /// Makes evidence a dead letter; the evidence itself stays beside it.
    pub fn bury_evidence(&mut self, chain: ChainId, key: EvidenceKey, dead: &DeadEvidence) -> Result<(), StoreError> {
        let row = keys::evidence(chain, key);
        if self.book.store.get(EVIDENCE, &row)?.is_some() {
            let (live, buried) = self.evidence.entry(chain).or_default();
            (*live, *buried) = (*live - 1, *buried + 1);
            self.batch.delete(EVIDENCE, row.clone());
            self.batch.put(DEAD_EVIDENCE, row, codec::encode(dead));
        }
        Ok(())
    }

    /// Takes evidence back from the dead letters; true if it was there.
    pub fn revive_evidence(&mut self, chain: ChainId, key: EvidenceKey) -> Result<bool, StoreError> {
        let Some(dead) = self.book.one_dead_evidence(chain, key)? else { return Ok(false) };
        let (live, buried) = self.evidence.entry(chain).or_default();
        (*live, *buried) = (*live + 1, *buried - 1);
        let row = keys::evidence(chain, key);
        self.batch.delete(DEAD_EVIDENCE, row.clone());
        self.batch.put(EVIDENCE, row, codec::encode(&dead.record));
        Ok(true)
    }

    /// Removes dead evidence for good; true if it was there.
    pub fn drop_dead_evidence(&mut self, chain: ChainId, key: EvidenceKey) -> Result<bool, StoreError> {
        if self.book.one_dead_evidence(chain, key)?.is_none() {
            return Ok(false);
        }
        self.evidence.entry(chain).or_default().1 -= 1;
        let row = keys::evidence(chain, key);
        self.batch.delete(DEAD_EVIDENCE, row.clone());
        self.batch.delete(EVIDENCE_FACTS, row.clone());
        self.batch.delete(EVIDENCE_BODIES, row);
        Ok(true)
    }

    /// Stores all of it in one synced batch.
    pub fn commit(mut self) -> Result<(), StoreError> {
        let items = std::mem::take(&mut self.items);
        let plans = std::mem::take(&mut self.plans);
        for ((chain, _), slot) in &items {
            let rows = |item: &Item| item_rows(*chain, item);
            self.write(slot.before.as_ref().map(rows), slot.now.as_ref().map(rows));
        }
        for ((chain, _), slot) in &plans {
            let rows = |plan: &Plan| plan_rows(*chain, plan);
            self.write(slot.before.as_ref().map(rows), slot.now.as_ref().map(rows));
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        blocking(|| self.book.store.commit(batch))?;
        self.recount(&items, &plans);
        Ok(())
    }

    fn write(&mut self, before: Option<Vec<Row>>, now: Option<Vec<Row>>) {
        let (before, now) = (before.unwrap_or_default(), now.unwrap_or_default());
        let at = |rows: &[Row], (column, key, _): &Row| rows.iter().any(|(c, k, _)| c == column && k == key);
        for row in before.iter().filter(|row| !at(&now, row)) {
            self.batch.delete(row.0, row.1.clone());
        }
        for (column, key, value) in now.into_iter().filter(|row| !before.contains(row)) {
            self.batch.put(column, key, value);
        }
    }

    fn recount(
        &mut self,
        items: &BTreeMap<(ChainId, ItemKey), Slot<Item>>,
        plans: &BTreeMap<(ChainId, SubmissionKey), Slot<Plan>>,
    ) {
        for ((chain, _), slot) in items {
            self.recount_item(*chain, slot);
        }
        for ((chain, _), slot) in plans {
            let counts = self.inner.counts.entry(*chain).or_default();
            for (plan, sign) in [(&slot.before, -1), (&slot.now, 1)] {
                match plan {
                    Some(plan) if plan.is_open() => add(&mut counts.open_plans, sign),
                    Some(_) => add(&mut counts.included_plans, sign),
                    None => {}
                }
            }
        }
        add(&mut self.inner.awaited, self.awaited);
        for (chain, (live, buried)) in std::mem::take(&mut self.evidence) {
            let counts = self.inner.counts.entry(chain).or_default();
            add(&mut counts.evidence, live);
            add(&mut counts.dead, buried);
        }
    }

    fn recount_item(&mut self, chain: ChainId, slot: &Slot<Item>) {
        let counts = self.inner.counts.entry(chain).or_default();
        for (item, sign) in [(&slot.before, -1), (&slot.now, 1)] {
            match item.as_ref().map(|item| item.place) {
                Some(Place::Queued { .. }) => add(&mut counts.queued, sign),
                Some(Place::Dead { .. }) => add(&mut counts.dead, sign),
                Some(Place::InFlight { .. }) | None => {}
            }
        }
        let rotations = self.inner.rotations.entry(chain).or_default();
        if let Some(epoch) = slot.before.as_ref().and_then(Item::rotation_epoch) {
            rotations.remove(&epoch);
        }
        rotations.extend(slot.now.as_ref().and_then(Item::rotation_epoch));
        if let Some(Item { place: Place::Queued { ready_at_ms }, .. }) = &slot.now
            && let Some(item) = &slot.now
        {
            let row = keys::queue(chain, item, *ready_at_ms);
            let prefix = keys::queue_prefix(chain, item.key().kind.priority());
            if let Some(head) = self.inner.heads.get_mut(&prefix).filter(|head| row < **head) {
                *head = row;
            }
        }
    }
}

impl Plan {
    /// True until it is in a block.
    pub fn is_open(&self) -> bool {
        match self.phase {
            PlanPhase::Planned | PlanPhase::Submitted => true,
            PlanPhase::Included { .. } => false,
        }
    }
}

impl Item {
    /// The epoch that a rotation begins.
    pub fn rotation_epoch(&self) -> Option<u64> {
        match &self.work {
            Work::Rotate { epoch, .. } => Some(epoch.0),
            Work::Deliver { .. } | Work::Refund { .. } | Work::Settle { .. } => None,
        }
    }
}

/// A synced write takes as long as the disk does: the other tasks of this thread move to another one meanwhile, where
/// the runtime has one.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        Ok(_) | Err(_) => work(),
    }
}

fn add(count: &mut u64, difference: i64) {
    *count = count.saturating_add_signed(difference);
}

/// All rows of an item: itself, its place in an index, and its claim on a certificate.
fn item_rows(chain: ChainId, item: &Item) -> Vec<Row> {
    let key = item.key();
    let mut rows = vec![
        (ITEMS, keys::item(chain, &key), codec::encode(item)),
        (USERS, keys::item_user(item.cert, chain, &key), Vec::new()),
    ];
    match item.place {
        Place::Queued { ready_at_ms } => {
            let row = ReadyItem { item: key, enqueued_at_ms: item.enqueued_at_ms };
            rows.push((QUEUE, keys::queue(chain, item, ready_at_ms), codec::encode(&row)));
        }
        Place::Dead { .. } => rows.push((DEAD, keys::item(chain, &key), Vec::new())),
        Place::InFlight { .. } => {}
    }
    rows
}

/// All rows of a planned transaction: itself and its claim on a certificate.
fn plan_rows(chain: ChainId, plan: &Plan) -> Vec<Row> {
    vec![
        (PLANS, keys::plan(chain, plan.key), codec::encode(plan)),
        (USERS, keys::plan_user(plan.cert, chain, plan.key), Vec::new()),
    ]
}
