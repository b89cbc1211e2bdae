//! BSC: what distinguishes it from other EVM chains.
//!
//! Blocks come every 0.45 seconds and are final about a second later by vote attestations (BEP-126); when votes fail the
//! finality tag stands still, and so does reading. There is no base fee, so gas is priced as legacy gas. A verifier of
//! Parlia attestations plugs in as another `HeaderSource` of [`infrastrukt_evm::EvmChain`].

use infrastrukt_evm::{Context, EvmChain, EvmConfig, FeeMode, FeePolicy, Limits, Profile};
use infrastrukt_ports::PortError;
use std::time::Duration;

/// One gwei in wei.
const GWEI: u128 = 1_000_000_000;

/// BSC's kind of chain.
pub const PROFILE: Profile = Profile {
    kind: "bsc",
    finality_tag: "finalized",
    fee_mode: FeeMode::Legacy,
    block_time: Duration::from_millis(450),
    stuck_blocks: 20,
    rebroadcast_blocks: 40,
    limits: LIMITS,
    fees: FEES,
};

/// Bounds that suit many small blocks: about 27 headers for each of Ethereum's.
const LIMITS: Limits = Limits {
    scan_blocks_max: 1_024,
    batch_max: 100,
    response_bytes_max: 64 << 20,
    request_timeout: Duration::from_secs(15),
    tx_gas_max: 1 << 24,
    in_flight_max: 64,
};

/// Prices that an operator may lower.
const FEES: FeePolicy = FeePolicy { max_fee_per_gas_wei: 20 * GWEI, min_tip_wei: GWEI / 20 };

/// Puts the chain together.
pub fn connect(config: EvmConfig, context: Context) -> Result<EvmChain, PortError> {
    EvmChain::new(config, context)
}
