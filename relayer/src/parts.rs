//! What a relayer is put together from.

use infrastrukt_ports::{ChainReader, ChainWriter, Clock, Store};
use infrastrukt_types::Caip2;
use std::{net::SocketAddr, sync::Arc};

/// Everything a relayer needs. The caller opens and validates; the relayer only runs.
pub struct Parts {
    /// The hub's JSON-RPC endpoint, `http://`, `https://`, `ws://` or `wss://`.
    pub hub_url: String,
    /// The chains it serves; messages to other chains are left to other relayers.
    pub chains: Vec<ChainParts>,
    /// Durable storage with [`crate::COLUMNS`] opened.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where its own interface listens; loopback only. Port 0 takes a free one.
    pub admin_listen: SocketAddr,
    /// Where `/healthz`, `/readyz` and `/metrics` listen. Port 0 takes a free one.
    pub health_listen: SocketAddr,
    /// Bounds that hold for all lanes.
    pub limits: Limits,
}

/// Everything a pipeline needs: the parts of a relayer without its interfaces.
pub struct PipelineParts {
    /// The hub's address, for texts to people.
    pub hub_url: String,
    /// The chains it serves.
    pub chains: Vec<ChainParts>,
    /// Durable storage with [`crate::COLUMNS`] opened.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Bounds that hold for all lanes.
    pub limits: Limits,
}

/// One chain with the policy of its lane.
#[derive(Clone)]
pub struct ChainParts {
    /// Its name, which labels logs and metrics.
    pub name: Caip2,
    /// Reads it.
    pub reader: Arc<dyn ChainReader>,
    /// Writes to it.
    pub writer: Arc<dyn ChainWriter>,
    /// First block that can hold a fact: where the contracts were deployed.
    pub start_block: u64,
    /// How its lane behaves.
    pub policy: LanePolicy,
}

/// How one lane (everything that is read from and written to one chain) behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanePolicy {
    /// Most messages or deals in one transaction.
    pub batch_max: usize,
    /// Most gas that the messages of one transaction may ask for together.
    pub batch_gas_max: u64,
    /// Most payload bytes in one transaction.
    pub batch_bytes_max: usize,
    /// Longest pause between two looks at the delivery queue, in milliseconds.
    pub batch_wait_ms: u64,
    /// Deterministic failures after which a message becomes a dead letter.
    pub retries_max: u32,
    /// First back-off after a failure, in milliseconds; doubles with each further one.
    pub backoff_min_ms: u64,
    /// Longest back-off, in milliseconds.
    pub backoff_max_ms: u64,
    /// Most transactions that are planned or broadcast but in no block yet.
    pub in_flight_max: usize,
    /// Most blocks read at once.
    pub scan_blocks_max: u64,
    /// Pause between two looks at the chain's final head, in milliseconds.
    pub poll_ms: u64,
    /// Pause between two looks at open transactions, in milliseconds.
    pub confirm_ms: u64,
}

impl Default for LanePolicy {
    fn default() -> Self {
        Self {
            batch_max: 30,
            // Below the 2^24 gas that EIP-7825 allows a transaction.
            batch_gas_max: 12_000_000,
            batch_bytes_max: 64 * 1024,
            batch_wait_ms: 200,
            retries_max: 3,
            backoff_min_ms: 1_000,
            backoff_max_ms: 300_000,
            in_flight_max: 64,
            scan_blocks_max: 64,
            poll_ms: 500,
            confirm_ms: 500,
        }
    }
}

/// Bounds that hold for each lane alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Queued deliveries of one lane beyond which no further messages are taken for it. Decisions and rotations always
    /// are, and other lanes go on.
    pub queue_max: u64,
    /// Evidence records of one lane beyond which its chain is not read further.
    pub evidence_max: u64,
    /// Dead letters of one lane beyond which failing messages stay queued instead.
    pub dead_letters_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { queue_max: 1_000_000, evidence_max: 100_000, dead_letters_max: 100_000 }
    }
}
