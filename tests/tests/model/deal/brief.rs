//! What of a deal's record tells two states apart: everything that a rule reads, and no more.

use infrastrukt_protocol::{DealRecord, DealState, LeafState, LegState};
use infrastrukt_types::{Decision, Height};

/// How far the decision's leaf is, without the height of its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LeafPart {
    None,
    Wanted,
    Issued,
    Certified,
}

/// A production record in a dozen bytes. Of its times a rule reads only on which side of the deadline the decision
/// fell; of its evidence only that there is some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Brief {
    pub(crate) state: DealState,
    pub(crate) legs: [LegState; 2],
    pub(crate) decision: Option<Decision>,
    /// Decided by `decide_by`.
    pub(crate) early: bool,
    pub(crate) leaf: LeafPart,
    /// Height of the checkpoint that carries the leaf; 0 for none.
    pub(crate) issue: u8,
    pub(crate) stalled: bool,
    pub(crate) fault: bool,
}

impl Brief {
    pub(crate) fn of(record: &DealRecord) -> Self {
        let leaf = match record.leaf {
            LeafState::None => LeafPart::None,
            LeafState::Wanted => LeafPart::Wanted,
            LeafState::Issued => LeafPart::Issued,
            LeafState::Certified(_) => LeafPart::Certified,
        };
        Self {
            state: record.state,
            legs: std::array::from_fn(|leg| record.legs[leg].state),
            decision: record.decision,
            early: record.decided_at.is_some_and(|at| at <= record.deal.decide_by),
            leaf,
            issue: record.checkpoint.map_or(0, |height| u8::try_from(height.0).expect("heights are few")),
            stalled: record.stalled,
            fault: record.fault.is_some(),
        }
    }

    /// A record with this brief; `open` is the deal at its registration.
    pub(crate) fn record(&self, open: &DealRecord) -> DealRecord {
        let mut record = open.clone();
        record.state = self.state;
        for (leg, state) in record.legs.iter_mut().zip(self.legs) {
            leg.state = state;
            leg.locked_at = (state != LegState::Waiting).then_some(open.registered_at);
        }
        record.decision = self.decision;
        let late = u64::from(!self.early);
        record.decided_at = self.decision.map(|_| open.deal.decide_by.plus(late));
        record.leaf = match self.leaf {
            LeafPart::None => LeafState::None,
            LeafPart::Wanted => LeafState::Wanted,
            LeafPart::Issued => LeafState::Issued,
            LeafPart::Certified => LeafState::Certified(Height(u64::from(self.issue))),
        };
        record.checkpoint = (self.issue > 0).then_some(Height(u64::from(self.issue)));
        record.stalled = self.stalled;
        record.fault = self.fault.then(String::new);
        record
    }

    /// The same with its decision taken back, for mutants that decide twice.
    pub(crate) const fn undecided(mut self) -> Self {
        self.decision = None;
        self.early = false;
        self.leaf = LeafPart::None;
        self
    }
}
