//! Take: follows the hub's certified checkpoints by cursor and turns their leaves into items, one batch a checkpoint.

use async_trait::async_trait;
use infrastrukt_api::{CertifiedCheckpoint, LeafView};
use infrastrukt_types::{B256, ChainId, Leaf, LegRef, Outbox};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

use super::{Lane, Pause, Shared, Stage, StageError, StageName};
use crate::store::{CertRef, Certified, Change, Item, Place, Work, WorkKind};

/// Checkpoints asked for at once: each may hold thousands of messages.
const PAGE: u32 = 4;
/// Pause between two looks where no push comes.
const IDLE: Duration = Duration::from_millis(500);
/// Pause while a lane's queue is full.
const FULL_PAUSE: Duration = Duration::from_secs(2);
/// Pause between two collections of certificates that nothing needs.
const COLLECT_MS: u64 = 5_000;

/// Takes certified checkpoints for all lanes.
pub(crate) struct Take {
    shared: Arc<Shared>,
    collect_from: Option<CertRef>,
    collected_at_ms: u64,
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
        self.bind().await?;
        self.collect()?;
        let shared = &self.shared;
        let full = |lane: &Arc<Lane>| shared.book.counts(lane.chain).queued >= shared.limits.queue_max;
        if shared.lanes.values().any(full) {
            return Ok(Pause::Idle(FULL_PAUSE));
        }
        let from = shared.book.taken()?;
        let page = shared.hub.certified(from, PAGE).await?;
        if page.items.is_empty() {
            let _ = shared.live_since_ms.compare_exchange(
                u64::MAX,
                shared.clock.now_ms(),
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            return Ok(Pause::Idle(IDLE));
        }
        let mut expected = from;
        for checkpoint in page.items {
            if checkpoint.cursor != expected {
                return Err(StageError::Halt(format!(
                    "the hub's list of certified checkpoints has a gap: {expected} was asked for, {} came",
                    checkpoint.cursor
                )));
            }
            expected = expected.saturating_add(1);
            self.store(checkpoint, expected)?;
        }
        Ok(Pause::None)
    }
}

impl Take {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, collect_from: None, collected_at_ms: 0 }
    }

    /// Refuses a hub other than the one whose cursor and certificates are stored here.
    async fn bind(&self) -> Result<(), StageError> {
        let id = match self.shared.hub_info() {
            Some(info) => info.id,
            None => self.shared.hub.status().await?.hub_id,
        };
        match self.shared.book.hub()? {
            Some(known) if known == id => Ok(()),
            Some(known) => Err(StageError::Halt(format!(
                "this data directory belongs to hub {known}, but {} is hub {id}: use another directory",
                self.shared.hub_url
            ))),
            None => {
                let mut change = self.shared.book.change();
                change.set_hub(id);
                Ok(change.commit()?)
            }
        }
    }

    fn collect(&mut self) -> Result<(), StageError> {
        let now_ms = self.shared.clock.now_ms();
        if now_ms.saturating_sub(self.collected_at_ms) >= COLLECT_MS {
            self.collect_from = self.shared.book.collect(self.collect_from)?;
            self.collected_at_ms = now_ms;
        }
        Ok(())
    }

    /// Stores the certificate, an item for each leaf that a lane here serves, and the cursor, in one batch.
    fn store(&self, checkpoint: CertifiedCheckpoint, next: u64) -> Result<(), StageError> {
        let CertifiedCheckpoint { checkpoint, certificate, leaves, .. } = checkpoint;
        let hashes: Vec<B256> = leaves.iter().map(|view| view.leaf.hash()).collect();
        let root = Outbox::new(hashes.clone()).map(|outbox| outbox.root());
        if root != Some(checkpoint.outbox_root) {
            return Err(StageError::Halt(format!(
                "the hub's leaves of height {} do not lead to the certified root {}: it serves wrong data",
                checkpoint.height, checkpoint.outbox_root
            )));
        }
        let epoch = checkpoint.epoch;
        let certified = Certified { checkpoint, certificate };
        let cert = certified.cert_ref();
        let now_ms = self.shared.clock.now_ms();
        let mut change = self.shared.book.change();
        let mut used = false;
        for (index, view) in (0u32..).zip(leaves) {
            for (chain, work) in works(cert, view, &self.shared.lanes)? {
                enqueue(&mut change, chain, Item::new(work, cert, epoch, index, now_ms))?;
                used = true;
            }
        }
        if used {
            change.put_certified(&certified, &hashes);
        }
        change.set_taken(next);
        change.commit()?;
        tracing::debug!(height = cert.height.0, kind = ?cert.kind, leaves = hashes.len(), "checkpoint taken");
        for lane in self.shared.lanes.values() {
            lane.wake_deliver.notify_one();
        }
        Ok(())
    }
}

/// What a leaf asks for, on those chains that have a lane here. The others are served by other relayers.
fn works(
    cert: CertRef,
    view: LeafView,
    lanes: &BTreeMap<ChainId, Arc<Lane>>,
) -> Result<Vec<(ChainId, Work)>, StageError> {
    let missing = |what: &str, id: String| {
        let height = cert.height;
        StageError::Halt(format!("the hub shows a leaf of height {height} without {what} {id}: it serves wrong data"))
    };
    let mut works: Vec<(ChainId, Work)> = match view.leaf {
        Leaf::Message(id) => {
            let message = view.message.ok_or_else(|| missing("its message", id.to_string()))?;
            vec![(message.target, Work::Deliver { id, message })]
        }
        Leaf::Expired(id) => {
            let message = view.message.ok_or_else(|| missing("its message", id.to_string()))?;
            vec![(message.source, Work::Refund { id, message })]
        }
        Leaf::Decision(deal, decision) => {
            let terms = view.deal.ok_or_else(|| missing("its deal", deal.to_string()))?;
            let mut legs: BTreeMap<ChainId, Vec<LegRef>> = BTreeMap::new();
            for leg in terms.leg_refs() {
                legs.entry(leg.leg.chain).or_default().push(leg);
            }
            legs.into_iter().map(|(chain, legs)| (chain, Work::Settle { deal, decision, legs })).collect()
        }
        // Every chain has to learn of the next set.
        Leaf::Rotate { epoch, valset_hash, expires_at } => {
            lanes.keys().map(|chain| (*chain, Work::Rotate { epoch, valset_hash, expires_at })).collect()
        }
    };
    works.retain(|(chain, _)| lanes.contains_key(chain));
    Ok(works)
}

/// Adds an item. One that is there already gets the newer certificate: the hub re-issued its leaf.
fn enqueue(change: &mut Change<'_>, chain: ChainId, item: Item) -> Result<(), StageError> {
    let (key, kind) = (item.key(), item.key().kind);
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
