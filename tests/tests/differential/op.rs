//! A call at a time, and what comes of it.

use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_sim::Settlement;
use infrastrukt_types::{Account, Amount, B256, Bytes, DealId, Epoch, LegRef, Timestamp};

/// Every call there is, by name.
pub(crate) const NAMES: [&str; 13] = [
    "lock",
    "lockCompact",
    "lockSigned",
    "cancelLock",
    "settle",
    "requestEscape",
    "executeEscape",
    "withdrawCredit",
    "setLocksPaused",
    "setGuardian",
    "rotate",
    "recover",
    "approve",
];

/// A call of one of the contracts.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Lock { deal: DealId, leg: LegRef, value: Amount },
    LockCompact { deal: DealId, leg: LegRef, value: Amount },
    LockSigned { deal: DealId, leg: LegRef, deadline: Timestamp, signature: Bytes },
    CancelLock { deal: DealId, leg: LegRef },
    Settle { certified: CertifiedLeaves, settlements: Vec<Settlement> },
    RequestEscape { deal: DealId, leg: LegRef },
    ExecuteEscape { deal: DealId, leg: LegRef },
    WithdrawCredit { token: Account, account: Account },
    SetLocksPaused(bool),
    SetGuardian(Account),
    Rotate { certified: CertifiedLeaves, epoch: Epoch, valset_hash: B256, expires_at: Timestamp },
    Recover { epoch: Epoch, valset_hash: B256, expires_at: Timestamp },
    Approve { amount: Amount },
}

/// A call by somebody at a time.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) at: Timestamp,
    pub(crate) caller: Account,
    pub(crate) call: Call,
}

/// What comes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It went through, and escrow or verifier reported this many events.
    Done { events: usize },
    /// It was undone with a typed error of this name.
    Refused(String),
}

impl Call {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Lock { .. } => "lock",
            Self::LockCompact { .. } => "lockCompact",
            Self::LockSigned { .. } => "lockSigned",
            Self::CancelLock { .. } => "cancelLock",
            Self::Settle { .. } => "settle",
            Self::RequestEscape { .. } => "requestEscape",
            Self::ExecuteEscape { .. } => "executeEscape",
            Self::WithdrawCredit { .. } => "withdrawCredit",
            Self::SetLocksPaused(_) => "setLocksPaused",
            Self::SetGuardian(_) => "setGuardian",
            Self::Rotate { .. } => "rotate",
            Self::Recover { .. } => "recover",
            Self::Approve { .. } => "approve",
        }
    }

    /// Native coin that comes with it.
    pub(crate) const fn value(&self) -> Amount {
        match self {
            Self::Lock { value, .. } | Self::LockCompact { value, .. } => *value,
            Self::LockSigned { .. }
            | Self::CancelLock { .. }
            | Self::Settle { .. }
            | Self::RequestEscape { .. }
            | Self::ExecuteEscape { .. }
            | Self::WithdrawCredit { .. }
            | Self::SetLocksPaused(_)
            | Self::SetGuardian(_)
            | Self::Rotate { .. }
            | Self::Recover { .. }
            | Self::Approve { .. } => Amount::ZERO,
        }
    }
}
