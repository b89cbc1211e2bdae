//! What is remembered about a submission.

use infrastrukt_ports::{Action, Receipt, SubmissionKey};
use infrastrukt_types::{Amount, B256, Bytes};
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use solana_signature::Signature;

/// Where a transaction's signature is among its bytes.
const SIGNATURE_AT: usize = 1;

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signed {
    /// What is sent, byte for byte.
    pub(crate) raw: Bytes,
    /// Programs of its instructions, to put its failure into words.
    pub(crate) programs: Vec<B256>,
    /// Micro-lamports offered for a compute unit.
    pub(crate) unit_price: u64,
    /// The last final slot when it was signed: it is in no block up to there.
    pub(crate) signed_at: u64,
    /// The chain's height after which it can never land.
    pub(crate) last_valid_height: u64,
    /// Items of the action that it completes.
    pub(crate) items: u32,
    /// True where nothing is left to do after it.
    pub(crate) is_last: bool,
    /// Lamports that it moves: neither fee nor rent.
    pub(crate) lamports: u64,
    /// True where it pays out beside what it is for, and can do without.
    pub(crate) pays: bool,
    /// The account that it opens for a certificate, whose rent can be had back later.
    pub(crate) opens: Option<B256>,
    /// Such accounts that it closes, and can do without.
    pub(crate) closes: Vec<B256>,
}

/// A submission that is not finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// Its place among the wallet's submissions.
    pub(crate) seq: u64,
    pub(crate) key: SubmissionKey,
    pub(crate) action: Action,
    /// Items that are through, in final blocks.
    pub(crate) done: u32,
    /// True once others may have made a transaction fail: what follows goes without payments and without bringing rent
    /// back, so that no stranger can undo a decision.
    pub(crate) bare: bool,
    /// Lamports that its transactions in final blocks cost.
    pub(crate) spent: u64,
    /// The one transaction that may still land; `None` where the next one is to be signed.
    pub(crate) current: Option<Signed>,
    /// What was offered for a compute unit by the last transaction that expired; `None` where none did.
    pub(crate) outbid: Option<u64>,
    /// Where k endpoints saw it in a block that is not final.
    pub(crate) included: Option<Included>,
    /// The last of its transactions in a final block.
    pub(crate) landed: Option<Receipt>,
}

/// A transaction in a block that may still be abandoned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Included {
    pub(crate) slot: u64,
    pub(crate) failed: bool,
}

/// What is kept of a submission once it is finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Done {
    /// Executed.
    Final(Receipt),
    /// Failed on the chain, whole or in its last part.
    Reverted { receipt: Receipt, reason: String },
}

/// What a submission key leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyState {
    /// The open submission of this number.
    Open { seq: u64 },
    /// Nothing more to do.
    Done(Done),
}

/// A wallet's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Number of the next submission.
    pub(crate) next_seq: u64,
    /// Oldest finished submission that is still remembered.
    pub(crate) done_first: u64,
    /// Number of the next one to finish.
    pub(crate) done_next: u64,
}

/// True for what the gateway does as often as it is told. Everything else it refuses the second time, or it changes
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

impl Signed {
    /// The name of the transaction.
    pub(crate) fn signature(&self) -> Signature {
        let bytes = self.raw.get(SIGNATURE_AT..).and_then(|rest| rest.first_chunk::<64>());
        Signature::from(*bytes.expect("what is stored here was signed here, and opens with one signature"))
    }

    /// What is known of it before its block is final: neither units nor fee, which the block tells.
    pub(crate) fn receipt(&self, slot: u64) -> Receipt {
        Receipt { tx: self.signature().to_string(), block: slot, gas_used: 0, fee: Amount::ZERO, message_id: None }
    }

    /// Programs of its instructions.
    pub(crate) fn programs(&self) -> Vec<Pubkey> {
        self.programs.iter().map(|program| Pubkey::new_from_array(program.0)).collect()
    }
}
