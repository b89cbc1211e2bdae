//! What must hold, in every state or at the end of time, and what must be possible so that it means something.

use infrastrukt_protocol::DealState;
use infrastrukt_types::Decision;
use stateright::{Model, Property};

use crate::{
    acts::Act,
    world::{Bounds, DECISIONS, DealModel, Escrow, World},
};

impl Model for DealModel {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        self.skews.iter().map(|skew| World::new(self, *skew)).collect()
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        if world.now >= self.horizon {
            return;
        }
        if world.alive {
            self.hub_acts(world, acts);
        }
        for leg in 0..2 {
            self.chain_acts(world, leg, acts);
        }
        if self.may_tick(world) {
            acts.push(Act::Tick);
        }
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut next = world.clone();
        if !self.apply(&mut next, act) {
            return None;
        }
        next.forget(self);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("S1: atomic", is_atomic),
            Property::always("S4: one decision", is_decided_once),
            Property::always("S4: one certificate", has_one_certificate),
            Property::always("no fault", |_, world: &World| world.record().fault.is_none()),
        ];
        properties.extend(match self.bounds {
            Bounds::Hostile => vec![
                Property::sometimes("a stalled COMMIT", |_, world: &World| world.record().state == DealState::Stalled),
                Property::sometimes("an escape", |_, world: &World| world.record().state == DealState::Escaped),
                Property::sometimes("a late lock", has_late_lock),
                Property::sometimes("a settled COMMIT", |_, world: &World| is_settled_as(world, Escrow::Released)),
            ],
            Bounds::Live => vec![
                Property::eventually("L1 and L2: settled one way", ends_as_agreed),
                Property::sometimes("L1: released", |_, world: &World| is_settled_as(world, Escrow::Released)),
                Property::sometimes("L2: refunded", |_, world: &World| is_settled_as(world, Escrow::Refunded)),
            ],
            Bounds::Dying => vec![
                Property::eventually("L3: no money is trapped", traps_nothing),
                Property::sometimes("both escape", |_, world: &World| world.escrows == [Escrow::Escaped; 2]),
            ],
        });
        properties
    }
}

/// S1: where a leg is released, every other one is released or still can be. Assumes what `may_tick` enforces.
fn is_atomic(_: &DealModel, world: &World) -> bool {
    let released = world.escrows.contains(&Escrow::Released);
    !released || world.escrows.iter().all(|escrow| matches!(escrow, Escrow::Released | Escrow::Locked))
}

/// S4: what was decided and stored stays decided. Assumes that the log does not fork.
fn is_decided_once(_: &DealModel, world: &World) -> bool {
    world.first.is_none() || world.record().decision == world.first
}

/// S4 as the chains see it: no two certificates of one deal. Assumes one Byzantine validator of four.
fn has_one_certificate(_: &DealModel, world: &World) -> bool {
    !DECISIONS.into_iter().all(|decision| world.can_certify(decision))
}

fn has_late_lock(_: &DealModel, world: &World) -> bool {
    let record = world.record();
    record.decision == Some(Decision::Abort) && record.legs.iter().any(|leg| world.hub.is_late(leg))
}

fn is_settled_as(world: &World, escrow: Escrow) -> bool {
    world.escrows == [escrow; 2] && world.record().state == DealState::Settled
}

/// L1 and L2, at the end of time: COMMIT released both legs, anything else gave back what was locked; and all locked in
/// time ends in COMMIT unless it was cancelled before.
fn ends_as_agreed(model: &DealModel, world: &World) -> bool {
    let both = world.escrows.iter().all(|escrow| *escrow != Escrow::Empty);
    let settled = match world.record().decision {
        Some(Decision::Commit) => world.escrows == [Escrow::Released; 2],
        Some(Decision::Abort) => {
            let given_back = |escrow: &Escrow| matches!(escrow, Escrow::Empty | Escrow::Refunded);
            world.escrows.iter().all(given_back) && (world.hub.is_decided_early() || !both)
        }
        None => false,
    };
    world.now >= model.horizon && settled
}

/// L3, at the end of time.
fn traps_nothing(model: &DealModel, world: &World) -> bool {
    world.now >= model.horizon && !world.escrows.contains(&Escrow::Locked)
}
