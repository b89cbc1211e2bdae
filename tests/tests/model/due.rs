//! What must happen before time goes on: the bounds under which the properties are claimed.

use infrastrukt_protocol::{LeafState, LegState};
use infrastrukt_types::{Decision, Timestamp};

use crate::{
    terms::{FINALITY_S, INCLUSION_S, OBSERVE_S},
    world::{Bounds, DECISIONS, DealModel, Escrow, Guard, HONEST, World},
};

impl DealModel {
    pub(crate) fn may_tick(&self, world: &World) -> bool {
        let next = world.now.plus(1);
        let settled = !settlement_is_due(world, next);
        let shared = self.lacks(Guard::PublicShares) || !self.shares_are_due(world, next);
        let live = self.bounds == Bounds::Hostile || !world.alive || !self.hub_is_due(world, next);
        let escaped = world.alive || self.bounds != Bounds::Dying || !self.escape_is_due(world);
        settled && shared && live && escaped
    }

    /// S1's assumption: where one honest validator signed a COMMIT, all have by the limit.
    fn shares_are_due(&self, world: &World, next: Timestamp) -> bool {
        let some = (1..HONEST).contains(&world.shares_on(Decision::Commit));
        some && next > self.open.sign_limit(&self.rules)
    }

    /// A live hub proves final locks within P, passes time, and signs.
    fn hub_is_due(&self, world: &World, next: Timestamp) -> bool {
        let record = world.record();
        let proof = |leg: u8| {
            let waiting = record.legs[usize::from(leg)].state == LegState::Waiting;
            let locked = world.locked_at[usize::from(leg)].filter(|_| waiting);
            locked.is_some_and(|at| next > at.plus(FINALITY_S + OBSERVE_S))
        };
        let late = record.next_deadline(&self.rules).is_some_and(|deadline| deadline < world.now);
        let limit = match record.decision {
            Some(Decision::Commit) => record.sign_limit(&self.rules),
            Some(Decision::Abort) | None => world.now,
        };
        let unsigned = record.decision.is_some_and(|decision| world.shares_on(decision) < HONEST);
        (0..2).any(proof) || late || (record.leaf != LeafState::None && unsigned && next > limit)
    }

    /// Depositors act for themselves once the hub is dead.
    fn escape_is_due(&self, world: &World) -> bool {
        let due = |leg: u8| {
            let terms = &self.open.deal.legs[usize::from(leg)];
            let from = world.requested_at[usize::from(leg)].map_or(terms.escape_at, |at| at.plus(terms.escape_window));
            world.escrow(leg) == Escrow::Locked && world.chain_time(leg) >= from
        };
        (0..2).any(due)
    }
}

/// A public certificate is included on every chain within C.
fn settlement_is_due(world: &World, next: Timestamp) -> bool {
    let due = |leg: u8, decision: Decision| {
        let locked = world.locked_at[usize::from(leg)].filter(|_| world.escrow(leg) == Escrow::Locked);
        let since = locked.zip(world.public_since(decision)).map(|(locked, public)| locked.max(public));
        since.is_some_and(|since| next > since.plus(INCLUSION_S))
    };
    (0..2).any(|leg| DECISIONS.into_iter().any(|decision| due(leg, decision)))
}
