//! A call at a time, and what comes of it.

use infrastrukt_svm_tests::wire::{Certificate, Checkpoint, LegRef, Multiproof, Word};

/// What is certified, with the proof of its one leaf. Each has a height of its own.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) certificate: Certificate,
    pub(crate) proof: Multiproof,
}

/// A call of the program.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Lock { deal: Word, leg: LegRef },
    CancelLock { deal: Word, leg: LegRef },
    Settle { evidence: Box<Evidence>, deal: Word, commit: bool, leg: LegRef },
    RequestEscape { deal: Word, leg: LegRef },
    ExecuteEscape { deal: Word, leg: LegRef },
    Withdraw { account: Word, token: Word },
    Pause(bool),
    SetGuardian(Word),
    Rotate { evidence: Box<Evidence>, epoch: u64, valset_hash: Word, expires_at: u64 },
    Recover { epoch: u64, valset_hash: Word, expires_at: u64 },
}

/// Every call there is, by name.
pub(crate) const NAMES: [&str; 10] = [
    "lock",
    "cancel_lock",
    "settle",
    "request_escape",
    "execute_escape",
    "withdraw",
    "pause",
    "set_guardian",
    "rotate",
    "recover",
];

impl Call {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Lock { .. } => "lock",
            Self::CancelLock { .. } => "cancel_lock",
            Self::Settle { .. } => "settle",
            Self::RequestEscape { .. } => "request_escape",
            Self::ExecuteEscape { .. } => "execute_escape",
            Self::Withdraw { .. } => "withdraw",
            Self::Pause(_) => "pause",
            Self::SetGuardian(_) => "set_guardian",
            Self::Rotate { .. } => "rotate",
            Self::Recover { .. } => "recover",
        }
    }

    /// The leg that it names, with its deal.
    pub(crate) const fn leg(&self) -> Option<(&Word, &LegRef)> {
        match self {
            Self::Lock { deal, leg }
            | Self::CancelLock { deal, leg }
            | Self::Settle { deal, leg, .. }
            | Self::RequestEscape { deal, leg }
            | Self::ExecuteEscape { deal, leg } => Some((deal, leg)),
            Self::Withdraw { .. }
            | Self::Pause(_)
            | Self::SetGuardian(_)
            | Self::Rotate { .. }
            | Self::Recover { .. } => None,
        }
    }
}

/// A call by somebody at a time.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) at: u64,
    pub(crate) caller: Word,
    pub(crate) call: Call,
}

/// What comes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Undone, with the name of the error in the reference's words.
    Refused(String),
}

/// What is wrong with a leg. Program and reference look for it in different orders, so that a leg with two things wrong
/// is refused for either.
const LEG: [&str; 12] = [
    "LockingPaused",
    "NotDepositor",
    "InvalidAddress",
    "InvalidIndex",
    "InvalidAmount",
    "LockPassed",
    "LockHorizon",
    "InvalidEscape",
    "AlreadyLocked",
    "CancelledLock",
    "TokenWithoutCode",
    "TransferFailed",
];
/// What is wrong with what is certified: the program verifies in a call of its own, before it looks at anything else,
/// and finds out first of all whether there is a lock.
const CERTIFIED: [&str; 17] = [
    "InvalidSignature",
    "MalformedCertificate",
    "BelowQuorum",
    "TooFewValidators",
    "WrongHub",
    "WrongKind",
    "ZeroRoot",
    "WrongValidatorSet",
    "UnknownEpoch",
    "RetiredEpoch",
    "ExpiredEpoch",
    "Proof",
    "RootMismatch",
    "NotLocked",
    "NotConsecutive",
    "InvalidExpiry",
    "Account",
];

/// Whether two ends are the same, up to the order in which reasons to refuse are looked for.
pub(crate) fn agree(program: &Outcome, reference: &Outcome) -> bool {
    match (program, reference) {
        (Outcome::Done, Outcome::Done) => true,
        (Outcome::Refused(one), Outcome::Refused(other)) => {
            let both_in = |group: &[&str]| group.contains(&one.as_str()) && group.contains(&other.as_str());
            one == other || both_in(&LEG) || both_in(&CERTIFIED)
        }
        (Outcome::Done, Outcome::Refused(_)) | (Outcome::Refused(_), Outcome::Done) => false,
    }
}
