use anchor_lang::prelude::*;

use crate::addresses::{self, Placed, NOTICE_SEED};

/// A message of this chain that expired undelivered, for its sender, who reads it and closes it in one transaction. No
/// inbox: its payload is the sender's own, and must never pass for one that the other side sent.
#[account]
pub struct Notice {
    /// Of its address.
    pub bump: u8,
    /// The message's id.
    pub id: [u8; 32],
    /// Where it was to go.
    pub chain: u64,
    /// Who sent it, who may consume the notice.
    pub sender: Pubkey,
    /// Whom it was for.
    pub recipient: [u8; 32],
    /// Gets the rent back.
    pub payer: Pubkey,
    /// Last second at which it could be delivered, by the target's clock.
    pub deadline: u64,
    /// When it was sent.
    pub timestamp: u64,
    /// What was said.
    pub payload: Vec<u8>,
}

impl Placed for Notice {
    fn address(&self) -> Pubkey {
        addresses::of(&[NOTICE_SEED, &self.id], self.bump)
    }
}

impl Notice {
    /// Bytes of the account.
    pub fn space(payload_bytes: usize) -> usize {
        8 + 1 + 32 + 8 + 32 + 32 + 32 + 8 + 8 + 4 + payload_bytes
    }
}
