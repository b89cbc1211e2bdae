//! The relayer's records.

use infrastrukt_ports::SubmissionKey;
use infrastrukt_types::{
    B256, Checkpoint, CheckpointKind, DealId, Decision, EcdsaCertificate, Epoch, Height, Leaf, LegRef, Message,
    MessageId, Timestamp,
};
use serde::{Deserialize, Serialize};

/// Longest error text kept with a record, in bytes.
const ERROR_BYTES_MAX: usize = 512;

/// What kind of thing is carried to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WorkKind {
    /// Hand over to the next validator set.
    Rotate,
    /// Release or refund the legs of a deal.
    Settle,
    /// Deliver a message, or mark it as expired.
    Deliver,
    /// Give an expired message back.
    Refund,
}

impl WorkKind {
    /// All kinds, in the order of their bytes.
    pub const ALL: [Self; 4] = [Self::Rotate, Self::Settle, Self::Deliver, Self::Refund];

    /// The kind's byte in keys.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Rotate => 0,
            Self::Settle => 1,
            Self::Deliver => 2,
            Self::Refund => 3,
        }
    }

    /// The word for logs, tables and dead-letter ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Settle => "settle",
            Self::Deliver => "deliver",
            Self::Refund => "refund",
        }
    }

    /// Place in the queue: rotations before decisions before messages.
    pub const fn priority(self) -> u8 {
        match self {
            Self::Rotate => 0,
            Self::Settle => 1,
            Self::Deliver | Self::Refund => 2,
        }
    }

    /// Decisions and rotations are tried for ever.
    pub const fn may_die(self) -> bool {
        match self {
            Self::Rotate | Self::Settle => false,
            Self::Deliver | Self::Refund => true,
        }
    }
}

/// Names an item within its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemKey {
    /// What is done.
    pub kind: WorkKind,
    /// Message id, deal id, or the epoch as a number.
    pub id: B256,
}

/// What is to be done on the lane's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Deliver the message, or mark it as expired after its deadline.
    Deliver {
        /// Its id.
        id: MessageId,
        /// The message.
        message: Message,
    },
    /// Give the message back to its sender.
    Refund {
        /// Its id.
        id: MessageId,
        /// The message.
        message: Message,
    },
    /// Release or refund the deal's legs on this chain.
    Settle {
        /// The deal.
        deal: DealId,
        /// The one bit.
        decision: Decision,
        /// Its legs here that are not final yet.
        legs: Vec<LegRef>,
    },
    /// Hand over to the next validator set.
    Rotate {
        /// The epoch that begins.
        epoch: Epoch,
        /// Hash of its set.
        valset_hash: B256,
        /// When it loses all power.
        expires_at: Timestamp,
    },
}

impl Work {
    /// The key of an item with this work.
    pub fn key(&self) -> ItemKey {
        match self {
            Self::Deliver { id, .. } => ItemKey { kind: WorkKind::Deliver, id: id.0 },
            Self::Refund { id, .. } => ItemKey { kind: WorkKind::Refund, id: id.0 },
            Self::Settle { deal, .. } => ItemKey { kind: WorkKind::Settle, id: deal.0 },
            Self::Rotate { epoch, .. } => ItemKey::rotation(*epoch),
        }
    }
}

impl ItemKey {
    /// The key of the rotation into an epoch.
    pub fn rotation(epoch: Epoch) -> Self {
        let mut id = [0u8; 32];
        id[24..].copy_from_slice(&epoch.0.to_be_bytes());
        Self { kind: WorkKind::Rotate, id: B256::from(id) }
    }

    /// The message that it carries, where it carries one: for logs.
    pub fn message_id(&self) -> Option<MessageId> {
        match self.kind {
            WorkKind::Deliver | WorkKind::Refund => Some(MessageId(self.id)),
            WorkKind::Settle | WorkKind::Rotate => None,
        }
    }
}

/// Names a certified checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CertRef {
    /// Its height.
    pub height: Height,
    /// Its kind.
    pub kind: CheckpointKind,
}

/// A certified checkpoint, stored once for all items that refer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certified {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The quorum's certificate.
    pub certificate: EcdsaCertificate,
}

impl Certified {
    /// Its name.
    pub fn cert_ref(&self) -> CertRef {
        CertRef { height: self.checkpoint.height, kind: self.checkpoint.kind }
    }
}

/// Names a leaf by its place in the outbox of a certified checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafRef {
    /// The checkpoint.
    pub cert: CertRef,
    /// The leaf's place.
    pub index: u32,
}

/// A certified leaf of which the hub did not show the message or deal yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedLeaf {
    /// The leaf.
    pub leaf: Leaf,
    /// The epoch of its certificate.
    pub epoch: Epoch,
}

/// Where an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Waits for this time.
    Queued {
        /// Unix milliseconds.
        ready_at_ms: u64,
    },
    /// Part of a transaction.
    InFlight {
        /// Which.
        plan: SubmissionKey,
    },
    /// Given up until a person redrives it.
    Dead {
        /// Unix milliseconds.
        since_ms: u64,
    },
}

/// Something to be carried to a chain, with all that is needed to do it now or after a redrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What.
    pub work: Work,
    /// The certificate that allows it.
    pub cert: CertRef,
    /// The epoch of that certificate.
    pub epoch: Epoch,
    /// Its leaf's place in the outbox.
    pub index: u32,
    /// Where it is.
    pub place: Place,
    /// When it was taken from the hub, in Unix milliseconds.
    pub enqueued_at_ms: u64,
    /// Deterministic failures so far.
    pub attempts: u32,
    /// Transactions it was planned into so far: makes every submission key new.
    pub round: u32,
    /// The chain must be asked before it is planned again.
    pub verify: bool,
    /// Most items it may share a transaction with; shrinks while a failing one is searched for.
    pub group_max: u32,
    /// Chain time at which the head showed it as done by someone else; it is over once that is final.
    pub done_seen: Option<Timestamp>,
    /// The last failure.
    pub last_error: Option<String>,
}

impl Item {
    /// A new item.
    pub fn new(work: Work, cert: CertRef, epoch: Epoch, index: u32, now_ms: u64) -> Self {
        // An ABORT names legs that may never have been locked: ask before paying for a transaction.
        let verify = matches!(work, Work::Settle { decision: Decision::Abort, .. });
        Self {
            work,
            cert,
            epoch,
            index,
            place: Place::Queued { ready_at_ms: now_ms },
            enqueued_at_ms: now_ms,
            attempts: 0,
            round: 0,
            verify,
            group_max: u32::MAX,
            done_seen: None,
            last_error: None,
        }
    }

    /// Its key.
    pub fn key(&self) -> ItemKey {
        self.work.key()
    }

    /// Remembers why it failed, shortened to what a record may hold.
    pub fn note(&mut self, reason: &str) {
        self.last_error = Some(shortened(reason));
    }
}

/// The text, cut at a character boundary to what a record may hold.
pub(crate) fn shortened(text: &str) -> String {
    let mut end = text.len().min(ERROR_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// What a planned transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PlanKind {
    /// Delivers a batch.
    Deliver,
    /// Marks one message as expired.
    Expire,
    /// Refunds one message.
    Refund,
    /// Settles a batch.
    Settle,
    /// Rotates once.
    Rotate,
}

impl PlanKind {
    /// The kind's byte in submission keys.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Deliver => 1,
            Self::Expire => 2,
            Self::Refund => 3,
            Self::Settle => 4,
            Self::Rotate => 5,
        }
    }

    /// The word for logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Expire => "expire",
            Self::Refund => "refund",
            Self::Settle => "settle",
            Self::Rotate => "rotate",
        }
    }
}

/// One leaf of a planned transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// The leaf's place in the outbox.
    pub index: u32,
    /// Its item.
    pub item: ItemKey,
    /// The legs to settle, by their place in the deal; empty for anything but a settlement.
    pub legs: Vec<u8>,
}

/// How far a planned transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlanPhase {
    /// Stored here; the writer may not have heard of it.
    Planned,
    /// The writer stored it.
    Submitted,
    /// In a block.
    Included {
        /// Its number.
        block: u64,
    },
}

/// A transaction: what it carries and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name at the writer.
    pub key: SubmissionKey,
    /// What it does.
    pub kind: PlanKind,
    /// The certificate it carries.
    pub cert: CertRef,
    /// That certificate's epoch.
    pub epoch: Epoch,
    /// Its leaves, by ascending index.
    pub entries: Vec<PlanEntry>,
    /// When it was planned, in Unix milliseconds.
    pub planned_at_ms: u64,
    /// How far it is.
    pub phase: PlanPhase,
}

/// Names a piece of evidence within its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EvidenceKey {
    /// Block it proves.
    pub block: u64,
    /// Which part of that block.
    pub part: u32,
}

/// Evidence that waits to be proven; the evidence itself and the facts that it proves lie beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// When it was read, in Unix milliseconds.
    pub observed_at_ms: u64,
    /// Facts it proves.
    pub facts: u32,
}

/// Evidence that the hub refused for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadEvidence {
    /// The record.
    pub record: EvidenceRecord,
    /// Why.
    pub reason: String,
    /// Since when, in Unix milliseconds.
    pub since_ms: u64,
}
