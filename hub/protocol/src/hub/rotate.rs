//! Votes for the next epoch's set.

use infrastrukt_types::{HubId, Leaf, RotationVote};

use super::{
    overlay::{Overlay, Stop},
    refusal::Refusal,
    view::StateView,
};
use crate::valset::{EpochRecord, RotationRefusal, RotationTally, check_rotation_vote};

impl<V: StateView> Overlay<'_, V> {
    pub(super) fn rotate(&mut self, hub: HubId, vote: &RotationVote) -> Result<(), Stop<V::Error>> {
        let current = self.epoch(self.tip.epoch)?.ok_or(Refusal::UnknownEpoch(self.tip.epoch))?;
        check_rotation_vote(self.genesis, hub, vote, &current, self.now)?;
        if self.epoch(vote.epoch)?.is_some() {
            return Err(RotationRefusal::Decided(vote.epoch).into());
        }
        let mut tally = self.rotation(vote.epoch)?.unwrap_or_else(|| RotationTally::new(vote.epoch));
        tally.check(vote)?;
        let Some(decided) = tally.count(vote, &current.set) else {
            self.put_rotation(vote.epoch, Some(tally));
            return Ok(());
        };
        let next = EpochRecord::pending(vote.epoch, decided.set, decided.expires_at);
        self.leaves.push(rotation_leaf(&next));
        self.put_epoch(next);
        self.put_rotation(vote.epoch, None);
        Ok(())
    }
}

/// The leaf that hands over to `next`.
pub(super) const fn rotation_leaf(next: &EpochRecord) -> Leaf {
    Leaf::Rotate { epoch: next.epoch, valset_hash: next.valset_hash, expires_at: next.expires_at }
}
