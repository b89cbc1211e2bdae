use anchor_lang::prelude::*;

use crate::{
    addresses::{self, Placed},
    errors::{ensure, GatewayError},
};

/// New messages are stopped.
pub const PAUSED_SEND: u8 = 1;
/// New locks are stopped.
pub const PAUSED_LOCK: u8 = 2;
/// New transfers out of this chain are stopped.
pub const PAUSED_BRIDGE: u8 = 4;

/// What this deployment is, and who may do what.
#[account]
#[derive(InitSpace)]
pub struct Config {
    /// The one hub that is believed.
    pub hub_id: [u8; 32],
    /// This chain on the wire.
    pub chain: u64,
    /// Opens chains and routes and sets prices and limits. To be a time-locked multisig.
    pub owner: Pubkey,
    /// Names a validator set on a chain that slept through its epoch. To be a time-locked multisig.
    pub recovery_owner: Pubkey,
    /// Stops what is new.
    pub guardian: Pubkey,
    /// Seconds for which a retired set's decisions still count: longer than the longest deal.
    pub grace: u64,
    /// Least seconds between asking for an escape and executing it.
    pub min_escape_window: u64,
    /// Most seconds that a deal's `lock_by` may lie ahead.
    pub max_lock_horizon: u64,
    /// The epoch whose set speaks now.
    pub current_epoch: u64,
    /// Fewest members of a set that can certify anything: with one, one stolen key is enough.
    pub min_validators: u16,
    /// Bits of `PAUSED_…`.
    pub paused: u8,
}

impl Placed for Config {
    fn address(&self) -> Pubkey {
        addresses::CONFIG
    }
}

impl Config {
    /// Refuses while the function of this bit is paused.
    pub fn require_open(&self, function: u8) -> Result<()> {
        ensure!(self.paused & function == 0, GatewayError::Paused);
        Ok(())
    }

    /// Refuses anyone but the owner.
    pub fn require_owner(&self, signer: &Signer) -> Result<()> {
        ensure!(signer.key == &self.owner, GatewayError::Unauthorized);
        Ok(())
    }

    /// Refuses anyone but the guardian, and the owner who can replace it.
    pub fn require_guardian(&self, signer: &Signer) -> Result<()> {
        ensure!(signer.key == &self.guardian || signer.key == &self.owner, GatewayError::Unauthorized);
        Ok(())
    }
}
