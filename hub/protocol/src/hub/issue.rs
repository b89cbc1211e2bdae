//! Which leaves a block issues: of those that are wanted, as many as its checkpoints hold.

use infrastrukt_types::{CheckpointKind, Decision, Leaf};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    overlay::{Overlay, Stop},
    view::StateView,
};
use crate::{
    deal::{DealEvent, Rules},
    limits::CHECKPOINT_LEAVES_MAX,
    message::MessageEvent,
};

impl<V: StateView> Overlay<'_, V> {
    /// Issues what waited since earlier blocks, and then what this block wants. What has no room stays wanted by its own
    /// record, where the next block finds it: so nothing is lost, and nothing issued that a checkpoint carries already.
    /// That block needs no entries. It comes with the next heartbeat at the latest, and sooner with the certificate of
    /// this one.
    pub(super) fn issue(&mut self) -> Result<(), Stop<V::Error>> {
        let mut wanted = self.waiting()?;
        wanted.append(&mut self.leaves);
        let mut leaves = Vec::with_capacity(wanted.len());
        for leaf in wanted {
            if self.is_wanted(&leaf)? {
                leaves.push(leaf);
            }
        }
        let leaves = within_bound(leaves);
        for leaf in &leaves {
            self.mark_issued(leaf)?;
        }
        self.leaves = leaves;
        Ok(())
    }

    /// No more of each sort than one checkpoint holds.
    fn waiting(&self) -> Result<Vec<Leaf>, Stop<V::Error>> {
        let (view, limit) = (self.before(), CHECKPOINT_LEAVES_MAX);
        let mut waiting = Vec::new();
        for decision in [Decision::Commit, Decision::Abort] {
            let deals = view.waiting_deals(decision, limit).map_err(Stop::View)?;
            waiting.extend(deals.into_iter().map(|id| Leaf::Decision(id, decision)));
        }
        for id in view.waiting_messages(limit).map_err(Stop::View)? {
            waiting.extend(self.message(&id)?.and_then(|record| record.wanted_leaf()));
        }
        Ok(waiting)
    }

    /// What happened since the leaf was wanted counts, in this block and while it waited: a COMMIT may be too late.
    fn is_wanted(&self, leaf: &Leaf) -> Result<bool, Stop<V::Error>> {
        let rules = Rules::from(&self.genesis.timing);
        Ok(match leaf {
            Leaf::Message(id) | Leaf::Expired(id) => {
                let wanted = self.message(id)?.and_then(|record| record.wanted_leaf());
                wanted.as_ref() == Some(leaf)
            }
            Leaf::Decision(id, decision) => self
                .deal(id)?
                .is_some_and(|record| record.decision == Some(*decision) && record.may_issue(self.now, &rules)),
            Leaf::Rotate { .. } => true,
        })
    }

    /// Notes in the leaf's record which checkpoint carries it now.
    fn mark_issued(&mut self, leaf: &Leaf) -> Result<(), Stop<V::Error>> {
        let height = self.height;
        match leaf {
            Leaf::Message(id) => {
                if let Some(record) = self.message(id)? {
                    self.move_message(&record, &MessageEvent::LeafIssued { height }, record.message.source)?;
                }
            }
            Leaf::Expired(id) => {
                if let Some(record) = self.message(id)? {
                    self.move_message(&record, &MessageEvent::ExpiryIssued { height }, record.message.target)?;
                }
            }
            Leaf::Decision(id, _) => {
                if let Some(record) = self.deal(id)? {
                    self.move_deal(record, &DealEvent::LeafIssued { height })?;
                }
            }
            Leaf::Rotate { epoch, .. } => {
                if let Some(mut record) = self.epoch(*epoch)? {
                    record.checkpoint = Some(height);
                    self.put_epoch(record);
                }
            }
        }
        Ok(())
    }
}

/// Each leaf once, and of each kind no more than one checkpoint holds. Decisions and rotations go before messages: money
/// in escrows waits for them.
fn within_bound(mut wanted: Vec<Leaf>) -> Vec<Leaf> {
    let mut seen = BTreeSet::new();
    let mut counts: BTreeMap<CheckpointKind, usize> = BTreeMap::new();
    // Stable: what was wanted first comes first.
    wanted.sort_by_key(is_of_a_message);
    wanted.retain(|leaf| {
        let count = counts.entry(leaf.kind()).or_default();
        let fits = *count < CHECKPOINT_LEAVES_MAX && seen.insert(leaf.clone());
        *count += usize::from(fits);
        fits
    });
    wanted
}

const fn is_of_a_message(leaf: &Leaf) -> bool {
    match leaf {
        Leaf::Message(_) | Leaf::Expired(_) => true,
        Leaf::Decision(..) | Leaf::Rotate { .. } => false,
    }
}
