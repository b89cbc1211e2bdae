//! Leaves that were not certified in time, or not acted upon before their epoch retired, are wanted again.

use infrastrukt_types::{CheckpointKind, Height, Leaf};
use std::collections::BTreeMap;

use super::{
    overlay::{Overlay, Stop},
    view::{StateView, Sweep},
};
use crate::{
    deal::{DealEvent, Rules},
    limits::{REISSUED_CHECKPOINTS_PER_BLOCK_MAX, SWEPT_PER_BLOCK_MAX},
    message::{MessageEvent, MessageState},
};

/// Whether checkpoints are of the current epoch: each is looked up once in a sweep.
type Current = BTreeMap<(Height, CheckpointKind), bool>;

impl<V: StateView> Overlay<'_, V> {
    /// Supersedes checkpoints that stayed uncertified for too many blocks and wants what still matters again. A leaf
    /// is taken from its latest checkpoint only, so that it never stands in two that are signed.
    pub(super) fn reissue_uncertified(&mut self) -> Result<(), Stop<V::Error>> {
        let below = Height(self.height.0.saturating_sub(self.genesis.timing.reissue_after_blocks));
        let limit = REISSUED_CHECKPOINTS_PER_BLOCK_MAX;
        for (height, kind) in self.before().uncertified(below, limit).map_err(Stop::View)? {
            let Some(mut record) = self.checkpoint(height, kind)?.filter(|record| record.certificate.is_none()) else {
                continue;
            };
            record.superseded = true;
            let leaves = record.leaves.clone();
            self.put_checkpoint(record);
            for leaf in leaves {
                if self.still_matters(&leaf, height)? {
                    self.withdraw(leaf)?;
                }
            }
        }
        Ok(())
    }

    /// Wants a leaf again that a checkpoint carried.
    fn withdraw(&mut self, leaf: Leaf) -> Result<(), Stop<V::Error>> {
        match &leaf {
            Leaf::Message(id) | Leaf::Expired(id) => {
                if let Some(record) = self.message(id)? {
                    self.move_message(&record, &MessageEvent::LeafWithdrawn, record.message.source)?;
                }
            }
            Leaf::Decision(id, _) => {
                if let Some(record) = self.deal(id)? {
                    self.move_deal(record, &DealEvent::LeafWithdrawn)?;
                }
            }
            // There is never more than one: it waits for no room.
            Leaf::Rotate { .. } => {}
        }
        self.leaves.push(leaf);
        Ok(())
    }

    fn still_matters(&self, leaf: &Leaf, height: Height) -> Result<bool, Stop<V::Error>> {
        let here = Some(height);
        Ok(match leaf {
            Leaf::Message(id) => self.message(id)?.is_some_and(|record| {
                let waiting = matches!(record.state, MessageState::Proven | MessageState::Certified);
                waiting && record.checkpoint == here
            }),
            Leaf::Expired(id) => self
                .message(id)?
                .is_some_and(|record| record.state == MessageState::Expired && record.expired_checkpoint == here),
            Leaf::Decision(id, _) => self.deal(id)?.is_some_and(|record| {
                record.may_reissue(self.now, &Rules::from(&self.genesis.timing)) && record.checkpoint == here
            }),
            Leaf::Rotate { epoch, .. } => {
                self.epoch(*epoch)?.is_some_and(|record| record.started_at.is_none() && record.checkpoint == here)
            }
        })
    }

    /// Continues the work that the last change of epoch left.
    pub(super) fn sweep(&mut self) -> Result<(), Stop<V::Error>> {
        let Some(sweep) = self.tip.sweep else { return Ok(()) };
        let message_next = self.sweep_messages(&sweep)?;
        let deal_next = self.sweep_deals(&sweep)?;
        let done = message_next == sweep.message_end && deal_next == sweep.deal_end;
        self.tip.sweep = (!done).then_some(Sweep { message_next, deal_next, ..sweep });
        Ok(())
    }

    fn sweep_messages(&mut self, sweep: &Sweep) -> Result<u64, Stop<V::Error>> {
        let found = self.before().open_messages(sweep.message_next, sweep.message_end, SWEPT_PER_BLOCK_MAX);
        let found = found.map_err(Stop::View)?;
        let mut current = Current::new();
        for (_, id) in &found {
            let Some(record) = self.message(id)? else { continue };
            let (leaf, carrier) = match record.state {
                MessageState::Proven | MessageState::Certified => (Leaf::Message(*id), record.checkpoint),
                MessageState::Expired => (Leaf::Expired(*id), record.expired_checkpoint),
                MessageState::Delivered | MessageState::Refunded => continue,
            };
            if !self.is_current(&leaf, carrier, &mut current)? {
                self.withdraw(leaf)?;
            }
        }
        Ok(next_of(found.last().map(|(seq, _)| *seq), found.len(), sweep.message_end))
    }

    fn sweep_deals(&mut self, sweep: &Sweep) -> Result<u64, Stop<V::Error>> {
        let found = self.before().open_deals(sweep.deal_next, sweep.deal_end, SWEPT_PER_BLOCK_MAX);
        let found = found.map_err(Stop::View)?;
        let rules = Rules::from(&self.genesis.timing);
        let mut current = Current::new();
        for (_, id) in &found {
            let Some(record) = self.deal(id)?.filter(|record| record.may_reissue(self.now, &rules)) else { continue };
            let Some(decision) = record.decision else { continue };
            let leaf = Leaf::Decision(*id, decision);
            if !self.is_current(&leaf, record.checkpoint, &mut current)? {
                self.withdraw(leaf)?;
            }
        }
        Ok(next_of(found.last().map(|(seq, _)| *seq), found.len(), sweep.deal_end))
    }

    /// True where a checkpoint of the current epoch carries the leaf already: it waited to be issued while the epoch
    /// changed, or the block that changed it issued it.
    fn is_current(&self, leaf: &Leaf, carrier: Option<Height>, current: &mut Current) -> Result<bool, Stop<V::Error>> {
        let Some(place) = carrier.map(|height| (height, leaf.kind())) else { return Ok(false) };
        if let Some(known) = current.get(&place) {
            return Ok(*known);
        }
        let record = self.checkpoint(place.0, place.1)?;
        let is_current = record.is_some_and(|record| record.checkpoint.epoch == self.tip.epoch && !record.superseded);
        current.insert(place, is_current);
        Ok(is_current)
    }
}

/// Behind the last one of a full page; the end otherwise.
fn next_of(last: Option<u64>, found: usize, end: u64) -> u64 {
    match last {
        Some(seq) if found == SWEPT_PER_BLOCK_MAX => seq.saturating_add(1),
        Some(_) | None => end,
    }
}
