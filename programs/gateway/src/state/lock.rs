use anchor_lang::prelude::*;

use crate::{
    addresses::{self, LOCK_SEED},
    errors::{ensure, GatewayError},
};

/// Where a lock stands. Every state but `Locked` is the last one.
#[derive(AnchorSerialize, AnchorDeserialize, InitSpace, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// Never written: the account exists only with another state.
    None,
    /// Holds its money.
    Locked,
    /// A COMMIT credited its payee.
    Released,
    /// An ABORT gave it back.
    Refunded,
    /// The timer gave it back.
    Escaped,
    /// Given up by its depositor before it was locked.
    Cancelled,
}

/// One lock. Its address contains the lock key, and the key the leg, so that everything else is passed again and checked.
/// Nobody can close it: a second lock under the same key would be a second payout.
#[account]
#[derive(InitSpace)]
pub struct Lock {
    /// Where it stands.
    pub state: LockState,
    /// Of its address.
    pub bump: u8,
    /// When an escape was asked for, Unix seconds; 0 before.
    pub escape_requested_at: u64,
}

impl Lock {
    /// Where the lock of this key is.
    pub fn address(&self, key: &[u8; 32]) -> Pubkey {
        addresses::of(&[LOCK_SEED, key], self.bump)
    }

    /// Refuses a lock that is not open.
    pub fn require_locked(&self) -> Result<()> {
        ensure!(self.state == LockState::Locked, GatewayError::NotLocked);
        Ok(())
    }
}
