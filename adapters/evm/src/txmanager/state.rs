//! What is remembered about a transaction.

use alloy_primitives::{B256, Bytes};
use infrastrukt_ports::{Action, Receipt, SubmissionKey};
use serde::{Deserialize, Serialize};

use crate::calls::Call;

use super::fees::Price;

/// Versions of one transaction that are kept at most.
pub(crate) const VERSIONS_MAX: usize = 24;

/// Why a nonce is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// Somebody's submission.
    Submission(SubmissionKey),
    /// Nothing but to close a gap before later nonces.
    Filler,
}

/// One signed version of a transaction. All versions have one nonce, so at most one is ever mined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signed {
    /// Transaction hash.
    pub(crate) hash: B256,
    /// What is broadcast, byte for byte.
    pub(crate) raw: Bytes,
    /// What it offers.
    pub(crate) price: Price,
    /// Head of the chain when it was signed: how long it has been waiting.
    pub(crate) signed_at: u64,
}

/// A transaction that is not final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) purpose: Purpose,
    /// Word for logs and metrics.
    pub(crate) action: String,
    /// True where executing it a second time would do it twice.
    pub(crate) once: bool,
    pub(crate) nonce: u64,
    pub(crate) call: Call,
    pub(crate) gas_limit: u64,
    /// Oldest first, at least one, at most [`VERSIONS_MAX`].
    pub(crate) versions: Vec<Signed>,
    /// Where k endpoints saw a version in a block.
    pub(crate) included: Option<Included>,
}

/// A version in a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Included {
    pub(crate) block_hash: B256,
    pub(crate) succeeded: bool,
    pub(crate) receipt: Receipt,
}

/// What is kept of a submission once its block is final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Done {
    /// Executed.
    Final(Receipt),
    /// Reverted.
    Reverted { receipt: Receipt, reason: String },
}

/// What a submission key leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyState {
    /// The open transaction with this nonce.
    Open { nonce: u64 },
    /// Nothing more to do.
    Done(Done),
}

/// A wallet's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// No lower nonce is ever given out again.
    pub(crate) next_nonce: u64,
    /// Oldest finished submission that is still remembered.
    pub(crate) done_first: u64,
    /// Number of the next one to finish.
    pub(crate) done_next: u64,
}

/// True for what the contracts do as often as they are told. Everything else they refuse the second time, or it changes
/// nothing more.
pub(crate) const fn is_once(action: &Action) -> bool {
    match action {
        Action::Send { .. } | Action::Bridge { .. } => true,
        Action::Deliver { .. }
        | Action::Expire { .. }
        | Action::Refund { .. }
        | Action::Settle { .. }
        | Action::Rotate { .. }
        | Action::Approve { .. }
        | Action::Lock { .. }
        | Action::RequestEscape { .. }
        | Action::ExecuteEscape { .. }
        | Action::WithdrawCredit { .. } => false,
    }
}

impl Open {
    /// The version that pays best, which is the one to broadcast.
    pub(crate) fn best(&self) -> &Signed {
        self.versions.last().expect("a record is made with a signed version and versions are only added")
    }

    /// True where a version was seen in a block whose number is final by now.
    pub(crate) fn is_in_final_block(&self, finalized: u64) -> bool {
        self.included.as_ref().is_some_and(|included| included.receipt.block <= finalized)
    }
}
