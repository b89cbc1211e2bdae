//! Opening locks, and giving them up before they are opened.

use infrastrukt_ports::LockStatus;
use infrastrukt_types::{Account, Amount, DealId, FactKind, LegRef, LockKey, Timestamp, verify_share};

use super::Escrow;
use crate::{Ledger, Revert, leg_rules::check_recipient, lock_digest};

const SIGNATURE_LEN: usize = 65;

impl Escrow {
    /// Locks the caller's leg; `value` is the native coin that comes with the call.
    pub fn lock(
        &mut self,
        ledger: &mut Ledger,
        caller: Account,
        deal: DealId,
        leg: &LegRef,
        value: Amount,
        now: Timestamp,
    ) -> Result<FactKind, Revert> {
        self.require_open()?;
        self.rules.check(leg, now)?;
        let depositor = leg.leg.depositor;
        if depositor != caller {
            return Err(Revert::NotDepositor { caller, depositor });
        }
        self.open(ledger, deal, leg, Some(value))
    }

    /// As [`Self::lock`] where chain, escrow and depositor follow from the call, whatever the leg says.
    pub fn lock_compact(
        &mut self,
        ledger: &mut Ledger,
        caller: Account,
        deal: DealId,
        leg: &LegRef,
        value: Amount,
        now: Timestamp,
    ) -> Result<FactKind, Revert> {
        self.require_open()?;
        let mut own = leg.clone();
        (own.leg.chain, own.leg.escrow, own.leg.depositor) = (self.rules.here, self.rules.escrow, caller);
        self.rules.check_compact(&own, now)?;
        self.open(ledger, deal, &own, Some(value))
    }

    /// Locks for a depositor who signed [`lock_digest`]. Tokens only, by an allowance given before.
    pub fn lock_signed(
        &mut self,
        ledger: &mut Ledger,
        deal: DealId,
        leg: &LegRef,
        deadline: Timestamp,
        signature: &[u8],
        now: Timestamp,
    ) -> Result<FactKind, Revert> {
        self.require_open()?;
        if leg.leg.token.is_zero() {
            return Err(Revert::InvalidAddress(leg.leg.token));
        }
        self.rules.check(leg, now)?;
        if now > deadline {
            return Err(Revert::SignatureExpired(deadline));
        }
        let digest = lock_digest(self.hub_id, &self.rules, deal, leg, deadline);
        let signer = leg.leg.depositor.to_evm().map_err(|_| Revert::InvalidAddress(leg.leg.depositor))?;
        let signature: &[u8; SIGNATURE_LEN] = signature.try_into().map_err(|_| Revert::InvalidSignature)?;
        verify_share(signer, digest, signature).map_err(|_| Revert::InvalidSignature)?;
        self.open(ledger, deal, leg, None)
    }

    /// Gives up the caller's own lock before it is opened, for ever.
    pub fn cancel_lock(&mut self, caller: Account, deal: DealId, leg: &LegRef) -> Result<LockKey, Revert> {
        self.rules.check_place(&leg.leg)?;
        let depositor = leg.leg.depositor;
        check_recipient(depositor)?;
        if depositor != caller {
            return Err(Revert::NotDepositor { caller, depositor });
        }
        let key = leg.lock_key(deal);
        self.require_unused(key)?;
        self.cancelled.insert(key);
        Ok(key)
    }

    /// Records a lock and takes its money, or does neither. `value` came with the call; `None` where nothing can.
    fn open(
        &mut self,
        ledger: &mut Ledger,
        deal: DealId,
        leg: &LegRef,
        value: Option<Amount>,
    ) -> Result<FactKind, Revert> {
        let key = leg.lock_key(deal);
        self.require_unused(key)?;
        let (token, depositor, amount) = (leg.leg.token, leg.leg.depositor, leg.leg.amount);
        let required = if token.is_zero() { amount } else { Amount::ZERO };
        let value = value.unwrap_or_default();
        if value != required {
            return Err(Revert::WrongValue { given: value, required });
        }
        if token.is_zero() {
            ledger.send(token, depositor, self.rules.escrow, amount)?;
        } else {
            ledger.take(token, depositor, self.rules.escrow, amount)?;
        }
        self.locks.insert(key, LockStatus::Locked { escape_requested_at: None });
        Ok(FactKind::Locked { deal, index: leg.index, lock_key: key })
    }

    fn require_open(&self) -> Result<(), Revert> {
        if self.paused { Err(Revert::LockingPaused) } else { Ok(()) }
    }

    fn require_unused(&self, key: LockKey) -> Result<(), Revert> {
        if self.is_cancelled(key) {
            return Err(Revert::CancelledLock(key));
        }
        if self.status(key) == LockStatus::None { Ok(()) } else { Err(Revert::AlreadyLocked(key)) }
    }
}
