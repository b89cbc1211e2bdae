//! The state that both sides must share, word by word.

use alloy_primitives::{B256, U256};
use infrastrukt_ports::LockStatus;
use infrastrukt_types::{Account, Amount, DealId, Epoch, LegRef, LockKey};

use crate::{
    evm::{Evm, entry},
    op::{Call, Op},
    reference::Reference,
    world::World,
};

/// Locks, accounts and epochs that are looked at.
pub(crate) struct Watched<'a> {
    world: &'a World,
    holders: Vec<Account>,
    keys: Vec<LockKey>,
}

/// The state byte of a lock on the chain.
mod state {
    pub(super) const LOCKED: u64 = 1;
    pub(super) const RELEASED: u64 = 2;
    pub(super) const REFUNDED: u64 = 3;
    pub(super) const ESCAPED: u64 = 4;
    pub(super) const CANCELLED: u64 = 5;
}

fn same(what: impl FnOnce() -> String, on_chain: U256, expected: U256) -> Result<(), String> {
    if on_chain == expected { Ok(()) } else { Err(format!("{}: chain {on_chain}, reference {expected}", what())) }
}

fn word(amount: Amount) -> U256 {
    U256::from(amount.0)
}

fn number_key(value: u64) -> B256 {
    U256::from(value).into()
}

impl<'a> Watched<'a> {
    pub(crate) fn new(world: &'a World, keys: Vec<LockKey>) -> Self {
        Self { world, holders: world.holders(), keys }
    }

    /// Watches the locks that a call may change from now on.
    pub(crate) fn add(&mut self, op: &Op) {
        match &op.call {
            Call::LockCompact { deal, leg, .. } => {
                let mut own = leg.clone();
                (own.leg.chain, own.leg.escrow) = (self.world.rules.here, self.world.escrow);
                own.leg.depositor = op.caller;
                self.add_leg(*deal, &own);
            }
            Call::Lock { deal, leg, .. }
            | Call::LockSigned { deal, leg, .. }
            | Call::CancelLock { deal, leg }
            | Call::RequestEscape { deal, leg }
            | Call::ExecuteEscape { deal, leg } => self.add_leg(*deal, leg),
            Call::Settle { settlements, .. } => {
                for (deal, _, legs) in settlements {
                    legs.iter().for_each(|leg| self.add_leg(*deal, leg));
                }
            }
            Call::WithdrawCredit { .. }
            | Call::SetLocksPaused(_)
            | Call::SetGuardian(_)
            | Call::Rotate { .. }
            | Call::Recover { .. }
            | Call::Approve { .. } => {}
        }
    }

    fn add_leg(&mut self, deal: DealId, leg: &LegRef) {
        let key = leg.lock_key(deal);
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }

    pub(crate) fn compare(&self, evm: &Evm, reference: &Reference) -> Result<(), String> {
        self.locks(evm, reference)?;
        self.money(evm, reference)?;
        self.roles(evm, reference)?;
        self.epochs(evm, reference)
    }

    fn locks(&self, evm: &Evm, reference: &Reference) -> Result<(), String> {
        let mapping = U256::from(evm.layout.locks);
        for key in &self.keys {
            let on_chain = evm.storage(self.world.escrow, entry(key.0, mapping));
            let (byte, requested_at) = match reference.escrow.status(*key) {
                LockStatus::None if reference.escrow.is_cancelled(*key) => (state::CANCELLED, None),
                LockStatus::None => (0, None),
                LockStatus::Locked { escape_requested_at } => {
                    (state::LOCKED, Some(escape_requested_at.map_or(0, |at| at.0)))
                }
                LockStatus::Released => (state::RELEASED, None),
                LockStatus::Refunded => (state::REFUNDED, None),
                LockStatus::Escaped => (state::ESCAPED, None),
            };
            same(|| format!("state of lock {key}"), on_chain & U256::from(0xff_u64), U256::from(byte))?;
            // A closed lock keeps the time of a request that nobody reads any more.
            if let Some(at) = requested_at {
                same(|| format!("escape of lock {key}"), on_chain >> 8, U256::from(at))?;
            }
        }
        Ok(())
    }

    fn money(&self, evm: &Evm, reference: &Reference) -> Result<(), String> {
        let World { token, escrow, .. } = self.world;
        let (balances, credits) = (U256::from(evm.layout.token_balances), U256::from(evm.layout.credits));
        for holder in &self.holders {
            let expected = reference.ledger.balance(Account::ZERO, *holder);
            same(|| format!("coins of {holder}"), evm.native(*holder), word(expected))?;
            let expected = reference.ledger.balance(*token, *holder);
            same(|| format!("tokens of {holder}"), evm.storage(*token, entry(holder.0, balances)), word(expected))?;
            let by_token = entry(holder.0, credits);
            for asset in [Account::ZERO, *token] {
                let on_chain = evm.storage(*escrow, entry(asset.0, by_token));
                same(|| format!("credit of {holder}"), on_chain, word(reference.escrow.credit(*holder, asset)))?;
            }
        }
        Ok(())
    }

    /// Pause flag and guardian share a slot.
    fn roles(&self, evm: &Evm, reference: &Reference) -> Result<(), String> {
        let on_chain = evm.storage(self.world.escrow, U256::from(evm.layout.paused));
        let guardian = U256::from_be_bytes(reference.escrow.guardian().0.0);
        same(|| "pause and guardian".into(), on_chain, (guardian << 8) | U256::from(u64::from(reference.escrow.paused)))
    }

    fn epochs(&self, evm: &Evm, reference: &Reference) -> Result<(), String> {
        let verifier = self.world.verifier;
        let current = reference.epochs.current().0;
        let on_chain = evm.storage(verifier, U256::from(evm.layout.current_epoch));
        same(|| "current epoch".into(), on_chain, U256::from(current))?;
        for epoch in 0..=current.saturating_add(1) {
            let at = entry(number_key(epoch), U256::from(evm.layout.epochs));
            let record = reference.epochs.record(Epoch(epoch));
            let hash = record.map_or(U256::ZERO, |record| record.valset_hash.into());
            let times = record.map_or(U256::ZERO, |record| {
                let retired_at = record.retired_at.map_or(0, |at| at.0);
                (U256::from(record.expires_at.0) << 64) | U256::from(retired_at)
            });
            same(|| format!("set of epoch {epoch}"), evm.storage(verifier, at), hash)?;
            same(|| format!("times of epoch {epoch}"), evm.storage(verifier, at + U256::from(1u64)), times)?;
        }
        Ok(())
    }
}
