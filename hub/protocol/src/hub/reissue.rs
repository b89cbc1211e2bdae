//! Leaves that were not certified in time, or not acted upon before their epoch retired, are issued again.

use infrastrukt_types::{Height, Leaf};

use super::{
    overlay::{Overlay, Stop},
    view::{StateView, Sweep},
};
use crate::{
    deal::Rules,
    limits::{REISSUED_CHECKPOINTS_PER_BLOCK_MAX, SWEPT_PER_BLOCK_MAX},
    message::MessageState,
};

impl<V: StateView> Overlay<'_, V> {
    /// Supersedes checkpoints that stayed uncertified for too many blocks and issues what still matters again. A leaf
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
                    self.leaves.push(leaf);
                }
            }
        }
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
        for (_, id) in &found {
            match self.message(id)?.map(|record| record.state) {
                Some(MessageState::Proven | MessageState::Certified) => self.leaves.push(Leaf::Message(*id)),
                Some(MessageState::Expired) => self.leaves.push(Leaf::Expired(*id)),
                Some(MessageState::Delivered | MessageState::Refunded) | None => {}
            }
        }
        Ok(next_of(found.last().map(|(seq, _)| *seq), found.len(), sweep.message_end))
    }

    fn sweep_deals(&mut self, sweep: &Sweep) -> Result<u64, Stop<V::Error>> {
        let found = self.before().open_deals(sweep.deal_next, sweep.deal_end, SWEPT_PER_BLOCK_MAX);
        let found = found.map_err(Stop::View)?;
        let rules = Rules::from(&self.genesis.timing);
        for (_, id) in &found {
            let Some(record) = self.deal(id)?.filter(|record| record.may_reissue(self.now, &rules)) else { continue };
            if let Some(decision) = record.decision {
                self.leaves.push(Leaf::Decision(*id, decision));
            }
        }
        Ok(next_of(found.last().map(|(seq, _)| *seq), found.len(), sweep.deal_end))
    }
}

/// Behind the last one of a full page; the end otherwise.
fn next_of(last: Option<u64>, found: usize, end: u64) -> u64 {
    match last {
        Some(seq) if found == SWEPT_PER_BLOCK_MAX => seq.saturating_add(1),
        Some(_) | None => end,
    }
}
