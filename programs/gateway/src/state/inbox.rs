use anchor_lang::prelude::*;

use crate::addresses::{self, Placed, INBOX_SEED};

/// A message that has arrived and waits for its recipient, who reads it and closes it in one transaction. A program
/// cannot catch a failed call of another, so that a recipient is never called: it comes by itself, and fails alone.
#[account]
pub struct Inbox {
    /// Of its address.
    pub bump: u8,
    /// The message's id.
    pub id: [u8; 32],
    /// Where it comes from.
    pub chain: u64,
    /// Who sent it there.
    pub sender: [u8; 32],
    /// Whom it is for, who may consume it.
    pub recipient: Pubkey,
    /// Gets the rent back.
    pub payer: Pubkey,
    /// Last second at which it could be delivered, 0 for none. A recipient that means it compares it with the time at
    /// which it reads, which somebody else may choose.
    pub deadline: u64,
    /// When it was sent, by its source's clock.
    pub timestamp: u64,
    /// What is said.
    pub payload: Vec<u8>,
}

impl Placed for Inbox {
    fn address(&self) -> Pubkey {
        addresses::of(&[INBOX_SEED, &self.id], self.bump)
    }
}

impl Inbox {
    /// Bytes of the account.
    pub fn space(payload_bytes: usize) -> usize {
        8 + 1 + 32 + 8 + 32 + 32 + 32 + 8 + 8 + 4 + payload_bytes
    }
}
