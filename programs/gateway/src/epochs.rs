//! How one validator set follows another.

use anchor_lang::prelude::*;

use crate::{
    addresses::EPOCH_SEED,
    errors::{ensure, GatewayError},
    state::{Config, Epoch},
    store,
};

/// Most seconds for which a new set may be given power: a set that never expires could never be recovered from.
pub const MAX_EPOCH_SECONDS: u64 = 400 * 24 * 60 * 60;

/// The set that is to begin.
pub struct Next {
    /// Its epoch.
    pub number: u64,
    /// Its hash.
    pub valset_hash: [u8; 32],
    /// When it loses all power.
    pub expires_at: u64,
}

/// Hands over from the current epoch. The next one may last as long as the one before it, which whoever deployed this may
/// have given more time: no epoch may expire before its predecessor.
pub fn hand_over<'info>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    config: &mut Config,
    current: &mut Epoch,
    next: Next,
    now: u64,
) -> Result<()> {
    let latest = now.saturating_add(MAX_EPOCH_SECONDS);
    ensure!(next.expires_at <= latest || next.expires_at <= current.expires_at, GatewayError::InvalidExpiry);
    current.retired_at = now;
    config.current_epoch = next.number;
    begin(payer, account, next, now)
}

/// Opens the account of an epoch that begins now. Its members are published later.
pub fn begin<'info>(payer: &AccountInfo<'info>, account: &AccountInfo<'info>, next: Next, now: u64) -> Result<()> {
    ensure!(next.valset_hash != [0; 32], GatewayError::WrongValidatorSet);
    ensure!(next.expires_at > now, GatewayError::InvalidExpiry);
    let bump = store::open(payer, account, &[EPOCH_SEED, &next.number.to_le_bytes()], Epoch::HEAD)?;
    let epoch = Epoch {
        number: next.number,
        valset_hash: next.valset_hash,
        retired_at: 0,
        expires_at: next.expires_at,
        count: 0,
        bump,
    };
    store::write(account, &epoch)
}
