//! What the relayer's own interface shows. The command line reads the same types.

use infrastrukt_types::{Amount, B256, Caip2, HubId};
use serde::{Deserialize, Serialize};

/// The relayer at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayerStatus {
    /// Version of the software.
    pub version: String,
    /// True when the hub is reachable and no lane is halted.
    pub ready: bool,
    /// Why it is not ready.
    pub problems: Vec<String>,
    /// The hub.
    pub hub: HubLink,
    /// One for each chain.
    pub lanes: Vec<LaneStatus>,
    /// One for each chain that has a token bridge.
    pub supply: Vec<SupplyStatus>,
}

/// Whether what a chain's token bridge minted and holds is backed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyStatus {
    /// The chain.
    pub chain: Caip2,
    /// Seconds since its books were last compared with those of all served chains that it has routes to.
    pub compared_age_s: Option<u64>,
    /// What does not add up, with both figures.
    pub violations: Vec<String>,
}

/// The hub as this relayer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubLink {
    /// Its address.
    pub url: String,
    /// Its identity, once reached.
    pub id: Option<HubId>,
    /// Certified checkpoints taken so far: the cursor into the hub's list.
    pub taken: u64,
    /// How taking and watching are doing.
    pub stages: Vec<StageStatus>,
}

/// One chain as this relayer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneStatus {
    /// The chain.
    pub chain: Caip2,
    /// Why the lane stopped, if it did.
    pub halted: Option<String>,
    /// First block that is not read yet.
    pub next_block: u64,
    /// Number of the final head as last read.
    pub final_block: Option<u64>,
    /// Seconds between the final head and this machine's clock.
    pub finality_lag_s: Option<u64>,
    /// What waits where.
    pub queues: Vec<QueueStatus>,
    /// How the stages are doing.
    pub stages: Vec<StageStatus>,
    /// Dead letters, refused evidence included.
    pub dead_letters: u64,
    /// The paying account in the chain's own notation.
    pub account: String,
    /// Its native balance as last read, in the smallest unit.
    pub balance: Option<Amount>,
    /// Calls to the chain's endpoints since the start.
    pub rpc_calls: u64,
}

/// A queue of one lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueStatus {
    /// `submit` (evidence), `deliver` (items) or `confirm` (transactions).
    pub stage: String,
    /// How many entries.
    pub depth: u64,
    /// Age of the oldest entry seen at its front, in seconds.
    pub oldest_age_s: u64,
}

/// A stage of one lane, or of the whole relayer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageStatus {
    /// Its name.
    pub stage: String,
    /// Milliseconds since its last good turn.
    pub idle_ms: Option<u64>,
    /// Why its last turn failed, if it did.
    pub error: Option<String>,
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its turn or its back-off.
    Queued,
    /// In a transaction.
    InFlight,
    /// Given up until it is redriven.
    Dead,
}

/// One thing this relayer has to carry for a message: its delivery, or its refund at the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryJob {
    /// The chain it is carried to.
    pub lane: Caip2,
    /// `deliver` or `refund`.
    pub kind: String,
    /// Where it is.
    pub state: JobState,
    /// Deterministic failures so far.
    pub attempts: u32,
    /// The last failure.
    pub last_error: Option<String>,
    /// When it is tried next, in Unix milliseconds.
    pub next_try_ms: Option<u64>,
    /// When it was taken from the hub, in Unix milliseconds.
    pub queued_since_ms: u64,
    /// Its submission at the chain's writer.
    pub submission: Option<B256>,
    /// Its transaction, once in a block, in the chain's own notation.
    pub tx: Option<String>,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its name: `eip155:56/deliver/0x…` or `eip155:56/evidence/1234-0`.
    pub id: String,
    /// The chain.
    pub lane: Caip2,
    /// `deliver`, `refund` or `evidence`.
    pub kind: String,
    /// Why it died.
    pub reason: String,
    /// Deterministic failures before it died.
    pub attempts: u32,
    /// Since when, in Unix milliseconds.
    pub since_ms: u64,
}

/// A dead letter with everything needed to redrive it or to carry it by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterDetail {
    /// The summary.
    #[serde(flatten)]
    pub letter: DeadLetter,
    /// The message, the certificate's height and the leaf's index, or the evidence.
    pub content: serde_json::Value,
}
