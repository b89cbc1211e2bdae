//! What must hold, in every state or at the end of time, and what must be possible so that it means something.

use infrastrukt_protocol::{DealState, LegState};
use infrastrukt_types::Decision;
use stateright::{Model, Property};

use super::{
    acts::Act,
    bounds::Bounds,
    model::DealModel,
    world::{CHAINS, DECISIONS, EPOCHS, Escrow, HEIGHTS, Part, World},
};
use crate::terms::Second;

pub(crate) const ATOMIC: &str = "S1: atomic";
pub(crate) const AS_AGREED: &str = "S2: paid as agreed";
pub(crate) const COVERED: &str = "S3: the escrow covers what it owes";
pub(crate) const ONE_DECISION: &str = "S4: one decision";
pub(crate) const ONE_CERTIFICATE: &str = "S4: one certificate";
pub(crate) const LOCK_FIRST: &str = "an ABORT only after a lock";
pub(crate) const ONE_CHECKPOINT: &str = "a leaf stands in one checkpoint";

type Of = Property<DealModel>;

impl Model for DealModel {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        self.setup.skews.iter().map(|skew| self.start(*skew)).collect()
    }

    fn actions(&self, world: &World, acts: &mut Vec<Act>) {
        if world.now >= self.times.horizon {
            return;
        }
        if world.alive {
            self.hub_acts(world, acts);
        }
        for chain in CHAINS {
            self.chain_acts(world, chain, acts);
        }
        if self.may_tick(world) {
            acts.push(Act::Tick);
        }
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        let mut next = *world;
        if !self.apply(&mut next, act) {
            return None;
        }
        self.forget(&mut next);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Of> {
        let mut properties = vec![
            Of::always(ATOMIC, |model, world| all(model, world, is_atomic)),
            Of::always(AS_AGREED, |model, world| all(model, world, is_paid_as_agreed)),
            Of::always(COVERED, is_covered),
            Of::always(ONE_DECISION, |model, world| all(model, world, is_decided_once)),
            Of::always(ONE_CERTIFICATE, has_one_certificate),
            Of::always(LOCK_FIRST, |model, world| all(model, world, aborts_after_a_lock)),
            Of::always(ONE_CHECKPOINT, stands_once),
            Of::always("no fault", |model, world| all(model, world, |part| !part.hub.fault)),
        ];
        properties.extend(match self.setup.bounds {
            Bounds::Hostile => hostile(),
            Bounds::Live => live(),
            Bounds::Dying => dying(),
        });
        properties
    }
}

/// All of it must happen in a hostile world.
fn hostile() -> Vec<Of> {
    vec![
        Of::sometimes("a stalled COMMIT", |_, world| world.parts[0].hub.state == DealState::Stalled),
        Of::sometimes("an escape", |_, world| world.parts[0].hub.state == DealState::Escaped),
        Of::sometimes("a late lock", |_, world| has_late_lock(&world.parts[0])),
        Of::sometimes("a settled COMMIT", |_, world| is_settled_as(&world.parts[0], Escrow::Released)),
    ]
}

fn live() -> Vec<Of> {
    vec![
        Of::eventually("L1 and L2: settled one way", ends_as_agreed),
        Of::sometimes("L1: released", |_, world| is_settled_as(&world.parts[0], Escrow::Released)),
        Of::sometimes("L2: refunded", |_, world| is_settled_as(&world.parts[0], Escrow::Refunded)),
    ]
}

fn dying() -> Vec<Of> {
    vec![
        Of::eventually("L3: no money is trapped", traps_nothing),
        Of::sometimes("both escape", |_, world| world.parts[0].escrows() == [Escrow::Escaped; 2]),
    ]
}

fn all(model: &DealModel, world: &World, holds: fn(&Part) -> bool) -> bool {
    model.deals().all(|deal| holds(world.part(deal)))
}

/// S1: where a leg is released, every other one is released or still can be. Assumes what `may_tick` enforces: honest
/// shares on a COMMIT are public by `sign_by + H` (and the skew between validators), and what is public is included
/// within C.
fn is_atomic(part: &Part) -> bool {
    let escrows = part.escrows();
    !escrows.contains(&Escrow::Released)
        || escrows.iter().all(|escrow| matches!(escrow, Escrow::Released | Escrow::Locked))
}

/// S2, as far as the hub can break it: nobody is paid against a lock of other terms. That a lock pays to the accounts in
/// its key alone is the escrow's own, tested there.
fn is_paid_as_agreed(part: &Part) -> bool {
    !part.escrows().contains(&Escrow::Released) || !part.escrows().contains(&Escrow::Other)
}

/// S3: open locks and credits are there. Assumes that the escrow took what it recorded, which it measures.
fn is_covered(model: &DealModel, world: &World) -> bool {
    CHAINS.into_iter().all(|chain| {
        let owed = model.deals().map(|deal| {
            let leg = world.leg(deal, chain);
            Second::from(matches!(leg.escrow, Escrow::Locked | Escrow::Other)) + Second::from(leg.credit)
        });
        world.balance[usize::from(chain)] >= owed.sum::<Second>()
    })
}

/// S4: what was decided and stored stays decided. Assumes that the log does not fork.
fn is_decided_once(part: &Part) -> bool {
    part.first.is_none() || part.hub.decision == part.first
}

/// S4 as the chains see it: no two certificates of one deal. Assumes fewer than a third of the weight Byzantine.
fn has_one_certificate(model: &DealModel, world: &World) -> bool {
    model.deals().all(|deal| {
        let certified = |decision| EPOCHS.into_iter().any(|of| model.can_certify(world.part(deal), of, decision));
        !DECISIONS.into_iter().all(certified)
    })
}

/// An ABORT of a deal that nobody locked helps nobody, and whoever holds it could abort what others lock later.
fn aborts_after_a_lock(part: &Part) -> bool {
    let shared = HEIGHTS.into_iter().any(|height| part.shares_on(height, Decision::Abort) > 0);
    !shared || part.escrows().iter().any(|escrow| !matches!(escrow, Escrow::Empty | Escrow::Other))
}

/// Shares are never split over two checkpoints with the same leaf.
fn stands_once(model: &DealModel, world: &World) -> bool {
    model.deals().filter(|deal| world.epoch == 1 && world.part(*deal).hub.issue == 2).all(|deal| {
        let hub = world.part(deal).hub;
        let record = hub.record(&model.open[usize::from(deal)]);
        let signable = |height| hub.decision.is_some_and(|of| model.is_signable(world, deal, &record, of, height));
        !(signable(1) && signable(2))
    })
}

/// All legs are proven and the deal is aborted all the same.
fn has_late_lock(part: &Part) -> bool {
    part.hub.decision == Some(Decision::Abort) && !part.hub.early && part.hub.legs == [LegState::Locked; 2]
}

fn is_settled_as(part: &Part, escrow: Escrow) -> bool {
    part.escrows() == [escrow; 2] && part.hub.state == DealState::Settled
}

/// L1 and L2, at the end of time: COMMIT released both legs, anything else gave back what was locked; and all locked in
/// time ends in COMMIT unless it was cancelled before. Assumes a live hub and chains that include within C.
fn ends_as_agreed(model: &DealModel, world: &World) -> bool {
    let part = &world.parts[0];
    let escrows = part.escrows();
    let settled = match part.hub.decision {
        Some(Decision::Commit) => escrows == [Escrow::Released; 2],
        Some(Decision::Abort) => {
            let given_back = |escrow: &Escrow| matches!(escrow, Escrow::Empty | Escrow::Refunded);
            escrows.iter().all(given_back) && (part.hub.early || escrows.contains(&Escrow::Empty))
        }
        None => false,
    };
    world.now >= model.times.horizon && settled
}

/// L3, at the end of time. Assumes nothing of the hub, and that depositors act on chains that work.
fn traps_nothing(model: &DealModel, world: &World) -> bool {
    world.now >= model.times.horizon && !world.parts[0].escrows().contains(&Escrow::Locked)
}
