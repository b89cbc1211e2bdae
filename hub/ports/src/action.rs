//! What can be done on a chain, in the chain-neutral words of the protocol.

use infrastrukt_types::{
    Account, Amount, B256, Bytes, ChainId, Checkpoint, DealId, Decision, EcdsaCertificate, LegRef, Message, Multiproof,
    Timestamp,
};
use serde::{Deserialize, Serialize};

/// A certified checkpoint with the proof of some of its leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertifiedLeaves {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The quorum's certificate over it.
    pub certificate: EcdsaCertificate,
    /// Proof of the leaves that an action names, in the same order.
    pub proof: Multiproof,
}

/// One transaction's worth of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Deliver messages (leaves `Message`).
    Deliver {
        /// The certified leaves.
        certified: CertifiedLeaves,
        /// The messages, in the order of the proof.
        messages: Vec<Message>,
    },
    /// Mark a message as expired on its target (leaf `Message`).
    Expire {
        /// The certified leaf.
        certified: CertifiedLeaves,
        /// The message.
        message: Message,
    },
    /// Give an expired message back at its source (leaf `Expired`).
    Refund {
        /// The certified leaf.
        certified: CertifiedLeaves,
        /// The message.
        message: Message,
    },
    /// Release or refund legs (leaves `Decision`), each deal with its legs on this chain.
    Settle {
        /// The certified leaves.
        certified: CertifiedLeaves,
        /// Deals in the order of the proof.
        settlements: Vec<(DealId, Decision, Vec<LegRef>)>,
    },
    /// Hand over to the next validator set (leaf `Rotate`).
    Rotate {
        /// The certified leaf.
        certified: CertifiedLeaves,
        /// The epoch that begins.
        epoch: u64,
        /// Hash of its set.
        valset_hash: B256,
        /// When it loses all power.
        expires_at: Timestamp,
    },
    /// Send a message; the fee is quoted and paid by the adapter.
    Send {
        /// Where to.
        target: ChainId,
        /// Who receives it there.
        recipient: Account,
        /// Gas for its handler.
        gas_limit: u64,
        /// Last second of target time; zero never expires.
        deadline: Timestamp,
        /// What it carries.
        payload: Bytes,
    },
    /// Move tokens over the token bridge.
    Bridge {
        /// Token here; zero is the native coin.
        token: Account,
        /// Where to.
        target: ChainId,
        /// Who receives them there.
        recipient: Account,
        /// How much, in the token's units here.
        amount: Amount,
        /// Last second of target time at which they may arrive. Every transfer has one, days ahead at most.
        deadline: Timestamp,
        /// Who gets them back here if they do not arrive by then.
        refund_to: Account,
    },
    /// Let the hub's contract take this much of the signer's tokens.
    Approve {
        /// The token.
        token: Account,
        /// Who may take it: the escrow or the token bridge.
        spender: Account,
        /// How much.
        amount: Amount,
    },
    /// Lock the signer's leg.
    Lock {
        /// Its deal.
        deal: DealId,
        /// The leg.
        leg: LegRef,
    },
    /// Ask for the timer refund.
    RequestEscape {
        /// The deal.
        deal: DealId,
        /// The leg.
        leg: LegRef,
    },
    /// Take the timer refund.
    ExecuteEscape {
        /// The deal.
        deal: DealId,
        /// The leg.
        leg: LegRef,
    },
    /// Push a credit to its owner.
    WithdrawCredit {
        /// The token; zero is the native coin.
        token: Account,
        /// Whose credit.
        account: Account,
    },
}

impl Action {
    /// The word for logs, metrics and tables.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Deliver { .. } => "deliver",
            Self::Expire { .. } => "expire",
            Self::Refund { .. } => "refund",
            Self::Settle { .. } => "settle",
            Self::Rotate { .. } => "rotate",
            Self::Send { .. } => "send",
            Self::Bridge { .. } => "bridge",
            Self::Approve { .. } => "approve",
            Self::Lock { .. } => "lock",
            Self::RequestEscape { .. } => "request_escape",
            Self::ExecuteEscape { .. } => "execute_escape",
            Self::WithdrawCredit { .. } => "withdraw_credit",
        }
    }
}

/// Names one submission for ever: submitting the same key again does nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubmissionKey(pub B256);

/// A transaction that is on the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The transaction in the chain's own notation.
    pub tx: String,
    /// The block that holds it.
    pub block: u64,
    /// Gas (or compute units) it used.
    pub gas_used: u64,
    /// What it cost, in the native coin's smallest unit.
    pub fee: Amount,
    /// Id of the message it sent, where it sent one; some chains show it in final blocks only.
    pub message_id: Option<infrastrukt_types::MessageId>,
}

/// How far a submission is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubmissionState {
    /// Never submitted here.
    Unknown,
    /// Stored and broadcast, not in a block.
    Pending,
    /// In a block that is not final yet: it may still leave it, and come to another end in the next one.
    Included {
        /// The transaction.
        receipt: Receipt,
        /// False where it reverted in this block.
        succeeded: bool,
    },
    /// In a final block, executed.
    Final(Receipt),
    /// In a final block, reverted. The reason is the contract's typed error where it has one.
    Reverted {
        /// The transaction.
        receipt: Receipt,
        /// Why.
        reason: String,
    },
}

/// Everything a person needs to do the same by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualCall {
    /// Contract or program.
    pub to: String,
    /// Function in the chain's own notation.
    pub function: String,
    /// Encoded call.
    pub data: Bytes,
    /// Native coin to attach.
    pub value: Amount,
    /// A command line that does it, the sender's key left out.
    pub command: String,
}
