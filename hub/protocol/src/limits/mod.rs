//! Bounds of everything that enters the hub, and the checks that enforce them.

mod deadlines;
mod deal;
mod message;

pub use deadlines::{DealTerms, LegTerms, deadlines};
pub use deal::{DealRefusal, check_deal};
pub use message::{MessageRefusal, check_message};

/// Most entries of one block.
pub const TXS_PER_BLOCK_MAX: usize = 512;

/// Most leaves of one checkpoint, whatever its kind; the rest follow in the next blocks. A proof has eleven nodes at most
/// then: a longer one does not fit a transaction of Solana, which has 1,232 bytes, beside a message of 256 bytes.
pub const CHECKPOINT_LEAVES_MAX: usize = 2_048;

/// Most facts of one attestation.
pub const FACTS_PER_ATTESTATION_MAX: usize = 128;

/// Most bytes of a message's payload. The gateways' own caps must not exceed it.
pub const PAYLOAD_MAX: usize = 32 * 1024;

/// Most gas a message's handler may ask for. The gateways' own caps must not exceed it.
pub const GAS_LIMIT_MAX: u64 = 10_000_000;

/// Most deals without a decision at a time.
pub const OPEN_DEALS_MAX: u32 = 100_000;

/// Most facts that one validator may have attested to and that are not proven yet. A liar fills its own share only.
pub const PENDING_FACTS_PER_VALIDATOR_MAX: u32 = 20_000;

/// Seconds of hub time for which votes on a fact wait for a quorum. Afterwards they are forgotten, so that votes which
/// lead nowhere take no room for ever; evidence that is offered again is voted on again.
pub const TALLY_LIFE_S: u64 = 24 * 3_600;

/// Most facts whose votes one block forgets; the rest follow in the next ones.
pub const TALLIES_FORGOTTEN_PER_BLOCK_MAX: usize = 256;

/// A tip is at most one part in this many of its leg's amount. Whoever settles earns it on ABORT as well, so that a tip
/// near the amount would leave a depositor nothing of its own refund.
pub const TIP_PART: u128 = 10;

/// Most deals that time moves in one block; the rest follow in the next ones.
pub const DUE_DEALS_PER_BLOCK_MAX: usize = 1_024;

/// Most uncertified checkpoints whose leaves one block wants again.
pub const REISSUED_CHECKPOINTS_PER_BLOCK_MAX: usize = 16;

/// Most messages, and most deals, whose leaves one block wants again after a change of epoch.
pub const SWEPT_PER_BLOCK_MAX: usize = 512;

/// Most seconds for which a new set may be given power, unless the epoch before it lasts longer. Less than the 400 days
/// of the verifiers, whose clocks differ from the hub's: what they refuse would leave their chains behind.
pub const EPOCH_SPAN_MAX_S: u64 = 390 * 24 * 3_600;

/// Most members of a validator set.
pub const VALIDATORS_MAX: usize = 100;

/// The same while a chain is registered that is no EVM chain: such a chain keeps the members themselves, and a set that it
/// cannot keep would silence the hub there until its recovery.
pub const KEPT_VALIDATORS_MAX: usize = 32;

/// Most registered chains.
pub const CHAINS_MAX: usize = 64;

/// Most bytes of the hub's name.
pub const NAME_MAX: usize = 64;

/// Furthest two legs' `escape_at` may lie apart, in seconds.
pub const ESCAPE_SPREAD_MAX_S: u64 = 3_600;

/// Most seconds from a deal's registration to its last possible escape. Verifiers accept the decisions of a retired
/// epoch for longer than this.
pub const DEAL_SPAN_MAX_S: u64 = 60 * 24 * 3_600;

/// Most seconds of any single time in the genesis.
pub const TIMING_MAX_S: u64 = 30 * 24 * 3_600;

/// Times above are a mistake (milliseconds, most likely); the escrows refuse them too. Sums stay far below 2^64.
pub const TIME_MAX: u64 = (1 << 40) - 1;
