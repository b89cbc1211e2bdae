//! What a leg must satisfy before the escrow takes its money, and how its lock is opened.

use anchor_lang::prelude::*;
use infrastrukt_core::{leg, Bytes32};

use crate::{
    addresses::{is_nobody, LOCK_SEED},
    errors::{ensure, GatewayError},
    state::{Config, Lock, LockState},
    store,
    wire::Terms,
};

/// Refuses unless `depositor` may lock this leg here and now. Chain and escrow are part of the lock key and need no check.
pub fn check(terms: &Terms, config: &Config, depositor: &Pubkey, now: u64) -> Result<()> {
    ensure!(&terms.depositor == depositor, GatewayError::NotDepositor);
    // Money paid to the program itself would belong to nobody.
    ensure!(!is_nobody(&terms.on_commit) && !is_nobody(&terms.on_abort), GatewayError::InvalidPayee);
    leg::check_index(terms.index).map_err(GatewayError::from)?;
    leg::check_amounts(terms.amount, terms.tip).map_err(GatewayError::from)?;
    let (window, horizon) = (config.min_escape_window, config.max_lock_horizon);
    let times = leg::check_times(now, terms.lock_by, terms.escape_at, terms.escape_window, window, horizon);
    Ok(times.map_err(GatewayError::from)?)
}

/// Writes the first state of a lock, and the only one if it is `Cancelled`.
pub fn open<'info>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    key: &Bytes32,
    state: LockState,
) -> Result<()> {
    if !store::is_free(account) {
        return Err(why_used(account, key)?.into());
    }
    let bump = store::open(payer, account, &[LOCK_SEED, key], 8 + Lock::INIT_SPACE)?;
    store::write(account, &Lock { state, bump, escape_requested_at: 0 })
}

fn why_used(account: &AccountInfo<'_>, key: &Bytes32) -> Result<GatewayError> {
    let lock: Lock = store::read(account)?;
    ensure!(account.key == &lock.address(key), GatewayError::WrongAddress);
    Ok(match lock.state {
        LockState::Cancelled => GatewayError::CancelledLock,
        LockState::None | LockState::Locked | LockState::Released | LockState::Refunded | LockState::Escaped => {
            GatewayError::AlreadyLocked
        }
    })
}
