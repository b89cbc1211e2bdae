use anchor_lang::prelude::*;

use crate::addresses::{self, Placed, CHECKPOINT_SEED};

/// A checkpoint whose certificate has been verified, or is being verified over several transactions. Its address
/// contains the digest, and the digest every field of the checkpoint, so that it can be closed and verified anew.
#[account]
#[derive(InitSpace)]
pub struct Checkpoint {
    /// What validators signed.
    pub digest: [u8; 32],
    /// General, commits or rotation.
    pub kind: u8,
    /// The epoch that speaks.
    pub epoch: u64,
    /// Height of the hub's block.
    pub height: u64,
    /// Hub time, Unix seconds.
    pub time: u64,
    /// Root of the leaves.
    pub outbox_root: [u8; 32],
    /// Weight of the signatures counted.
    pub signed_weight: u128,
    /// Bit i: the signature of member i is counted.
    pub signed: u32,
    /// More than two thirds of the weight have signed.
    pub verified: bool,
    /// Unix seconds.
    pub opened_at: u64,
    /// Gets the rent back.
    pub payer: Pubkey,
    /// Of its address.
    pub bump: u8,
}

impl Placed for Checkpoint {
    fn address(&self) -> Pubkey {
        addresses::of(&[CHECKPOINT_SEED, &self.digest], self.bump)
    }
}
