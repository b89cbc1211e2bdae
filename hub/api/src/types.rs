//! What the interface shows.

use infrastrukt_types::{
    Account, Address, Amount, B256, Caip2, ChainId, Checkpoint, CheckpointKind, Deal, DealId, Decision,
    EcdsaCertificate, Epoch, Height, HubId, Leaf, LockKey, Message, MessageId, Origin, Timestamp, ValidatorSet,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The hub at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HubStatus {
    /// Identity: the hash of the genesis.
    pub hub_id: HubId,
    /// Name from the genesis.
    pub name: String,
    /// Version of the software.
    pub version: String,
    /// Height of the last executed block.
    pub height: Height,
    /// Its time.
    pub time: Timestamp,
    /// Current epoch.
    pub epoch: Epoch,
    /// When the epoch's set loses all power.
    pub epoch_expires_at: Timestamp,
    /// Its set.
    pub validators: ValidatorSet,
    /// State of each validator this node hosts.
    pub hosted: Vec<HostedValidator>,
    /// Registered chains.
    pub chains: Vec<ChainView>,
    /// Entries waiting to be ordered.
    pub pending: u64,
}

/// A validator that runs in this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostedValidator {
    /// Its address.
    #[schemars(with = "String")]
    pub address: Address,
    /// Height it has executed.
    pub height: Height,
    /// Why it stopped attesting or signing, if it did.
    pub halted: Option<String>,
}

/// A registered chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainView {
    /// Name (CAIP-2).
    pub name: Caip2,
    /// Id on the wire.
    pub id: ChainId,
    /// Its gateway.
    pub gateway: Account,
    /// Its escrow.
    pub escrow: Account,
    /// Its verifier.
    pub verifier: Account,
    /// Its token bridge.
    pub token_bridge: Account,
    /// Set while the chain is frozen, with the reason.
    pub frozen: Option<String>,
}

/// What became of one item of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum EvidenceOutcome {
    /// The validators are checking it.
    Accepted,
    /// Wrong now and for ever.
    Rejected {
        /// Why, and what to do.
        reason: String,
    },
    /// Cannot be judged yet (not final, endpoint away): offer it again.
    Retry {
        /// Milliseconds to wait at least.
        after_ms: u64,
        /// Why.
        reason: String,
    },
}

/// A deal as people agree on it, before deadlines are computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DealTerms {
    /// Random, chosen by the one who asks.
    #[schemars(with = "String")]
    pub nonce: B256,
    /// Seconds the parties have for locking.
    pub lock_within_s: u64,
    /// Two to eight.
    pub legs: Vec<LegTerms>,
}

/// One leg as people agree on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegTerms {
    /// Where it locks.
    pub chain: ChainId,
    /// What; zero is the native coin.
    pub token: Account,
    /// How much, tip included.
    pub amount: Amount,
    /// Who locks.
    pub depositor: Account,
    /// Who is paid on COMMIT.
    pub on_commit: Account,
    /// Who is paid on ABORT.
    pub on_abort: Account,
    /// For whoever settles.
    pub tip: Amount,
}

/// Life of a message in the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    /// Attested by some validators.
    Observed,
    /// Attested by more than two thirds.
    Proven,
    /// Its leaf is in a certified checkpoint.
    Certified,
    /// Its delivery is proven.
    Delivered,
    /// Its expiry is proven.
    Expired,
    /// Its refund at the source is proven.
    Refunded,
}

/// A message with its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessageView {
    /// Its id.
    pub id: MessageId,
    /// Its state.
    pub state: MessageState,
    /// The message.
    pub message: Message,
    /// Where it was sent.
    pub origin: Origin,
    /// Hub time at which it was proven.
    pub proven_at: Option<Timestamp>,
    /// Checkpoint that carries its leaf.
    pub checkpoint: Option<Height>,
    /// Checkpoint that carries its expiry, for the refund at the source.
    pub expired_checkpoint: Option<Height>,
}

/// Which messages to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MessageFilter {
    /// Only from this chain.
    pub source: Option<ChainId>,
    /// Only to this chain.
    pub target: Option<ChainId>,
    /// Only in this state.
    pub state: Option<MessageState>,
    /// At most this many, up to the page limit.
    pub limit: Option<u32>,
    /// Only older ones than an earlier page looked at: its `next`.
    pub before: Option<u64>,
}

/// Messages, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MessagePage {
    /// What was found. A page may be empty although older messages match: one call looks at a bounded number of them.
    pub items: Vec<MessageView>,
    /// `before` of the next page; null once all messages were looked at.
    pub next: Option<u64>,
}

/// Life of a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DealState {
    /// Registered, nothing locked.
    Open,
    /// Some legs are proven locked.
    Locking,
    /// The one decision is made.
    Decided,
    /// The decision is certified.
    Certified,
    /// COMMIT was not certified in time: escape only.
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

/// A deal with its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DealView {
    /// Its id.
    pub id: DealId,
    /// Its state.
    pub state: DealState,
    /// Its decision, once made.
    pub decision: Option<Decision>,
    /// Its terms.
    pub deal: Deal,
    /// Each leg's progress, in order.
    pub legs: Vec<LegView>,
    /// Hub time of registration.
    pub registered_at: Timestamp,
    /// Hub time of the decision.
    pub decided_at: Option<Timestamp>,
    /// Checkpoint that carries the decision.
    pub checkpoint: Option<Height>,
    /// Why it is at fault, where it is.
    pub fault: Option<String>,
}

/// Progress of one leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegView {
    /// The key of its lock.
    pub lock_key: LockKey,
    /// Its progress.
    pub state: LegState,
}

/// Progress of one leg as proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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

/// Which deals to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DealFilter {
    /// Only in this state.
    pub state: Option<DealState>,
    /// Only with this account as depositor or payee of a leg.
    pub account: Option<Account>,
    /// At most this many, up to the page limit.
    pub limit: Option<u32>,
    /// Only older ones than an earlier page looked at: its `next`.
    pub before: Option<u64>,
}

/// Deals, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DealPage {
    /// What was found. A page may be empty although older deals match: one call looks at a bounded number of them.
    pub items: Vec<DealView>,
    /// `before` of the next page; null once all deals were looked at.
    pub next: Option<u64>,
}

/// A certified checkpoint with all its leaves and what a relayer needs to carry them out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertifiedCheckpoint {
    /// Position in the order of certification, from 0.
    pub cursor: u64,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The certificate.
    pub certificate: EcdsaCertificate,
    /// All leaves, in the order of the tree.
    pub leaves: Vec<LeafView>,
}

/// A leaf with what it speaks of. Where the answer would grow too long the later leaves of a page come without it: it
/// is then asked for by its id, with `hub_message` or `hub_deal`, and the id recomputed from the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeafView {
    /// The leaf.
    pub leaf: Leaf,
    /// The message of a `message` or `expired` leaf, unless left out.
    pub message: Option<Message>,
    /// The deal of a `decision` leaf, unless left out.
    pub deal: Option<Deal>,
}

/// A page of certified checkpoints: at least one where there is one, each with all its leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertifiedPage {
    /// In the order of certification.
    pub items: Vec<CertifiedCheckpoint>,
    /// Cursor to go on from.
    pub next: u64,
}

/// One validator's signature on a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Who signed.
    #[schemars(with = "String")]
    pub validator: Address,
    /// Height of the checkpoint.
    pub height: Height,
    /// Kind of the checkpoint.
    pub kind: CheckpointKind,
    /// `r ‖ s ‖ v` over the checkpoint's digest.
    #[schemars(with = "String")]
    pub signature: infrastrukt_types::Bytes,
}

/// Up to where a chain's facts are proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProvenHeight {
    /// The chain.
    pub chain: ChainId,
    /// Highest block of which a fact is proven; 0 for none.
    pub block: u64,
}

/// The current epoch, and what its validators voted to follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RotationView {
    /// Current epoch.
    pub epoch: Epoch,
    /// When its set loses all power.
    pub expires_at: Timestamp,
    /// Its set.
    pub validators: ValidatorSet,
    /// Hash of that set.
    #[schemars(with = "String")]
    pub valset_hash: B256,
    /// Weight of that set, in decimal. More than two thirds of it decide.
    pub total_weight: String,
    /// What was proposed for the next epoch.
    pub proposals: Vec<ProposalView>,
}

/// A set proposed for the next epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalView {
    /// The epoch that would begin.
    pub epoch: Epoch,
    /// Its set.
    pub set: ValidatorSet,
    /// Hash of that set.
    #[schemars(with = "String")]
    pub valset_hash: B256,
    /// When that set would lose all power.
    pub expires_at: Timestamp,
    /// Who votes for it; empty once it is decided, since votes are then forgotten.
    #[schemars(with = "Vec<String>")]
    pub voters: Vec<Address>,
    /// Their weight in the current set, in decimal.
    pub weight: String,
    /// True once a quorum chose it: it begins when its rotation is certified.
    pub decided: bool,
}
