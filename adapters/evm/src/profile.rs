//! What distinguishes one EVM chain from another, as data.

use std::time::Duration;

use crate::config::{FeePolicy, Limits};

/// How the chain prices gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeMode {
    /// Base fee and tip (EIP-1559).
    Eip1559,
    /// One gas price.
    Legacy,
}

/// What kind of EVM chain it is. Each chain's crate has one constant of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Name of the kind, for logs.
    pub kind: &'static str,
    /// The block tag that stands for the chain's own finality rule.
    pub finality_tag: &'static str,
    /// How gas is priced.
    pub fee_mode: FeeMode,
    /// Time between two blocks.
    pub block_time: Duration,
    /// Blocks after which a transaction that should have been mined is paid better.
    pub stuck_blocks: u64,
    /// Blocks after which a transaction that is not mined is broadcast again.
    pub rebroadcast_blocks: u64,
    /// Bounds where a configuration names none.
    pub limits: Limits,
    /// Prices where a configuration names none.
    pub fees: FeePolicy,
}
