//! What can be wrong with one endpoint.

use std::collections::BTreeMap;

/// How an endpoint lies about blocks that have events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Withholds the last event of the block; the header is true.
    OmitEvent,
    /// Repeats the last event of the block; the header is true.
    InventEvent,
    /// Repeats the last event and serves a header that fits: the endpoint's own fork of one block.
    ForgeBlock,
}

/// Faults of one endpoint. The default has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Answers nothing.
    pub is_dead: bool,
    /// Of 1,000 calls, how many fail.
    pub errors_per_mille: u16,
    /// How many blocks the endpoint lags behind.
    pub stale_blocks: u64,
    /// How it lies.
    pub lie: Option<Lie>,
    /// How many of the next transactions it takes and forgets. One alone leaves a nonce gap before those that follow.
    pub dropped_broadcasts: u32,
}

/// Faults that had an effect, by kind.
pub type FaultCounts = BTreeMap<&'static str, u64>;
