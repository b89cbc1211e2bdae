//! A deal with its life, as every validator holds it.

use infrastrukt_types::{Deal, DealId, Decision, Height, HubId, LockKey, Timestamp};
use serde::{Deserialize, Serialize};

use super::step::Rules;

/// Where a deal is in its life. Follows from the other fields of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DealState {
    /// Registered, nothing locked.
    Open,
    /// Some legs are proven locked.
    Locking,
    /// The one decision is made.
    Decided,
    /// The decision is certified.
    Certified,
    /// COMMIT was not certified in time: escape only, never ABORT.
    Stalled,
    /// Some legs are proven settled.
    Settling,
    /// Every locked leg is proven settled.
    Settled,
    /// A leg was refunded by the timer.
    Escaped,
    /// Something that must never happen did; evidence is kept.
    Fault,
}

/// Progress of one leg as proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LegState {
    /// No lock proven.
    Waiting,
    /// Locked.
    Locked,
    /// Paid to `on_commit`.
    Released,
    /// Paid to `on_abort` under a certificate.
    Refunded,
    /// Paid to `on_abort` by the timer.
    Escaped,
}

/// How far the decision's leaf is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LeafState {
    /// Not wanted: no decision, or an ABORT of which no lock is proven.
    None,
    /// Wanted, and in no checkpoint: this block issues it, or one of the next.
    Wanted,
    /// In the outbox of a checkpoint.
    Issued,
    /// In the certified checkpoint of this height.
    Certified(Height),
}

/// One leg's progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LegProgress {
    /// The key of its lock, which binds the leg's every field.
    pub lock_key: LockKey,
    /// How far it is.
    pub state: LegState,
    /// Hub time at which its lock was proven.
    pub locked_at: Option<Timestamp>,
}

/// A deal with its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealRecord {
    /// Its id.
    pub id: DealId,
    /// Its place in the order of registration, from 0.
    pub seq: u64,
    /// Its terms.
    pub deal: Deal,
    /// Where it is.
    pub state: DealState,
    /// Written once (S4), never changed, whatever comes to light later.
    pub decision: Option<Decision>,
    /// Each leg's progress, in order.
    pub legs: Vec<LegProgress>,
    /// Hub time of registration.
    pub registered_at: Timestamp,
    /// Hub time of the decision.
    pub decided_at: Option<Timestamp>,
    /// How far the decision's leaf is.
    pub leaf: LeafState,
    /// Height of the checkpoint that carries the latest issue of the leaf; none while the leaf waits to be issued.
    pub checkpoint: Option<Height>,
    /// True once a COMMIT has missed its limit.
    pub stalled: bool,
    /// Why it is at fault, where it is: the first evidence.
    pub fault: Option<String>,
}

impl DealRecord {
    /// A deal at its registration.
    pub fn new(hub: HubId, seq: u64, deal: Deal, now: Timestamp) -> Self {
        let id = deal.id(hub);
        let waiting = |key| LegProgress { lock_key: key, state: LegState::Waiting, locked_at: None };
        let legs = deal.leg_refs().map(|leg| waiting(leg.lock_key(id))).collect();
        Self {
            id,
            seq,
            deal,
            state: DealState::Open,
            decision: None,
            legs,
            registered_at: now,
            decided_at: None,
            leaf: LeafState::None,
            checkpoint: None,
            stalled: false,
            fault: None,
        }
    }

    /// The checkpoint to show: the certified one where there is one, else the latest that carries the leaf.
    pub const fn shown_checkpoint(&self) -> Option<Height> {
        match self.leaf {
            LeafState::Certified(height) => Some(height),
            LeafState::None | LeafState::Wanted | LeafState::Issued => self.checkpoint,
        }
    }

    /// True when some leg is in `state`.
    pub fn any(&self, state: LegState) -> bool {
        self.legs.iter().any(|leg| leg.state == state)
    }

    /// True while a certificate may still be needed: no decision yet, or money in an escrow.
    pub fn is_active(&self) -> bool {
        self.decision.is_none() || self.any(LegState::Locked)
    }

    /// Last second of hub time at which a COMMIT may be signed: `sign_by + H`.
    pub const fn sign_limit(&self, rules: &Rules) -> Timestamp {
        self.deal.sign_by.plus(rules.recovery_s)
    }

    /// The second after which time itself moves the deal, if it does.
    pub fn next_deadline(&self, rules: &Rules) -> Option<Timestamp> {
        match self.decision {
            None => Some(self.deal.decide_by),
            Some(Decision::Commit) if self.can_stall() => Some(self.sign_limit(rules)),
            Some(Decision::Commit | Decision::Abort) => None,
        }
    }

    /// A COMMIT can miss its limit until its certificate is known: by the log, or by a leg that was paid under it.
    pub(super) fn can_stall(&self) -> bool {
        let known = matches!(self.leaf, LeafState::Certified(_)) || self.any(LegState::Released);
        !self.stalled && !known
    }

    /// True unless a COMMIT would by now pay one side only: the deal is at fault, or a leg of it escaped.
    pub fn is_sound(&self) -> bool {
        self.fault.is_none() && !self.any(LegState::Escaped)
    }

    /// True while the leaf waits to be issued, and money for the leaf. A COMMIT that nobody would sign any more does not.
    pub fn wants_leaf(&self) -> bool {
        let eligible = match (self.decision, self.leaf) {
            (None, _) | (_, LeafState::None | LeafState::Issued) => false,
            (Some(Decision::Abort), LeafState::Wanted | LeafState::Certified(_)) => true,
            (Some(Decision::Commit), LeafState::Wanted) => self.is_sound() && !self.stalled,
            (Some(Decision::Commit), LeafState::Certified(_)) => self.is_sound(),
        };
        eligible && self.checkpoint.is_none() && self.any(LegState::Locked)
    }

    /// True when the leaf that waits may be issued: a COMMIT keeps its own limit while it waits, unless its certificate is
    /// already in the log.
    pub fn may_issue(&self, now: Timestamp, rules: &Rules) -> bool {
        let limited = self.decision == Some(Decision::Commit) && self.leaf == LeafState::Wanted;
        self.wants_leaf() && (!limited || now <= self.sign_limit(rules))
    }

    /// True when the leaf may be issued again: money waits for it, and a COMMIT keeps its own limit. A COMMIT whose
    /// certificate is already in the log says nothing new under another epoch, and has no limit. One that nobody would
    /// sign is left out: a checkpoint is signed as a whole, so the sound deals beside it would never be certified.
    pub fn may_reissue(&self, now: Timestamp, rules: &Rules) -> bool {
        let eligible = match (self.decision, self.leaf) {
            (None, _) | (_, LeafState::None | LeafState::Wanted) => false,
            (Some(Decision::Abort), LeafState::Issued | LeafState::Certified(_)) => true,
            (Some(Decision::Commit), LeafState::Certified(_)) => self.is_sound(),
            (Some(Decision::Commit), LeafState::Issued) => self.is_sound() && now <= self.sign_limit(rules),
        };
        eligible && self.any(LegState::Locked)
    }

    /// The state that follows from the other fields.
    pub(super) fn derived_state(&self) -> DealState {
        if self.fault.is_some() {
            return DealState::Fault;
        }
        if self.decision.is_none() {
            return if self.any(LegState::Locked) { DealState::Locking } else { DealState::Open };
        }
        if self.any(LegState::Escaped) {
            return DealState::Escaped;
        }
        if self.any(LegState::Released) || self.any(LegState::Refunded) {
            return if self.any(LegState::Locked) { DealState::Settling } else { DealState::Settled };
        }
        match self.leaf {
            LeafState::Certified(_) => DealState::Certified,
            LeafState::None | LeafState::Wanted | LeafState::Issued if self.stalled => DealState::Stalled,
            LeafState::None | LeafState::Wanted | LeafState::Issued => DealState::Decided,
        }
    }
}
