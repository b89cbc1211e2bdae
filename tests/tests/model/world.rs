//! The world around the production step: chains, validators, time, and what may go wrong with each.

use infrastrukt_protocol::{CheckpointRecord, DealRecord, EpochRecord, LegProgress, Rules, build};
use infrastrukt_types::{B256, Decision, Epoch, Height, HubId, Leaf, Timestamp};
use std::hash::{Hash, Hasher};

use crate::terms::{
    FINALITY_S, INCLUSION_S, OBSERVE_S, SKEW_S, START, genesis, swap, swap_with_early_escape, validators,
};

/// Honest validators of four; the fourth signs whatever it likes, whenever it likes, and shows it to whom it likes.
pub(crate) const HONEST: u8 = 3;

/// Honest shares that complete a certificate together with the Byzantine one.
const ENOUGH_WITH_TRAITOR: u8 = 2;

/// Stands for every moment so far back that no bound reaches it, so that states which differ only there are one.
const LONG_AGO: Timestamp = START;

pub(crate) const DECISIONS: [Decision; 2] = [Decision::Abort, Decision::Commit];

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

/// The production record as part of a state. Of its times only what a rule reads tells two states apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tracked(pub(crate) DealRecord);

impl Tracked {
    /// True where a lock was proven too late to commit.
    pub(crate) fn is_late(&self, leg: &LegProgress) -> bool {
        leg.locked_at.is_some_and(|at| at > self.0.deal.decide_by)
    }

    /// True where the decision was not made by a deadline.
    pub(crate) fn is_decided_early(&self) -> bool {
        self.0.decided_at.is_some_and(|at| at <= self.0.deal.decide_by)
    }
}

impl Hash for Tracked {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let DealRecord { state, decision, legs, leaf, checkpoint, stalled, fault, .. } = &self.0;
        (state, decision, leaf, checkpoint, stalled, fault, self.is_decided_early()).hash(hasher);
        for leg in legs {
            (leg.state, self.is_late(leg)).hash(hasher);
        }
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
    pub(crate) now: Timestamp,
    /// What to add to hub time for the time of each chain.
    pub(crate) skew: [i64; 2],
    pub(crate) hub: Tracked,
    /// What a crash leaves of it.
    pub(crate) durable: Tracked,
    pub(crate) escrows: [Escrow; 2],
    /// Hub time of each lock.
    pub(crate) locked_at: [Option<Timestamp>; 2],
    /// Chain time of each request to escape.
    pub(crate) requested_at: [Option<Timestamp>; 2],
    /// Honest shares on ABORT and on COMMIT.
    pub(crate) shares: [u8; 2],
    /// Honest validators that remember having signed.
    pub(crate) signed: u8,
    /// Hub time since which anyone can have the certificate.
    pub(crate) public_at: [Option<Timestamp>; 2],
    pub(crate) alive: bool,
    /// The first decision that was durable.
    pub(crate) first: Option<Decision>,
}

impl World {
    pub(crate) fn new(model: &DealModel, skew: [i64; 2]) -> Self {
        Self {
            now: START,
            skew,
            hub: Tracked(model.open.clone()),
            durable: Tracked(model.open.clone()),
            escrows: [Escrow::Empty; 2],
            locked_at: [None; 2],
            requested_at: [None; 2],
            shares: [0; 2],
            signed: 0,
            public_at: [None; 2],
            alive: true,
            first: None,
        }
    }

    pub(crate) const fn record(&self) -> &DealRecord {
        &self.hub.0
    }

    pub(crate) fn chain_time(&self, leg: u8) -> Timestamp {
        Timestamp(self.now.0.saturating_add_signed(self.skew[usize::from(leg)]))
    }

    pub(crate) fn escrow(&self, leg: u8) -> Escrow {
        self.escrows[usize::from(leg)]
    }

    pub(crate) fn shares_on(&self, decision: Decision) -> u8 {
        self.shares[usize::from(decision.bit())]
    }

    pub(crate) fn public_since(&self, decision: Decision) -> Option<Timestamp> {
        self.public_at[usize::from(decision.bit())]
    }

    /// A certificate can be made, be it by the traitor alone.
    pub(crate) fn can_certify(&self, decision: Decision) -> bool {
        self.shares_on(decision) >= ENOUGH_WITH_TRAITOR
    }

    pub(crate) fn is_final(&self, leg: u8) -> bool {
        self.locked_at[usize::from(leg)].is_some_and(|at| self.now >= at.plus(FINALITY_S))
    }

    pub(crate) fn sync(&mut self) {
        self.durable = self.hub.clone();
        self.first = self.first.or(self.durable.0.decision);
    }

    /// Forgets what nothing can read any more: times out of every bound's reach, and the state of a dead hub.
    pub(crate) fn forget(&mut self, model: &DealModel) {
        let now = self.now;
        for at in self.locked_at.iter_mut().flatten().filter(|at| now > at.plus(FINALITY_S + OBSERVE_S)) {
            *at = LONG_AGO;
        }
        for at in self.public_at.iter_mut().flatten().filter(|at| now > at.plus(INCLUSION_S)) {
            *at = LONG_AGO;
        }
        for leg in 0..2u8 {
            let (time, terms) = (self.chain_time(leg), &model.open.deal.legs[usize::from(leg)]);
            let request = self.requested_at[usize::from(leg)].as_mut();
            if let Some(at) = request.filter(|at| time >= at.plus(terms.escape_window)) {
                *at = terms.escape_at;
            }
        }
        if !self.alive {
            self.hub = Tracked(model.open.clone());
            self.durable = self.hub.clone();
            (self.first, self.signed) = (None, 0);
        }
    }
}

/// The model: production rules, bounds on what goes wrong, and the guard that is missing, if one is.
pub(crate) struct DealModel {
    pub(crate) bounds: Bounds,
    missing: Option<Guard>,
    pub(crate) skews: Vec<[i64; 2]>,
    pub(crate) open: DealRecord,
    pub(crate) rules: Rules,
    pub(crate) epoch: EpochRecord,
    pub(crate) checkpoints: [CheckpointRecord; 2],
    pub(crate) horizon: Timestamp,
}

impl DealModel {
    pub(crate) fn new(bounds: Bounds, skews: &[[i64; 2]]) -> Self {
        Self::build(bounds, skews, None)
    }

    /// The hostile world without one guard, where the clocks differ the most.
    pub(crate) fn without(guard: Guard) -> Self {
        let skew = SKEW_S.cast_signed();
        Self::build(Bounds::Hostile, &[[skew, -skew]], Some(guard))
    }

    fn build(bounds: Bounds, skews: &[[i64; 2]], missing: Option<Guard>) -> Self {
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
        Self { bounds, missing, skews: skews.to_vec(), open, rules, epoch, checkpoints, horizon }
    }

    pub(crate) fn lacks(&self, guard: Guard) -> bool {
        self.missing == Some(guard)
    }
}
