use anchor_lang::prelude::*;
use infrastrukt_core::bucket::Bucket;

use crate::{
    addresses::{self, Placed, ASSET_SEED},
    errors::GatewayError,
};

/// A token that this program can hold: checked once for hostile extensions, with its vaults and outflow limit.
///
/// It has two buckets of one size: one for what arrives, one for what is given back. With one for both, whoever lets its
/// own transfers expire and takes them back would use up what others wait for, and lose nothing.
#[account]
#[derive(InitSpace)]
pub struct Asset {
    /// Zero for SOL.
    pub mint: Pubkey,
    /// Zero for SOL.
    pub token_program: Pubkey,
    /// As they were when it was opened.
    pub decimals: u8,
    /// Of its address.
    pub bump: u8,
    /// Associated account of the escrow's purse; zero for SOL.
    pub escrow_vault: Pubkey,
    /// Associated account of the bridge's purse; zero for SOL.
    pub bridge_vault: Pubkey,
    /// The chain for which it is minted here; 0 for none.
    pub home: u64,
    /// Most that flows out of either bucket at once, in the token's own unit.
    pub capacity: u64,
    /// Seconds in which an empty bucket fills.
    pub window: u64,
    /// Used of what arrives.
    pub arrivals_used: u64,
    /// When that was counted.
    pub arrivals_at: u64,
    /// Used of what is given back.
    pub returns_used: u64,
    /// When that was counted.
    pub returns_at: u64,
}

impl Placed for Asset {
    fn address(&self) -> Pubkey {
        addresses::of(&[ASSET_SEED, self.mint.as_ref()], self.bump)
    }
}

impl Asset {
    /// An asset of no vault, home or limit yet: nothing flows out before a limit is set.
    pub fn new(mint: Pubkey, token_program: Pubkey, decimals: u8, bump: u8) -> Self {
        Self {
            mint,
            token_program,
            decimals,
            bump,
            escrow_vault: Pubkey::default(),
            bridge_vault: Pubkey::default(),
            home: 0,
            capacity: 0,
            window: 0,
            arrivals_used: 0,
            arrivals_at: 0,
            returns_used: 0,
            returns_at: 0,
        }
    }

    /// Whether it is SOL.
    pub fn is_native(&self) -> bool {
        self.mint == Pubkey::default()
    }

    /// Counts what arrives.
    pub fn consume_arrivals(&mut self, now: u64, amount: u64) -> Result<()> {
        let bucket = self.consume(self.arrivals(), now, amount)?;
        (self.arrivals_used, self.arrivals_at) = (bucket.used, bucket.at);
        Ok(())
    }

    /// Counts what is given back.
    pub fn consume_returns(&mut self, now: u64, amount: u64) -> Result<()> {
        let bucket = self.consume(self.returns(), now, amount)?;
        (self.returns_used, self.returns_at) = (bucket.used, bucket.at);
        Ok(())
    }

    /// Sets the limit. What has flowed out stays counted at the old rate up to `now`.
    pub fn set_limit(&mut self, now: u64, capacity: u64, window: u64) {
        let arrivals = self.arrivals().synced(now, self.capacity, self.window);
        let returns = self.returns().synced(now, self.capacity, self.window);
        (self.arrivals_used, self.arrivals_at) = (arrivals.used, arrivals.at);
        (self.returns_used, self.returns_at) = (returns.used, returns.at);
        (self.capacity, self.window) = (capacity, window);
    }

    fn consume(&self, bucket: Bucket, now: u64, amount: u64) -> Result<Bucket> {
        Ok(bucket.consume(now, self.capacity, self.window, amount).ok_or(GatewayError::OutflowLimit)?)
    }

    fn arrivals(&self) -> Bucket {
        Bucket { used: self.arrivals_used, at: self.arrivals_at }
    }

    fn returns(&self) -> Bucket {
        Bucket { used: self.returns_used, at: self.returns_at }
    }
}
