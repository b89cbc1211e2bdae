//! A validator's own check of evidence.

use async_trait::async_trait;
use infrastrukt_types::{ChainId, Evidence, Fact, Verified};

use crate::{Check, PortError};

/// Turns evidence into facts for one chain, with the validator's own view of its headers. It believes neither the
/// relayer that submitted the evidence nor any single RPC endpoint.
#[async_trait]
pub trait FactVerifier: Send + Sync {
    /// The chain it judges.
    fn chain(&self) -> ChainId;

    /// Refuses what is wrong by itself: malformed, of another chain, not consistent in itself, or without any event of
    /// the hub's contracts. Cheap; asks nobody and waits for nothing, so that junk is turned away before it takes room.
    /// What passes is not proven: it may still be of a block that does not exist. Its only failure is `Reject`.
    fn screen(&self, evidence: &Evidence) -> Result<(), PortError>;

    /// Number of the last final block, as far as a quorum of the validator's endpoints has it. `Halt` as in
    /// [`verify`](Self::verify).
    async fn final_head(&self) -> Result<u64, PortError>;

    /// All facts that the evidence proves, emitted by the hub's own contracts in a final block, in order.
    /// `Retry` where the block is not final yet, `Reject` where the evidence is wrong, `Halt` where a final block changed
    /// or no quorum of endpoints agrees.
    async fn verify(&self, evidence: &Evidence) -> Result<Vec<Verified<Fact>>, PortError>;

    /// State of the validator's own endpoints.
    async fn check(&self) -> Vec<Check>;
}
