//! What a leg must satisfy before its escrow takes money, check by check in the order of the contract.

use infrastrukt_types::{Account, Amount, ChainId, LEGS_MAX, Leg, LegRef, Timestamp};

use crate::Revert;

/// Most seconds from `lock_by` to `escape_at`, and most of an escape's window: the longest deal that the hub accepts.
const ESCAPE_MAX_S: u64 = 60 * 24 * 3600;

/// Where an escrow is and what it asks of legs.
#[derive(Clone, Copy, Debug)]
pub struct LegRules {
    /// The escrow's chain.
    pub here: ChainId,
    /// The escrow.
    pub escrow: Account,
    /// Shortest time between asking for an escape and executing it, in seconds.
    pub escape_window_min: u64,
    /// Longest way to a deal's `lock_by`, in seconds.
    pub lock_horizon_max: u64,
}

impl LegRules {
    /// Fails unless the leg may be locked here and now.
    pub(crate) fn check(&self, leg: &LegRef, now: Timestamp) -> Result<(), Revert> {
        let terms = &leg.leg;
        self.check_place(terms)?;
        check_address(terms.token)?;
        for account in [terms.depositor, terms.on_commit, terms.on_abort] {
            check_recipient(account)?;
        }
        self.check_payees(terms)?;
        check_amounts(terms)?;
        self.check_times(leg, now)?;
        check_index(leg.index)
    }

    /// As [`Self::check`] for the call that leaves out chain, escrow and depositor, which has an order of its own.
    pub(crate) fn check_compact(&self, leg: &LegRef, now: Timestamp) -> Result<(), Revert> {
        check_index(leg.index)?;
        check_amounts(&leg.leg)?;
        self.check_payees(&leg.leg)?;
        self.check_times(leg, now)
    }

    /// Fails unless the leg belongs on this chain and in this escrow.
    pub(crate) fn check_place(&self, terms: &Leg) -> Result<(), Revert> {
        if terms.chain != self.here {
            return Err(Revert::WrongChain { given: terms.chain, here: self.here });
        }
        if terms.escrow != self.escrow {
            return Err(Revert::WrongEscrow(terms.escrow));
        }
        Ok(())
    }

    /// Money paid to the escrow itself would belong to nobody.
    fn check_payees(&self, terms: &Leg) -> Result<(), Revert> {
        let payees = [terms.on_commit, terms.on_abort];
        let wrong = payees.into_iter().find(|payee| payee.is_zero() || *payee == self.escrow);
        wrong.map_or(Ok(()), |payee| Err(Revert::InvalidAddress(payee)))
    }

    fn check_times(&self, leg: &LegRef, now: Timestamp) -> Result<(), Revert> {
        let (lock_by, escape_at, escape_window) = (leg.lock_by, leg.leg.escape_at, leg.leg.escape_window);
        let ahead_s = lock_by.0.checked_sub(now.0).ok_or(Revert::LockPassed { lock_by, now })?;
        if ahead_s > self.lock_horizon_max {
            return Err(Revert::LockHorizon { lock_by, latest: now.plus(self.lock_horizon_max) });
        }
        let after_s = escape_at.0.saturating_sub(lock_by.0);
        let is_escape_near = (1..=ESCAPE_MAX_S).contains(&after_s);
        if !is_escape_near || !(self.escape_window_min..=ESCAPE_MAX_S).contains(&escape_window) {
            return Err(Revert::InvalidEscape { escape_at, escape_window });
        }
        Ok(())
    }
}

/// The zero account as a token is the native coin.
fn check_address(account: Account) -> Result<(), Revert> {
    account.to_evm().map(drop).map_err(|_| Revert::InvalidAddress(account))
}

/// An address that can own something.
pub(crate) fn check_recipient(account: Account) -> Result<(), Revert> {
    if account.is_zero() { Err(Revert::InvalidAddress(account)) } else { check_address(account) }
}

/// An amount of zero is refused with the rest, since every tip is below its amount.
fn check_amounts(terms: &Leg) -> Result<(), Revert> {
    let (amount, tip): (Amount, Amount) = (terms.amount, terms.tip);
    if tip >= amount { Err(Revert::InvalidAmount { amount, tip }) } else { Ok(()) }
}

fn check_index(index: u8) -> Result<(), Revert> {
    if usize::from(index) >= LEGS_MAX { Err(Revert::InvalidIndex(index)) } else { Ok(()) }
}
