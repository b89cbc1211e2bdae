//! Ordering of the hub's log.

use async_trait::async_trait;
use infrastrukt_types::{Block, Height, HubTx};

use crate::PortError;

/// Orders entries into blocks. An in-process leader implements it now, a BFT engine next.
#[async_trait]
pub trait Consensus: Send + Sync {
    /// Offers an entry. It may be lost before it is decided: whoever offers it watches for its effect and offers again.
    async fn submit(&self, tx: HubTx) -> Result<(), PortError>;

    /// Waits for the decided block of this height. A decided block is durable at a quorum and never changes. Dropped
    /// while it waits, it loses nothing but time: whoever asks for a height again, how often ever and from whichever
    /// task, gets the very same block.
    async fn decided(&self, height: Height) -> Result<Block, PortError>;
}
