//! Ethereum: what distinguishes it from other EVM chains.
//!
//! Finalized is about two epochs back, 13 to 19 minutes while validators vote, and without bound when they do not: it is
//! asked for by tag and never counted. Gas is priced by base fee and tip. A verifier of sync-committee signatures plugs in
//! as another `HeaderSource` of [`infrastrukt_evm::EvmChain`].

use infrastrukt_evm::{Context, EvmChain, EvmConfig, FeeMode, FeePolicy, Limits, Profile};
use infrastrukt_ports::PortError;
use std::time::Duration;

/// One gwei in wei.
const GWEI: u128 = 1_000_000_000;

/// Ethereum's kind of chain.
pub const PROFILE: Profile = Profile {
    kind: "ethereum",
    finality_tag: "finalized",
    fee_mode: FeeMode::Eip1559,
    block_time: Duration::from_secs(12),
    stuck_blocks: 5,
    rebroadcast_blocks: 10,
    limits: LIMITS,
    fees: FEES,
};

/// Bounds that suit Ethereum's blocks: 2^24 gas a transaction (EIP-7825), receipts of some megabytes a block.
const LIMITS: Limits = Limits {
    scan_blocks_max: 256,
    batch_max: 50,
    response_bytes_max: 64 << 20,
    request_timeout: Duration::from_secs(15),
    tx_gas_max: 1 << 24,
    in_flight_max: 64,
};

/// Prices that an operator may lower.
const FEES: FeePolicy = FeePolicy { max_fee_per_gas_wei: 300 * GWEI, min_tip_wei: GWEI / 100 };

/// Puts the chain together.
pub fn connect(config: EvmConfig, context: Context) -> Result<EvmChain, PortError> {
    EvmChain::new(config, context)
}
