//! Take: follows the hub's certified checkpoints by cursor and turns their leaves into items, one batch a checkpoint.
//!
//! Nothing of one chain waits for another. A leaf whose message or deal the hub does not show is set aside in the store
//! and asked for by its id; messages to a lane that is full are passed over and read again from their own cursor once
//! there is room. Decisions and rotations are always taken.

use async_trait::async_trait;
use futures::{StreamExt, stream};
use infrastrukt_api::{CertifiedCheckpoint, CertifiedPage, LeafView};
use infrastrukt_types::{B256, ChainId, Epoch, Outbox};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

use super::{HubInfo, Lane, Pause, Shared, Stage, StageError, StageName, body, hub::HubError};
use crate::{
    metrics,
    store::{AwaitedLeaf, CertRef, Certified, Change, Item, LeafRef, Place, WorkKind},
};

/// Checkpoints asked for at once: each may hold thousands of messages.
const PAGE: u32 = 4;
/// Pause between two looks where no push comes.
const IDLE: Duration = Duration::from_millis(500);
/// Pause between two collections of certificates that nothing needs.
const COLLECT_MS: u64 = 5_000;
/// Leaves set aside beyond which no further checkpoint is taken: a hub that shows so little shows nothing.
const AWAITED_MAX: u64 = 100_000;
/// Messages and deals asked for by their id in one turn, and at once.
const FETCH_PAGE: usize = 64;
const FETCHES_MAX: usize = 16;
/// Pause before the leaves that are set aside are gone through again.
const FETCH_AGAIN_MS: u64 = 2_000;

/// Takes certified checkpoints for all lanes.
pub(crate) struct Take {
    shared: Arc<Shared>,
    collect_from: Option<CertRef>,
    collected_at_ms: u64,
    fetched_to: Option<LeafRef>,
    fetch_at_ms: u64,
}

/// A checkpoint whose leaves lead to its root.
struct Opened {
    certified: Certified,
    hashes: Vec<B256>,
    leaves: Vec<LeafView>,
}

/// What is taken from a checkpoint.
#[derive(Clone, Copy)]
enum Pass<'a> {
    /// Everything, but messages to lanes that are behind.
    Front(&'a BTreeSet<ChainId>),
    /// Messages to a lane that was behind.
    Behind(ChainId),
}

#[async_trait]
impl Stage for Take {
    fn name(&self) -> StageName {
        StageName::Take
    }

    fn lane(&self) -> Option<&Arc<Lane>> {
        None
    }

    fn wake(&self) -> &Notify {
        &self.shared.wake_take
    }

    async fn turn(&mut self) -> Result<Pause, StageError> {
        let info = self.hub().await?;
        self.collect()?;
        let fetched = self.fetch(&info).await?;
        let caught_up = self.catch_up(&info).await?;
        let taken = self.take(&info).await?;
        Ok(if fetched || caught_up || taken { Pause::None } else { Pause::Idle(IDLE) })
    }
}

impl Take {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, collect_from: None, collected_at_ms: 0, fetched_to: None, fetch_at_ms: 0 }
    }

    /// Refuses a hub other than the one whose cursor and certificates are stored here.
    async fn hub(&self) -> Result<HubInfo, StageError> {
        let info = match self.shared.hub_info() {
            Some(info) => info,
            None => HubInfo::new(&self.shared.hub.status().await?),
        };
        match self.shared.book.hub()? {
            Some(known) if known == info.id => {}
            Some(known) => {
                return Err(StageError::Halt(format!(
                    "this data directory belongs to hub {known}, but {} is hub {}: use another directory",
                    self.shared.hub_url, info.id
                )));
            }
            None => {
                let mut change = self.shared.book.change();
                change.set_hub(info.id);
                change.commit()?;
            }
        }
        Ok(info)
    }

    fn collect(&mut self) -> Result<(), StageError> {
        let now_ms = self.shared.clock.now_ms();
        if now_ms.saturating_sub(self.collected_at_ms) >= COLLECT_MS {
            self.collect_from = self.shared.book.collect(self.collect_from)?;
            self.collected_at_ms = now_ms;
        }
        Ok(())
    }

    /// Asks for messages and deals of leaves that are set aside. True where one was found. A hub that does not answer
    /// stops nothing here: whether it can be reached shows when checkpoints are asked for.
    async fn fetch(&mut self, info: &HubInfo) -> Result<bool, StageError> {
        let (shared, now_ms) = (&self.shared, self.shared.clock.now_ms());
        if shared.book.awaited_count() == 0 || now_ms < self.fetch_at_ms {
            return Ok(false);
        }
        let page = shared.book.awaited(self.fetched_to, FETCH_PAGE)?;
        self.fetched_to = page.last().map(|(at, _)| *at).filter(|_| page.len() == FETCH_PAGE);
        if self.fetched_to.is_none() {
            self.fetch_at_ms = now_ms.saturating_add(FETCH_AGAIN_MS);
        }
        let hub = shared.hub.as_ref();
        let bodies: Vec<_> = stream::iter(page)
            .map(|(at, awaited)| async move {
                let body = body::fetch(hub, info, &awaited.leaf).await;
                (at, awaited, body)
            })
            .buffered(FETCHES_MAX)
            .collect()
            .await;
        let mut change = shared.book.change();
        let mut found = false;
        for (at, awaited, body) in bodies {
            match body {
                Ok(Some(body)) => {
                    found = true;
                    change.remove_awaited(at)?;
                    for (chain, work) in body.works(&shared.lanes) {
                        let mut item = Item::new(work, at.cert, awaited.epoch, at.index, now_ms);
                        // It is late: others may have carried it out.
                        item.verify = true;
                        enqueue(&mut change, chain, item)?;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    metrics::retry("hub", "body");
                    tracing::debug!(leaf = ?awaited.leaf, %error, "the hub does not show it yet");
                }
            }
        }
        change.commit()?;
        self.wake_lanes();
        Ok(found)
    }

    /// Takes the messages of lanes that were full and have room again, from where they were passed over.
    async fn catch_up(&self, info: &HubInfo) -> Result<bool, StageError> {
        let mut taken = false;
        for chain in self.shared.lanes.keys() {
            let Some(from) = self.shared.book.behind(*chain)? else { continue };
            if self.is_full(*chain) {
                continue;
            }
            let end = self.shared.book.taken()?;
            for checkpoint in self.page(from).await?.items.into_iter().filter(|item| item.cursor < end) {
                self.store(info, checkpoint, Pass::Behind(*chain))?;
                taken = true;
            }
        }
        Ok(taken)
    }

    /// Takes the next checkpoints. False where there are none.
    async fn take(&self, info: &HubInfo) -> Result<bool, StageError> {
        let shared = &self.shared;
        let awaited = shared.book.awaited_count();
        if awaited >= AWAITED_MAX {
            return Err(HubError::Busy(format!("it shows no message or deal for {awaited} certified leaves")).into());
        }
        let page = self.page(shared.book.taken()?).await?;
        if page.items.is_empty() {
            let _ = shared.live_since_ms.compare_exchange(
                u64::MAX,
                shared.clock.now_ms(),
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            return Ok(false);
        }
        for checkpoint in page.items {
            let behind = self.behind()?;
            self.store(info, checkpoint, Pass::Front(&behind))?;
        }
        Ok(true)
    }

    /// Checkpoints from a cursor on, without a gap.
    async fn page(&self, from: u64) -> Result<CertifiedPage, StageError> {
        let page = self.shared.hub.certified(from, PAGE).await?;
        for (expected, checkpoint) in (from..).zip(&page.items) {
            if checkpoint.cursor != expected {
                return Err(StageError::Halt(format!(
                    "the hub's list of certified checkpoints has a gap: {expected} was asked for, {} came",
                    checkpoint.cursor
                )));
            }
        }
        Ok(page)
    }

    fn is_full(&self, chain: ChainId) -> bool {
        self.shared.book.counts(chain).queued >= self.shared.limits.queue_max
    }

    /// Lanes that get no messages now: those that are full, and those that were and have not caught up.
    fn behind(&self) -> Result<BTreeSet<ChainId>, StageError> {
        let mut behind = BTreeSet::new();
        for chain in self.shared.lanes.keys() {
            if self.is_full(*chain) || self.shared.book.behind(*chain)?.is_some() {
                behind.insert(*chain);
            }
        }
        Ok(behind)
    }

    /// Stores the certificate, an item for each leaf that a lane here serves, and the cursor, in one batch.
    fn store(&self, info: &HubInfo, checkpoint: CertifiedCheckpoint, pass: Pass<'_>) -> Result<(), StageError> {
        let cursor = checkpoint.cursor;
        let Opened { certified, hashes, leaves } = Opened::check(checkpoint)?;
        let (cert, epoch, now_ms) = (certified.cert_ref(), certified.checkpoint.epoch, self.shared.clock.now_ms());
        let mut change = self.shared.book.change();
        let (mut is_used, mut passed_over) = (false, BTreeSet::new());
        for (index, LeafView { leaf, message, deal }) in (0u32..).zip(leaves) {
            let Some(body) = body::matching(info, &leaf, message, deal) else {
                change.put_awaited(LeafRef { cert, index }, &AwaitedLeaf { leaf, epoch })?;
                is_used = true;
                continue;
            };
            for (chain, work) in body.works(&self.shared.lanes) {
                let mut item = Item::new(work, cert, epoch, index, now_ms);
                match pass {
                    Pass::Front(behind) if is_message(&item) && behind.contains(&chain) => {
                        passed_over.insert(chain);
                        continue;
                    }
                    Pass::Front(_) => {}
                    Pass::Behind(lane) if is_message(&item) && lane == chain => item.verify = true,
                    Pass::Behind(_) => continue,
                }
                enqueue(&mut change, chain, item)?;
                is_used = true;
            }
        }
        if is_used {
            change.put_certified(&certified, &hashes);
        }
        self.move_cursors(&mut change, cursor, pass, passed_over)?;
        change.commit()?;
        tracing::debug!(height = cert.height.0, kind = ?cert.kind, leaves = hashes.len(), "checkpoint taken");
        self.wake_lanes();
        Ok(())
    }

    fn move_cursors(
        &self,
        change: &mut Change<'_>,
        cursor: u64,
        pass: Pass<'_>,
        passed_over: BTreeSet<ChainId>,
    ) -> Result<(), StageError> {
        let (book, next) = (&self.shared.book, cursor.saturating_add(1));
        match pass {
            Pass::Front(_) => {
                change.set_taken(next);
                for chain in passed_over {
                    if book.behind(chain)?.is_none() {
                        tracing::warn!(lane = %chain, cursor, "the lane is full; its messages wait at the hub");
                        change.set_behind(chain, Some(cursor));
                    }
                }
            }
            Pass::Behind(lane) => {
                let is_over = next == book.taken()?;
                change.set_behind(lane, (!is_over).then_some(next));
            }
        }
        Ok(())
    }

    fn wake_lanes(&self) {
        for lane in self.shared.lanes.values() {
            lane.wake_deliver.notify_one();
        }
    }
}

impl Opened {
    fn check(checkpoint: CertifiedCheckpoint) -> Result<Self, StageError> {
        let CertifiedCheckpoint { checkpoint, certificate, leaves, .. } = checkpoint;
        let hashes: Vec<B256> = leaves.iter().map(|view| view.leaf.hash()).collect();
        let root = Outbox::new(hashes.clone()).map(|outbox| outbox.root());
        if root != Some(checkpoint.outbox_root) {
            return Err(StageError::Halt(format!(
                "the hub's leaves of height {} do not lead to the certified root {}: it serves wrong data",
                checkpoint.height, checkpoint.outbox_root
            )));
        }
        Ok(Self { certified: Certified { checkpoint, certificate }, hashes, leaves })
    }
}

fn is_message(item: &Item) -> bool {
    match item.key().kind {
        WorkKind::Deliver | WorkKind::Refund => true,
        WorkKind::Settle | WorkKind::Rotate => false,
    }
}

/// Adds an item. One that is there already gets the newer certificate: the hub re-issued its leaf.
fn enqueue(change: &mut Change<'_>, chain: ChainId, item: Item) -> Result<(), StageError> {
    let (key, kind) = (item.key(), item.key().kind);
    let age = |item: &Item| -> (CertRef, Epoch) { (item.cert, item.epoch) };
    match change.item(chain, key)? {
        None => {
            match kind {
                WorkKind::Deliver | WorkKind::Refund => {
                    tracing::debug!(chain = %chain, message_id = %key.id, kind = kind.name(), "queued");
                }
                WorkKind::Settle => tracing::info!(chain = %chain, deal_id = %key.id, "settlement queued"),
                WorkKind::Rotate => tracing::info!(chain = %chain, epoch = ?item.rotation_epoch(), "rotation queued"),
            }
            change.put_item(chain, item)?;
        }
        // A leaf that was set aside may come after its re-issue.
        Some(known) if age(&item) <= age(&known) => {}
        Some(mut known) => {
            let new_epoch = item.epoch > known.epoch;
            (known.cert, known.epoch, known.index) = (item.cert, item.epoch, item.index);
            known.verify = true;
            known.place = match known.place {
                Place::InFlight { plan } => Place::InFlight { plan },
                // It may have died of its retired epoch alone.
                Place::Dead { .. } if new_epoch => item.place,
                Place::Dead { since_ms } => Place::Dead { since_ms },
                Place::Queued { .. } => item.place,
            };
            if new_epoch {
                known.attempts = 0;
            }
            change.put_item(chain, known)?;
        }
    }
    Ok(())
}
