//! The world around the production step: chains, validators, time, and what may go wrong with each.

use infrastrukt_protocol::{
    CheckpointRecord, DealEffect, DealEvent, DealRecord, DealState, EpochRecord, LeafState, LegState, Rules, build,
    may_sign, step_deal,
};
use infrastrukt_types::{B256, Decision, Epoch, Height, HubId, Leaf, Timestamp};
use stateright::{Model, Property};
use std::hash::{Hash, Hasher};

use crate::terms::{
    FINALITY_S, INCLUSION_S, OBSERVE_S, SKEW_S, START, genesis, swap, swap_with_early_escape, validators,
};

/// Honest validators of four; the fourth signs whatever it likes, whenever it likes, and shows it to whom it likes.
const HONEST: u8 = 3;

/// Honest shares that complete a certificate together with the Byzantine one.
const ENOUGH_WITH_TRAITOR: u8 = 2;

/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// Everything: locks reorganised away or never proven, a lazy, crashing or dying hub.
    Hostile,
    /// Nothing but what parties choose: to lock or not, to cancel, when to settle.
    Live,
    /// A hub that may die for ever at any time, on chains that work.
    Dying,
}

/// A guard that a mutant lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Not a guard but S1's assumption: honest shares on a COMMIT are public by the limit.
    PublicShares,
    /// No COMMIT share after `sign_by + H`.
    SignBy,
    /// No abort once every leg is proven.
    NoAbortAfterAllLocked,
    /// A stalled COMMIT is never turned into an ABORT.
    StalledNeverAborts,
    /// No escape before a certificate can be delivered.
    DeliveryBound,
    /// Nothing is signed that a crash could forget, and nothing twice.
    WriteAhead,
    /// No lock is attested before it is final.
    Finality,
}

/// The production record as part of a state: two are the same where everything that changes is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tracked(DealRecord);

impl Hash for Tracked {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let DealRecord { state, decision, legs, decided_at, leaf, checkpoint, stalled, fault, .. } = &self.0;
        (state, decision, legs, decided_at, leaf, checkpoint, stalled, fault).hash(hasher);
    }
}

/// A lock as its escrow has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Escrow {
    Empty,
    Locked,
    Released,
    Refunded,
    Escaped,
}

/// Everything that can differ between two moments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// Hub time, by which everything else is measured.
    now: Timestamp,
    /// What to add to hub time for the time of each chain.
    skew: [i64; 2],
    hub: Tracked,
    /// What a crash leaves of it.
    durable: Tracked,
    escrows: [Escrow; 2],
    /// Hub time of each lock.
    locked_at: [Option<Timestamp>; 2],
    /// Chain time of each request to escape.
    requested_at: [Option<Timestamp>; 2],
    /// Honest shares on ABORT and on COMMIT.
    shares: [u8; 2],
    /// Honest validators that remember having signed.
    signed: u8,
    /// Hub time since which anyone can have the certificate.
    public_at: [Option<Timestamp>; 2],
    alive: bool,
    /// The first decision that was durable.
    first: Option<Decision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Tick,
    Lock(u8),
    Reorg(u8),
    ProveLock(u8),
    HubBlock,
    Cancel,
    Sync,
    Crash,
    Die,
    Sign(Decision),
    Certify,
    Settle(u8, Decision),
    ProveSettlement(u8),
    ProveEscape(u8),
    RequestEscape(u8),
    ExecuteEscape(u8),
}

const DECISIONS: [Decision; 2] = [Decision::Abort, Decision::Commit];

/// The model: production rules, bounds on what goes wrong, and the guard that is missing, if one is.
pub(crate) struct DealModel {
    bounds: Bounds,
    missing: Option<Guard>,
    skews: Vec<[i64; 2]>,
    open: DealRecord,
    rules: Rules,
    epoch: EpochRecord,
    checkpoints: [CheckpointRecord; 2],
    horizon: Timestamp,
}

impl DealModel {
    pub(crate) fn new(bounds: Bounds, skews: Vec<[i64; 2]>) -> Self {
        Self::build(bounds, skews, None)
    }

    /// The hostile world without one guard, where the clocks differ the most.
    pub(crate) fn without(guard: Guard) -> Self {
        Self::build(Bounds::Hostile, vec![[1, -1]], Some(guard))
    }

    fn build(bounds: Bounds, skews: Vec<[i64; 2]>, missing: Option<Guard>) -> Self {
        let genesis = genesis();
        let early = missing == Some(Guard::DeliveryBound);
        let deal = if early { swap_with_early_escape(&genesis) } else { swap(&genesis) };
        let leg = &deal.legs[0];
        let horizon = leg.escape_at.plus(leg.escape_window + 2 * SKEW_S + INCLUSION_S);
        let open = DealRecord::new(genesis.identity.hub_id(), 0, deal, START);
        let epoch = EpochRecord::pending(Epoch(1), validators(), START.plus(1_000));
        let checkpoints = DECISIONS.map(|decision| {
            let leaf = Leaf::Decision(open.id, decision);
            build(HubId::default(), &epoch, Height(1), START, B256::ZERO, &[leaf]).remove(0)
        });
        let rules = Rules::from(&genesis.timing);
        Self { bounds, missing, skews, open, rules, epoch, checkpoints, horizon }
    }

    fn lacks(&self, guard: Guard) -> bool {
        self.missing == Some(guard)
    }

    /// Applies an event by the production step. Leaves are issued at once, which only shortens the way.
    fn hub_event(&self, world: &mut World, record: &DealRecord, event: &DealEvent) -> bool {
        let Ok(step) = step_deal(record, event, &self.rules) else { return false };
        let mut next = step.next;
        for effect in &step.effects {
            if let DealEffect::Issue(_) = effect {
                let issued = DealEvent::LeafIssued { height: Height(1) };
                next = step_deal(&next, &issued, &self.rules).expect("its leaf is wanted").next;
            }
        }
        world.hub = Tracked(next);
        if self.bounds != Bounds::Hostile {
            self.sync(world);
        }
        true
    }

    fn sync(&self, world: &mut World) {
        world.durable = world.hub.clone();
        world.first = world.first.or(world.durable.0.decision);
    }

    /// The record with its decision taken back, for mutants that decide twice.
    fn undecided(record: &DealRecord) -> DealRecord {
        let mut record = record.clone();
        (record.decision, record.decided_at, record.leaf) = (None, None, LeafState::None);
        record
    }

    fn may_sign(&self, world: &World, decision: Decision) -> bool {
        let record = &world.hub.0;
        let volatile = self.lacks(Guard::WriteAhead);
        if record.leaf == LeafState::None || world.signed >= HONEST || !(volatile || world.hub == world.durable) {
            return false;
        }
        let now = if self.lacks(Guard::SignBy) { START } else { world.now };
        let checkpoint = &self.checkpoints[usize::from(decision.bit())];
        may_sign(checkpoint, std::slice::from_ref(record), &self.epoch, now, &self.rules).is_ok()
    }
}

impl World {
    fn chain_time(&self, leg: u8) -> Timestamp {
        Timestamp(self.now.0.saturating_add_signed(self.skew[usize::from(leg)]))
    }

    fn escrow(&self, leg: u8) -> Escrow {
        self.escrows[usize::from(leg)]
    }

    fn shares_on(&self, decision: Decision) -> u8 {
        self.shares[usize::from(decision.bit())]
    }

    fn public_since(&self, decision: Decision) -> Option<Timestamp> {
        self.public_at[usize::from(decision.bit())]
    }

    /// A certificate can be made, be it by the traitor alone.
    fn can_certify(&self, decision: Decision) -> bool {
        self.shares_on(decision) >= ENOUGH_WITH_TRAITOR
    }

    fn is_final(&self, leg: u8) -> bool {
        self.locked_at[usize::from(leg)].is_some_and(|at| self.now >= at.plus(FINALITY_S))
    }
}

/// What must happen before time goes on: the bounds under which the properties are claimed.
impl DealModel {
    fn may_tick(&self, world: &World) -> bool {
        let next = world.now.plus(1);
        let settled = !self.settlement_is_due(world, next);
        let shared = self.lacks(Guard::PublicShares) || !self.shares_are_due(world, next);
        let live = self.bounds == Bounds::Hostile || !world.alive || !self.hub_is_due(world, next);
        let escaped = world.alive || self.bounds != Bounds::Dying || !self.escape_is_due(world);
        settled && shared && live && escaped
    }

    /// A public certificate is included on every chain within C.
    fn settlement_is_due(&self, world: &World, next: Timestamp) -> bool {
        let due = |leg: u8, decision: Decision| {
            let locked = world.locked_at[usize::from(leg)].filter(|_| world.escrow(leg) == Escrow::Locked);
            let since = locked.zip(world.public_since(decision)).map(|(locked, public)| locked.max(public));
            since.is_some_and(|since| next > since.plus(INCLUSION_S))
        };
        (0..2).any(|leg| DECISIONS.into_iter().any(|decision| due(leg, decision)))
    }

    /// S1's assumption: where one honest validator signed a COMMIT, all have by the limit.
    fn shares_are_due(&self, world: &World, next: Timestamp) -> bool {
        let some = (1..HONEST).contains(&world.shares_on(Decision::Commit));
        some && next > self.open.sign_limit(&self.rules)
    }

    /// A live hub proves final locks within P, passes time, and signs.
    fn hub_is_due(&self, world: &World, next: Timestamp) -> bool {
        let record = &world.hub.0;
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

    fn hub_may_die(&self, world: &World) -> bool {
        let halfway = (1..HONEST).contains(&world.shares_on(Decision::Commit));
        self.bounds != Bounds::Live && world.alive && !halfway
    }

    /// What the hub does, while it lives.
    fn hub_acts(&self, world: &World, acts: &mut Vec<Act>) {
        let record = &world.hub.0;
        acts.push(Act::HubBlock);
        if record.decision.is_none() || self.lacks(Guard::NoAbortAfterAllLocked) {
            acts.push(Act::Cancel);
        }
        for leg in 0..2 {
            let proven = record.legs[usize::from(leg)].state;
            let seen = self.lacks(Guard::Finality) || world.is_final(leg);
            match world.escrow(leg) {
                Escrow::Empty => {}
                Escrow::Locked if proven == LegState::Waiting && seen => acts.push(Act::ProveLock(leg)),
                Escrow::Locked => {}
                Escrow::Released | Escrow::Refunded => acts.push(Act::ProveSettlement(leg)),
                Escrow::Escaped => acts.push(Act::ProveEscape(leg)),
            }
        }
        acts.extend(DECISIONS.into_iter().filter(|decision| self.may_sign(world, *decision)).map(Act::Sign));
        if record.decision.is_some_and(|decision| world.public_since(decision).is_some()) {
            acts.push(Act::Certify);
        }
        if self.bounds == Bounds::Hostile && world.hub != world.durable {
            acts.extend([Act::Sync, Act::Crash]);
        }
        if self.hub_may_die(world) {
            acts.push(Act::Die);
        }
    }

    /// What anyone does on a chain.
    fn chain_acts(&self, world: &World, leg: u8, acts: &mut Vec<Act>) {
        let (time, terms) = (world.chain_time(leg), &self.open.deal.legs[usize::from(leg)]);
        match world.escrow(leg) {
            Escrow::Empty if time <= self.open.deal.lock_by => acts.push(Act::Lock(leg)),
            Escrow::Empty | Escrow::Released | Escrow::Refunded | Escrow::Escaped => return,
            Escrow::Locked => {}
        }
        if world.escrow(leg) == Escrow::Locked {
            if self.bounds == Bounds::Hostile && !world.is_final(leg) {
                acts.push(Act::Reorg(leg));
            }
            let certified = DECISIONS.into_iter().filter(|decision| world.can_certify(*decision));
            acts.extend(certified.map(|decision| Act::Settle(leg, decision)));
            match world.requested_at[usize::from(leg)] {
                None if time >= terms.escape_at => acts.push(Act::RequestEscape(leg)),
                Some(at) if time >= at.plus(terms.escape_window) => acts.push(Act::ExecuteEscape(leg)),
                None | Some(_) => {}
            }
        }
    }

    fn on_hub(&self, world: &mut World, act: Act) -> bool {
        let (at, record) = (world.now, world.hub.0.clone());
        match act {
            Act::ProveLock(index) => {
                let lock_key = record.legs[usize::from(index)].lock_key;
                self.hub_event(world, &record, &DealEvent::LockProven { index, lock_key, at })
            }
            Act::HubBlock => {
                let stalls = record.decision == Some(Decision::Commit) && self.lacks(Guard::StalledNeverAborts);
                let stalls = stalls && at > record.sign_limit(&self.rules) && record.leaf == LeafState::Issued;
                let record = if stalls { Self::undecided(&record) } else { record };
                self.hub_event(world, &record, &DealEvent::TimePassed { now: at })
            }
            Act::Cancel => {
                let again = self.lacks(Guard::NoAbortAfterAllLocked);
                let record = if again { Self::undecided(&record) } else { record };
                self.hub_event(world, &record, &DealEvent::Cancelled { at })
            }
            Act::Certify => self.hub_event(world, &record, &DealEvent::LeafCertified { height: Height(1) }),
            Act::ProveSettlement(index) => {
                let commit = world.escrow(index) == Escrow::Released;
                let decision = if commit { Decision::Commit } else { Decision::Abort };
                self.hub_event(world, &record, &DealEvent::SettlementProven { index, decision, at })
            }
            Act::ProveEscape(index) => self.hub_event(world, &record, &DealEvent::EscapeProven { index, at }),
            Act::Sync => {
                self.sync(world);
                true
            }
            Act::Crash => {
                world.hub = world.durable.clone();
                if self.lacks(Guard::WriteAhead) {
                    world.signed = 0;
                }
                true
            }
            Act::Die => {
                world.alive = false;
                true
            }
            Act::Sign(decision) => {
                let bit = usize::from(decision.bit());
                world.signed += 1;
                world.shares[bit] = HONEST.min(world.shares[bit] + 1);
                if world.shares[bit] == HONEST {
                    world.public_at[bit].get_or_insert(at);
                }
                true
            }
            Act::Tick
            | Act::Lock(_)
            | Act::Reorg(_)
            | Act::Settle(..)
            | Act::RequestEscape(_)
            | Act::ExecuteEscape(_) => self.on_chain(world, act),
        }
    }

    fn on_chain(&self, world: &mut World, act: Act) -> bool {
        let now = world.now;
        match act {
            Act::Tick => world.now = now.plus(1),
            Act::Lock(leg) => {
                world.escrows[usize::from(leg)] = Escrow::Locked;
                world.locked_at[usize::from(leg)] = Some(now);
            }
            Act::Reorg(leg) => {
                world.escrows[usize::from(leg)] = Escrow::Empty;
                world.locked_at[usize::from(leg)] = None;
            }
            // Whoever settles one leg publishes what every other leg needs.
            Act::Settle(leg, decision) => {
                let commit = decision == Decision::Commit;
                world.escrows[usize::from(leg)] = if commit { Escrow::Released } else { Escrow::Refunded };
                world.public_at[usize::from(decision.bit())].get_or_insert(now);
            }
            Act::RequestEscape(leg) => world.requested_at[usize::from(leg)] = Some(world.chain_time(leg)),
            Act::ExecuteEscape(leg) => world.escrows[usize::from(leg)] = Escrow::Escaped,
            Act::ProveLock(_)
            | Act::HubBlock
            | Act::Cancel
            | Act::Sync
            | Act::Crash
            | Act::Die
            | Act::Sign(_)
            | Act::Certify
            | Act::ProveSettlement(_)
            | Act::ProveEscape(_) => return false,
        }
        true
    }
}

impl Model for DealModel {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        let world = |skew: &[i64; 2]| World {
            now: START,
            skew: *skew,
            hub: Tracked(self.open.clone()),
            durable: Tracked(self.open.clone()),
            escrows: [Escrow::Empty; 2],
            locked_at: [None; 2],
            requested_at: [None; 2],
            shares: [0; 2],
            signed: 0,
            public_at: [None; 2],
            alive: true,
            first: None,
        };
        self.skews.iter().map(world).collect()
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
        (self.on_hub(&mut next, act) && next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("S1: atomic", is_atomic),
            Property::always("S4: one decision", is_decided_once),
            Property::always("S4: one certificate", has_one_certificate),
        ];
        let sees = |name, condition| Property::sometimes(name, condition);
        match self.bounds {
            Bounds::Hostile => properties.extend([
                Property::always("no fault without a cause", |_, world: &World| world.hub.0.fault.is_none()),
                sees("a stalled COMMIT", |_, world: &World| world.hub.0.state == DealState::Stalled),
                sees("an escape", |_, world: &World| world.hub.0.state == DealState::Escaped),
                sees("a late lock", has_late_lock),
                sees("a settled COMMIT", |_, world: &World| is_settled_as(world, Escrow::Released)),
            ]),
            Bounds::Live => properties.extend([
                Property::eventually("L1 and L2: settled one way", ends_as_agreed),
                sees("L1: released", |_, world: &World| is_settled_as(world, Escrow::Released)),
                sees("L2: refunded", |_, world: &World| is_settled_as(world, Escrow::Refunded)),
            ]),
            Bounds::Dying => properties.extend([
                Property::eventually("L3: no money is trapped", traps_nothing),
                sees("both escape", |_, world: &World| world.escrows == [Escrow::Escaped; 2]),
            ]),
        }
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
    world.first.is_none() || world.hub.0.decision == world.first
}

/// S4 as the chains see it: no two certificates of one deal. Assumes one Byzantine validator of four.
fn has_one_certificate(_: &DealModel, world: &World) -> bool {
    !DECISIONS.into_iter().all(|decision| world.can_certify(decision))
}

fn has_late_lock(_: &DealModel, world: &World) -> bool {
    let record = &world.hub.0;
    let late = |at: Timestamp| at > record.deal.decide_by;
    record.decision == Some(Decision::Abort) && record.legs.iter().any(|leg| leg.locked_at.is_some_and(late))
}

fn is_settled_as(world: &World, escrow: Escrow) -> bool {
    world.escrows == [escrow; 2] && world.hub.0.state == DealState::Settled
}

/// L1 and L2, at the end of time: COMMIT released both legs, anything else gave back what was locked; and all locked in
/// time ends in COMMIT unless it was cancelled before.
fn ends_as_agreed(model: &DealModel, world: &World) -> bool {
    let record = &world.hub.0;
    let both = world.escrows.iter().all(|escrow| *escrow != Escrow::Empty);
    let cancelled = record.decided_at.is_some_and(|at| at <= record.deal.decide_by);
    let settled = match record.decision {
        Some(Decision::Commit) => world.escrows == [Escrow::Released; 2],
        Some(Decision::Abort) => {
            let given_back = |escrow: &Escrow| matches!(escrow, Escrow::Empty | Escrow::Refunded);
            world.escrows.iter().all(given_back) && (cancelled || !both)
        }
        None => false,
    };
    world.now >= model.horizon && settled
}

/// L3, at the end of time.
fn traps_nothing(model: &DealModel, world: &World) -> bool {
    world.now >= model.horizon && !world.escrows.contains(&Escrow::Locked)
}
