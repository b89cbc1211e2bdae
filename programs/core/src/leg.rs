//! Legs of deals, and what the escrow demands before it takes their money.

use thiserror::Error;

use crate::{Bytes32, hash::keccak};

/// Most legs of a deal, so that every index is below it.
pub const MAX_LEGS: u8 = 8;
/// Most seconds from `lock_by` to `escape_at`, and most of an escape's window: the longest deal that the hub accepts.
/// Without a bound the leg of a deal that nobody registered would be locked for as long as its times say.
pub const MAX_ESCAPE_SECONDS: u64 = 60 * 24 * 60 * 60;
/// Times beyond 40 bits (the year 36812) are a mistake, milliseconds most likely. Sums then fit in 64 bits.
pub const MAX_TIME: u64 = (1 << 40) - 1;

/// One lock on one chain inside a deal.
#[derive(Clone, Copy, Debug)]
pub struct Leg<'a> {
    /// Where it is locked.
    pub chain: u64,
    /// Who holds it.
    pub escrow: &'a Bytes32,
    /// What is locked, zero for the chain's native coin.
    pub token: &'a Bytes32,
    /// In the token's own unit.
    pub amount: u128,
    /// Who locks.
    pub depositor: &'a Bytes32,
    /// Whom a COMMIT pays.
    pub on_commit: &'a Bytes32,
    /// Whom an ABORT or an escape pays.
    pub on_abort: &'a Bytes32,
    /// From when an escape may be asked for, Unix seconds.
    pub escape_at: u64,
    /// Seconds from asking for an escape to executing it.
    pub escape_window: u64,
    /// Part of `amount` that the settler gets.
    pub tip: u128,
}

/// Why a leg is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LegError {
    /// No deal has so many legs.
    #[error("index {0} is not below {MAX_LEGS}")]
    Index(u8),
    /// Nothing would be left.
    #[error("the tip {tip} is not below the amount {amount}")]
    Amount {
        /// The amount.
        amount: u64,
        /// The tip.
        tip: u64,
    },
    /// Too late to lock.
    #[error("locking ended at {0}")]
    LockPassed(u64),
    /// The deal is too far ahead.
    #[error("lock_by {0} is too far ahead")]
    LockHorizon(u64),
    /// An escape that comes too early, too late, or leaves too little or too much time.
    #[error("escape_at {at} with window {window} is refused")]
    Escape {
        /// `escape_at`.
        at: u64,
        /// `escape_window`.
        window: u64,
    },
}

impl Leg<'_> {
    /// The digest of the leg with the last second at which it may be locked.
    pub fn hash(&self, lock_by: u64) -> Bytes32 {
        keccak(&[
            b"INFRASTRUKT/LEG/v1",
            &self.chain.to_be_bytes(),
            self.escrow,
            self.token,
            &self.amount.to_be_bytes(),
            self.depositor,
            self.on_commit,
            self.on_abort,
            &self.escape_at.to_be_bytes(),
            &self.escape_window.to_be_bytes(),
            &self.tip.to_be_bytes(),
            &lock_by.to_be_bytes(),
        ])
    }
}

/// Names one lock. It contains the leg itself, so that nobody can occupy another's slot with a different leg.
pub fn lock_key(deal_id: &Bytes32, index: u8, leg_hash: &Bytes32) -> Bytes32 {
    keccak(&[b"INFRASTRUKT/LOCK/v1", deal_id, &[index], leg_hash])
}

/// The digest of a deal's terms, as the hub computes it. `None` when it has more legs than a byte can count.
pub fn deal_id(
    hub_id: &Bytes32,
    nonce: &Bytes32,
    lock_by: u64,
    decide_by: u64,
    sign_by: u64,
    leg_hashes: &[Bytes32],
) -> Option<Bytes32> {
    let count = u8::try_from(leg_hashes.len()).ok()?;
    Some(keccak(&[
        b"INFRASTRUKT/DEAL/v1",
        hub_id,
        nonce,
        &lock_by.to_be_bytes(),
        &decide_by.to_be_bytes(),
        &sign_by.to_be_bytes(),
        &[count],
        leg_hashes.as_flattened(),
    ]))
}

/// Checks the place of a leg in its deal.
pub fn check_index(index: u8) -> Result<(), LegError> {
    if index < MAX_LEGS { Ok(()) } else { Err(LegError::Index(index)) }
}

/// Checks an amount and its tip. An amount of zero is refused with the rest, since every tip is below its amount.
pub fn check_amounts(amount: u64, tip: u64) -> Result<(), LegError> {
    if tip < amount { Ok(()) } else { Err(LegError::Amount { amount, tip }) }
}

/// Checks the times of a leg that is to be locked `now`.
pub fn check_times(
    now: u64,
    lock_by: u64,
    escape_at: u64,
    escape_window: u64,
    min_escape_window: u64,
    max_lock_horizon: u64,
) -> Result<(), LegError> {
    let ahead = lock_by.checked_sub(now).ok_or(LegError::LockPassed(lock_by))?;
    if ahead > max_lock_horizon {
        return Err(LegError::LockHorizon(lock_by));
    }
    let refused = LegError::Escape { at: escape_at, window: escape_window };
    let delay = escape_at.checked_sub(lock_by).ok_or(refused)?;
    let is_delay_sound = (1..=MAX_ESCAPE_SECONDS).contains(&delay);
    let is_window_sound = (min_escape_window..=MAX_ESCAPE_SECONDS).contains(&escape_window);
    if is_delay_sound && is_window_sound { Ok(()) } else { Err(refused) }
}
