//! What must happen before time goes on: the bounds under which the properties are claimed.

use infrastrukt_protocol::LegState;
use infrastrukt_types::Decision;

use super::{
    bounds::{Bounds, Guard},
    brief::LeafPart,
    model::DealModel,
    world::{CHAINS, DECISIONS, EPOCHS, Escrow, Part, World},
};
use crate::terms::{FINALITY_S, INCLUSION_S, OBSERVE_S, SKEW_S, Second, hub_time};

impl DealModel {
    pub(super) fn may_tick(&self, world: &World) -> bool {
        let next = world.now + 1;
        self.deals().all(|deal| {
            let part = world.part(deal);
            let settled = self.lacks(Guard::Inclusion) || !self.settlement_is_due(world, part, next);
            let shared = self.lacks(Guard::PublicShares) || !self.shares_are_due(part, next);
            let live = self.is_hostile() || !world.alive || !self.hub_is_due(world, deal, next);
            let escaped = world.alive || self.setup.bounds != Bounds::Dying || !self.escape_is_due(world, part);
            settled && shared && live && escaped
        })
    }

    /// S1's assumption: where one honest validator signed a COMMIT, all have by the limit, as the slowest clock
    /// among them shows it.
    fn shares_are_due(&self, part: &Part, next: Second) -> bool {
        next > self.times.sign_limit + SKEW_S && self.is_halfway(part)
    }

    /// S1's assumption: a public certificate that a chain takes is included there within C. The rotation that a chain
    /// may need before is public as well.
    fn settlement_is_due(&self, world: &World, part: &Part, next: Second) -> bool {
        let due = |leg: u8, epoch: u8, decision: Decision| {
            let lock = &part.legs[usize::from(leg)];
            let since =
                lock.locked_at.zip(part.public_since(epoch, decision)).map(|(locked, public)| locked.max(public));
            since.is_some_and(|since| next > since + INCLUSION_S) && (epoch == 2 || self.accepts(world, leg, epoch))
        };
        CHAINS
            .into_iter()
            .any(|leg| EPOCHS.into_iter().any(|epoch| DECISIONS.into_iter().any(|decision| due(leg, epoch, decision))))
    }

    /// A live hub proves final locks within P, passes time, and signs.
    fn hub_is_due(&self, world: &World, deal: u8, next: Second) -> bool {
        let part = world.part(deal);
        let proof = |leg: u8| {
            let waiting = part.hub.legs[usize::from(leg)] == LegState::Waiting;
            let locked = part.legs[usize::from(leg)].locked_at.filter(|_| waiting);
            locked.is_some_and(|at| next > at + FINALITY_S + OBSERVE_S)
        };
        let record = part.hub.record(&self.open[usize::from(deal)]);
        let late = record.next_deadline(&self.rules).is_some_and(|deadline| deadline < hub_time(world.now));
        let limit = match part.hub.decision {
            Some(Decision::Commit) => self.times.sign_limit,
            Some(Decision::Abort) | None => world.now,
        };
        let unsigned = part.hub.leaf != LeafPart::None
            && part.hub.decision.is_some_and(|of| part.shares_on(part.hub.issue, of) < self.setup.committee.honest);
        CHAINS.into_iter().any(proof) || late || (unsigned && next > limit)
    }

    /// Depositors act for themselves once the hub is dead.
    fn escape_is_due(&self, world: &World, part: &Part) -> bool {
        let due = |leg: u8| {
            let lock = &part.legs[usize::from(leg)];
            let from = lock.requested_at.map_or(self.times.escape_at, |at| at + self.times.escape_window);
            lock.escrow == Escrow::Locked && world.chain_time(leg) >= from
        };
        CHAINS.into_iter().any(due)
    }
}
