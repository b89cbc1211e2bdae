use anchor_lang::prelude::*;

/// The money of deals.
pub const PURSE_ESCROW: u8 = 0;
/// The money of the token bridge.
pub const PURSE_BRIDGE: u8 = 1;
/// Fees.
pub const PURSE_FEES: u8 = 2;

/// Holds SOL above its own rent, and signs for the token accounts of the same money. The three never mix.
#[account]
#[derive(InitSpace)]
pub struct Purse {
    /// `PURSE_…`.
    pub kind: u8,
}
