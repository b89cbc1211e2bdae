//! What may go wrong with messages in a search, and the guards that a mutant can lack.

use crate::terms::{Committee, SKEW_S, Second};

/// A guard that a mutant lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageGuard {
    /// No message is attested before it is final at its source.
    SourceFinality,
    /// Nothing that happened on the target is attested before it is final.
    TargetFinality,
    /// A certificate needs more than two thirds of the weight.
    CertificateQuorum,
    /// A delivery sets the replay bit.
    ReplayBit,
    /// An expiry needs and sets the same bit.
    ExpiryBit,
    /// An expiry is a final event of the target, not the passing of hub time.
    ExpiryOnTarget,
    /// A refund sets its own bit at the source.
    RefundBit,
    /// A delivery that failed clears the bit again.
    FailureClears,
}

/// One search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageSetup {
    /// Nobody fails but recipients.
    pub(crate) live: bool,
    /// Chains stop: nothing is included, and nothing becomes final.
    pub(crate) halts: bool,
    /// What to add to hub time for the time of the target. Each is one initial state.
    pub(crate) skews: &'static [Second],
    /// One or two, of which each may go its own way.
    pub(crate) messages: u8,
    pub(crate) committee: Committee,
    pub(crate) missing: Option<MessageGuard>,
}

impl MessageSetup {
    /// One message, four validators, a target whose clock is behind.
    pub(crate) const HOSTILE: Self =
        Self { live: false, halts: false, skews: &[-SKEW_S], messages: 1, committee: Committee::FOUR, missing: None };
}
