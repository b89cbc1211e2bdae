//! How a deal moves: one event, one next record, and what must be done about it.

use infrastrukt_types::{ChainId, Decision, Height, Leaf, LockKey, Timestamp};

use super::record::{DealRecord, LeafState, LegState};
use crate::genesis::HubTiming;

/// What `step` needs to know besides the deal itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long after `sign_by` a COMMIT may be signed (H).
    pub recovery_s: u64,
}

impl From<&HubTiming> for Rules {
    fn from(timing: &HubTiming) -> Self {
        Self { recovery_s: timing.recovery_s }
    }
}

/// What can happen to a deal. `at` and `now` are the time of the hub block that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DealEvent {
    /// A leg's lock is proven final.
    LockProven {
        /// The leg.
        index: u8,
        /// The key under which the escrow holds it.
        lock_key: LockKey,
        /// Hub time.
        at: Timestamp,
    },
    /// Hub time went on.
    TimePassed {
        /// Hub time.
        now: Timestamp,
    },
    /// Every depositor signed the cancel.
    Cancelled {
        /// Hub time.
        at: Timestamp,
    },
    /// A leg's settlement is proven final.
    SettlementProven {
        /// The leg.
        index: u8,
        /// What the escrow did.
        decision: Decision,
        /// Hub time.
        at: Timestamp,
    },
    /// A leg's escape is proven final.
    EscapeProven {
        /// The leg.
        index: u8,
        /// Hub time.
        at: Timestamp,
    },
    /// The decision's leaf is in the outbox of the checkpoint of this height.
    LeafIssued {
        /// The height.
        height: Height,
    },
    /// That checkpoint is certified.
    LeafCertified {
        /// The height.
        height: Height,
    },
    /// The checkpoint that carries the leaf is superseded or of a retired epoch: the leaf is wanted again.
    LeafWithdrawn,
    /// A final block changed or two certificates conflict on a chain of the deal.
    ConflictSeen {
        /// What was seen.
        evidence: String,
    },
}

/// What the hub must do after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DealEffect {
    /// Put the leaf into the outbox of this block.
    Issue(Leaf),
    /// Believe nothing from this chain any more until a person has looked.
    Freeze {
        /// The chain.
        chain: ChainId,
        /// What was seen there.
        evidence: String,
    },
}

/// Outcome of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealStep {
    /// The record after the event.
    pub next: DealRecord,
    /// What must be done.
    pub effects: Vec<DealEffect>,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DealStepRefusal {
    /// The deal has fewer legs.
    #[error("the deal has no leg {0}")]
    NoSuchLeg(u8),
    /// The lock is of other terms.
    #[error("leg {index}: the lock {given} is not the deal's {expected}: it was locked with other terms")]
    WrongLock {
        /// The leg.
        index: u8,
        /// What was locked.
        given: LockKey,
        /// What the deal says.
        expected: LockKey,
    },
    /// Known already.
    #[error("leg {index} is already proven {state:?}")]
    AlreadyProven {
        /// The leg.
        index: u8,
        /// Its state.
        state: LegState,
    },
    /// A decision is never changed.
    #[error("the deal is already decided ({0:?}): it cannot be cancelled")]
    AlreadyDecided(Decision),
    /// No deadline has passed.
    #[error("no deadline of the deal has passed at {0}")]
    NotDue(Timestamp),
    /// No leaf was wanted.
    #[error("the deal's decision has no leaf yet")]
    NoLeaf,
}

/// Applies one event to a deal. Refused events change nothing.
///
/// S4, one decision per deal: `Turn::decide` is the only place that writes it, and writes it only where none is. This
/// assumes that the log itself does not fork (at most one third of the weight is Byzantine).
pub fn step(record: &DealRecord, event: &DealEvent, rules: &Rules) -> Result<DealStep, DealStepRefusal> {
    let mut turn = Turn { next: record.clone(), effects: Vec::new(), rules };
    match event {
        DealEvent::LockProven { index, lock_key, at } => turn.lock(*index, *lock_key, *at)?,
        DealEvent::TimePassed { now } => turn.tick(*now)?,
        DealEvent::Cancelled { at } => turn.cancel(*at)?,
        DealEvent::SettlementProven { index, decision, at } => turn.settle(*index, *decision, *at)?,
        DealEvent::EscapeProven { index, at } => turn.escape(*index, *at)?,
        DealEvent::LeafIssued { height } => turn.issued(*height)?,
        DealEvent::LeafCertified { height } => turn.certified(*height)?,
        DealEvent::LeafWithdrawn => turn.withdrawn()?,
        DealEvent::ConflictSeen { evidence } => turn.fault(evidence.clone()),
    }
    turn.want_leaf();
    turn.next.state = turn.next.derived_state();
    Ok(DealStep { next: turn.next, effects: turn.effects })
}

struct Turn<'r> {
    next: DealRecord,
    effects: Vec<DealEffect>,
    rules: &'r Rules,
}

impl Turn<'_> {
    /// Deadlines bind even where the block that passes them has not come to this deal yet.
    fn pass_time(&mut self, now: Timestamp) -> bool {
        if self.next.decision.is_none() && now > self.next.deal.decide_by {
            self.decide(Decision::Abort, now);
            return true;
        }
        let commit = self.next.decision == Some(Decision::Commit);
        if commit && self.next.can_stall() && now > self.next.sign_limit(self.rules) {
            self.next.stalled = true;
            return true;
        }
        false
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), DealStepRefusal> {
        if self.pass_time(now) { Ok(()) } else { Err(DealStepRefusal::NotDue(now)) }
    }

    fn decide(&mut self, decision: Decision, at: Timestamp) {
        if self.next.decision.is_none() {
            self.next.decision = Some(decision);
            self.next.decided_at = Some(at);
        }
    }

    fn leg_state(&self, index: u8) -> Result<LegState, DealStepRefusal> {
        self.next.legs.get(usize::from(index)).map(|leg| leg.state).ok_or(DealStepRefusal::NoSuchLeg(index))
    }

    fn set_leg(&mut self, index: u8, state: LegState) {
        if let Some(leg) = self.next.legs.get_mut(usize::from(index)) {
            leg.state = state;
        }
    }

    fn lock(&mut self, index: u8, given: LockKey, at: Timestamp) -> Result<(), DealStepRefusal> {
        let place = usize::from(index);
        let expected = self.next.legs.get(place).ok_or(DealStepRefusal::NoSuchLeg(index))?.lock_key;
        if given != expected {
            return Err(DealStepRefusal::WrongLock { index, given, expected });
        }
        match self.leg_state(index)? {
            LegState::Waiting => {}
            state @ (LegState::Locked | LegState::Released | LegState::Refunded | LegState::Escaped) => {
                return Err(DealStepRefusal::AlreadyProven { index, state });
            }
        }
        self.pass_time(at);
        self.next.legs[place].state = LegState::Locked;
        self.next.legs[place].locked_at = Some(at);
        let all_locked = self.next.legs.iter().all(|leg| leg.state == LegState::Locked);
        let in_time = at <= self.next.deal.decide_by && at <= self.next.deal.sign_by;
        if all_locked && in_time && self.next.fault.is_none() {
            self.decide(Decision::Commit, at);
        }
        Ok(())
    }

    /// Unanimous, and only before every leg is proven: from then on COMMIT stands, so nobody holds a free option.
    fn cancel(&mut self, at: Timestamp) -> Result<(), DealStepRefusal> {
        self.pass_time(at);
        if let Some(decision) = self.next.decision {
            return Err(DealStepRefusal::AlreadyDecided(decision));
        }
        self.decide(Decision::Abort, at);
        Ok(())
    }

    /// S1, atomicity, is checked here as far as the hub can see it: a released and a refunded leg of one deal are a
    /// fault. That they never meet assumes the deadline rules, and that 2f + 1 honest shares of a COMMIT are public by
    /// `sign_by + H`.
    fn settle(&mut self, index: u8, decision: Decision, at: Timestamp) -> Result<(), DealStepRefusal> {
        let before = self.leg_state(index)?;
        self.pass_time(at);
        let after = match decision {
            Decision::Commit => LegState::Released,
            Decision::Abort => LegState::Refunded,
        };
        if before == after {
            return Err(DealStepRefusal::AlreadyProven { index, state: before });
        }
        match before {
            LegState::Waiting | LegState::Locked => self.set_leg(index, after),
            LegState::Released | LegState::Refunded | LegState::Escaped => {
                self.fault_of_chain(index, format!("leg {index} was {before:?} and is {after:?} as well"));
            }
        }
        if self.next.decision != Some(decision) {
            let decided = self.next.decision;
            self.fault_of_chain(index, format!("leg {index} was settled as {decision:?}, decided is {decided:?}"));
        }
        self.check_atomic();
        Ok(())
    }

    fn escape(&mut self, index: u8, at: Timestamp) -> Result<(), DealStepRefusal> {
        let before = self.leg_state(index)?;
        self.pass_time(at);
        match before {
            LegState::Waiting | LegState::Locked => self.set_leg(index, LegState::Escaped),
            LegState::Escaped => return Err(DealStepRefusal::AlreadyProven { index, state: before }),
            LegState::Released | LegState::Refunded => {
                self.fault_of_chain(index, format!("leg {index} was {before:?} and escaped as well"));
            }
        }
        self.decide(Decision::Abort, at);
        self.check_atomic();
        Ok(())
    }

    fn check_atomic(&mut self) {
        let refunded = self.next.any(LegState::Refunded) || self.next.any(LegState::Escaped);
        if refunded && self.next.any(LegState::Released) {
            let legs: Vec<String> = self.next.legs.iter().map(|leg| format!("{:?}", leg.state)).collect();
            self.fault(format!("a leg is released and another refunded: {}", legs.join(", ")));
        }
    }

    fn issued(&mut self, height: Height) -> Result<(), DealStepRefusal> {
        match self.next.leaf {
            LeafState::None => return Err(DealStepRefusal::NoLeaf),
            LeafState::Wanted => self.next.leaf = LeafState::Issued,
            LeafState::Issued | LeafState::Certified(_) => {}
        }
        self.next.checkpoint = Some(height);
        Ok(())
    }

    /// Taken however late: a COMMIT certificate that exists must be spread to every leg, for hiding it would leave it
    /// to one party alone. What keeps it from existing late is the sign rule.
    fn certified(&mut self, height: Height) -> Result<(), DealStepRefusal> {
        match self.next.leaf {
            LeafState::None => return Err(DealStepRefusal::NoLeaf),
            LeafState::Wanted | LeafState::Issued => self.next.leaf = LeafState::Certified(height),
            LeafState::Certified(known) => self.next.leaf = LeafState::Certified(known.max(height)),
        }
        Ok(())
    }

    /// A certificate that is in the log stays there.
    fn withdrawn(&mut self) -> Result<(), DealStepRefusal> {
        match self.next.leaf {
            LeafState::None => return Err(DealStepRefusal::NoLeaf),
            LeafState::Issued => self.next.leaf = LeafState::Wanted,
            LeafState::Wanted | LeafState::Certified(_) => {}
        }
        self.next.checkpoint = None;
        Ok(())
    }

    /// The first evidence is kept. A fault before the decision rules COMMIT out; ABORT by time stays open, since it
    /// gives everyone their own money back.
    fn fault(&mut self, evidence: String) {
        self.next.fault.get_or_insert(evidence);
    }

    fn fault_of_chain(&mut self, index: u8, evidence: String) {
        if let Some(leg) = self.next.deal.legs.get(usize::from(index)) {
            self.effects.push(DealEffect::Freeze { chain: leg.chain, evidence: evidence.clone() });
        }
        self.fault(evidence);
    }

    /// An ABORT leaf is issued only once a lock is proven, a late one included: before, it would help nobody.
    fn want_leaf(&mut self) {
        let Some(decision) = self.next.decision else { return };
        if self.next.leaf == LeafState::None && self.next.any(LegState::Locked) {
            self.next.leaf = LeafState::Wanted;
            self.effects.push(DealEffect::Issue(Leaf::Decision(self.next.id, decision)));
        }
    }
}
