//! The escrow contract: holds legs, learns one bit per deal, and pays only where the depositor said.

use infrastrukt_ports::{CertifiedLeaves, LockStatus};
use infrastrukt_types::{
    Account, Amount, ChainId, CheckpointKind, DealId, Decision, FactKind, LEGS_MAX, Leaf, LegRef, LockKey, Timestamp,
};
use std::collections::BTreeMap;

use crate::{Environment, Epochs, Event, Ledger, Revert, epochs::prove};

/// Legs that one settlement may name.
const SETTLED_LEGS_MAX: usize = 256;
/// Times beyond 40 bits are a mistake.
const TIME_MAX: u64 = (1 << 40) - 1;

/// One deal's decision with its legs on this chain.
pub(crate) type Settlement = (DealId, Decision, Vec<LegRef>);

/// Who pays and is paid beside the escrow itself.
pub(crate) struct Money<'a> {
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) environment: &'a Environment,
}

/// The contract's state.
#[derive(Clone, Debug)]
pub struct Escrow {
    here: ChainId,
    address: Account,
    escape_window_min: u64,
    lock_horizon_max: u64,
    /// Stops new locks and nothing else. Public so that a test can pause.
    pub paused: bool,
    locks: BTreeMap<LockKey, LockStatus>,
    credits: BTreeMap<(Account, Account), Amount>,
}

impl Escrow {
    /// An empty escrow with its shortest escape window and its longest way to a deal's `lock_by`, in seconds.
    pub fn new(here: ChainId, address: Account, escape_window_min: u64, lock_horizon_max: u64) -> Self {
        let (locks, credits) = (BTreeMap::new(), BTreeMap::new());
        Self { here, address, escape_window_min, lock_horizon_max, paused: false, locks, credits }
    }

    /// The state of a lock.
    pub fn status(&self, key: LockKey) -> LockStatus {
        self.locks.get(&key).copied().unwrap_or(LockStatus::None)
    }

    /// What the escrow owes an account.
    pub fn credit(&self, account: Account, token: Account) -> Amount {
        self.credits.get(&(account, token)).copied().unwrap_or_default()
    }

    pub(crate) fn lock(
        &mut self,
        ledger: &mut Ledger,
        caller: Account,
        deal: DealId,
        leg: &LegRef,
        value: Amount,
        now: Timestamp,
    ) -> Result<FactKind, Revert> {
        if self.paused {
            return Err(Revert::LockingPaused);
        }
        self.check_place(leg)?;
        self.check_parties(leg)?;
        self.check_times(leg, now)?;
        let terms = &leg.leg;
        if terms.depositor != caller {
            return Err(Revert::NotDepositor { caller, depositor: terms.depositor });
        }
        let key = leg.lock_key(deal);
        if self.status(key) != LockStatus::None {
            return Err(Revert::AlreadyLocked(key));
        }
        let required = if terms.token.is_zero() { terms.amount } else { Amount::ZERO };
        if value != required {
            return Err(Revert::WrongValue { given: value, required });
        }
        if terms.token.is_zero() {
            ledger.require(Account::ZERO, caller, value)?;
            ledger.send(Account::ZERO, caller, self.address, value)?;
        } else {
            ledger.take(terms.token, caller, self.address, terms.amount)?;
        }
        self.locks.insert(key, LockStatus::Locked { escape_requested_at: None });
        Ok(FactKind::Locked { deal, index: leg.index, lock_key: key })
    }

    pub(crate) fn settle(
        &mut self,
        epochs: &Epochs,
        mut money: Money<'_>,
        caller: Account,
        certified: &CertifiedLeaves,
        settlements: &[Settlement],
        now: Timestamp,
    ) -> Result<Vec<Event>, Revert> {
        let decision = verify_decisions(epochs, certified, settlements, now)?;
        let (mut events, closed) = self.close(settlements, decision)?;
        let mut tips: Option<(Account, Amount)> = None;
        for leg in closed {
            let terms = &leg.leg;
            let payee = match decision {
                Decision::Commit => terms.on_commit,
                Decision::Abort => terms.on_abort,
            };
            let share = terms.amount.checked_sub(terms.tip).expect("a lock has a tip below its amount");
            self.pay_out(&mut money, &mut events, terms.token, payee, share);
            tips = Some(match tips {
                Some((token, sum)) if token == terms.token => {
                    (token, sum.checked_add(terms.tip).expect("within supply"))
                }
                previous => {
                    self.pay_tips(&mut money, &mut events, previous, caller);
                    (terms.token, terms.tip)
                }
            });
        }
        self.pay_tips(&mut money, &mut events, tips, caller);
        Ok(events)
    }

    pub(crate) fn request_escape(&mut self, deal: DealId, leg: &LegRef, now: Timestamp) -> Result<Event, Revert> {
        let key = leg.lock_key(deal);
        match self.status(key) {
            LockStatus::Locked { escape_requested_at: None } => {}
            LockStatus::Locked { escape_requested_at: Some(_) } => return Err(Revert::EscapeAlreadyRequested(key)),
            LockStatus::None | LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped => {
                return Err(Revert::NotLocked(key));
            }
        }
        if now < leg.leg.escape_at {
            return Err(Revert::EscapeNotYet { now, executable_at: leg.leg.escape_at });
        }
        self.locks.insert(key, LockStatus::Locked { escape_requested_at: Some(now) });
        Ok(Event::EscapeRequested { lock_key: key, executable_at: now.plus(leg.leg.escape_window) })
    }

    pub(crate) fn execute_escape(
        &mut self,
        mut money: Money<'_>,
        deal: DealId,
        leg: &LegRef,
        now: Timestamp,
    ) -> Result<Vec<Event>, Revert> {
        let key = leg.lock_key(deal);
        let requested_at = match self.status(key) {
            LockStatus::Locked { escape_requested_at: Some(at) } => at,
            LockStatus::Locked { escape_requested_at: None } => return Err(Revert::EscapeNotRequested(key)),
            LockStatus::None | LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped => {
                return Err(Revert::NotLocked(key));
            }
        };
        let executable_at = requested_at.plus(leg.leg.escape_window);
        if now < executable_at {
            return Err(Revert::EscapeNotYet { now, executable_at });
        }
        self.locks.insert(key, LockStatus::Escaped);
        let mut events = vec![Event::Fact(FactKind::Escaped { deal, index: leg.index, lock_key: key })];
        self.pay_out(&mut money, &mut events, leg.leg.token, leg.leg.on_abort, leg.leg.amount);
        Ok(events)
    }

    pub(crate) fn withdraw(&mut self, money: Money<'_>, token: Account, account: Account) -> Result<Event, Revert> {
        let amount = self.credit(account, token);
        if amount == Amount::ZERO {
            return Err(Revert::NoCredit { account, token });
        }
        if money.environment.refusing_payees.contains(&account) {
            return Err(Revert::TransferFailed);
        }
        money.ledger.send(token, self.address, account, amount)?;
        self.credits.remove(&(account, token));
        Ok(Event::CreditWithdrawn { account, token, amount })
    }

    /// Closes every named leg that is locked, before anything is paid.
    fn close<'a>(
        &mut self,
        settlements: &'a [Settlement],
        decision: Decision,
    ) -> Result<(Vec<Event>, Vec<&'a LegRef>), Revert> {
        if settlements.iter().map(|(_, _, legs)| legs.len()).sum::<usize>() > SETTLED_LEGS_MAX {
            return Err(Revert::TooManyLegs(SETTLED_LEGS_MAX));
        }
        let end = match decision {
            Decision::Commit => LockStatus::Released,
            Decision::Abort => LockStatus::Refunded,
        };
        let (mut events, mut closed) = (Vec::new(), Vec::new());
        for (deal, leg) in settlements.iter().flat_map(|(deal, _, legs)| legs.iter().map(move |leg| (*deal, leg))) {
            let lock_key = leg.lock_key(deal);
            if matches!(self.status(lock_key), LockStatus::Locked { .. }) {
                self.locks.insert(lock_key, end);
                events.push(Event::Fact(FactKind::Settled { deal, index: leg.index, lock_key, decision }));
                closed.push(leg);
            }
        }
        if closed.is_empty() { Err(Revert::NothingSettled) } else { Ok((events, closed)) }
    }

    fn pay_tips(
        &mut self,
        money: &mut Money<'_>,
        events: &mut Vec<Event>,
        tips: Option<(Account, Amount)>,
        caller: Account,
    ) {
        if let Some((token, sum)) = tips.filter(|(_, sum)| *sum != Amount::ZERO) {
            self.pay_out(money, events, token, caller, sum);
        }
    }

    /// Pays, or credits what could not be paid: a payout never undoes a decision.
    fn pay_out(
        &mut self,
        money: &mut Money<'_>,
        events: &mut Vec<Event>,
        token: Account,
        account: Account,
        amount: Amount,
    ) {
        let refused = money.environment.refusing_payees.contains(&account);
        if !refused && money.ledger.send(token, self.address, account, amount).is_ok() {
            return;
        }
        let credit = self.credits.entry((account, token)).or_default();
        *credit = credit.checked_add(amount).expect("credits are part of the escrow's balance");
        events.push(Event::Credited { account, token, amount });
    }

    fn check_place(&self, leg: &LegRef) -> Result<(), Revert> {
        let terms = &leg.leg;
        if terms.chain != self.here {
            return Err(Revert::WrongChain { given: terms.chain, here: self.here });
        }
        if terms.escrow != self.address {
            return Err(Revert::WrongEscrow(terms.escrow));
        }
        if usize::from(leg.index) >= LEGS_MAX {
            return Err(Revert::InvalidIndex(leg.index));
        }
        if terms.amount == Amount::ZERO || terms.tip >= terms.amount {
            return Err(Revert::InvalidAmount { amount: terms.amount, tip: terms.tip });
        }
        Ok(())
    }

    fn check_parties(&self, leg: &LegRef) -> Result<(), Revert> {
        let terms = &leg.leg;
        let invalid = |account: Account| account.is_zero() || account.to_evm().is_err();
        if terms.token.to_evm().is_err() {
            return Err(Revert::InvalidAddress(terms.token));
        }
        if invalid(terms.depositor) {
            return Err(Revert::InvalidAddress(terms.depositor));
        }
        let wrong =
            [terms.on_commit, terms.on_abort].into_iter().find(|payee| invalid(*payee) || *payee == self.address);
        wrong.map_or(Ok(()), |payee| Err(Revert::InvalidAddress(payee)))
    }

    fn check_times(&self, leg: &LegRef, now: Timestamp) -> Result<(), Revert> {
        let (lock_by, escape_at, escape_window) = (leg.lock_by, leg.leg.escape_at, leg.leg.escape_window);
        if now > lock_by {
            return Err(Revert::LockPassed { lock_by, now });
        }
        let latest = now.plus(self.lock_horizon_max);
        if lock_by > latest {
            return Err(Revert::LockHorizon { lock_by, latest });
        }
        let fits = escape_at.0 <= TIME_MAX && escape_window <= TIME_MAX;
        if escape_at <= lock_by || escape_window < self.escape_window_min || !fits {
            return Err(Revert::InvalidEscape { escape_at, escape_window });
        }
        Ok(())
    }
}

/// Fails unless all settlements carry one and the same certified decision, which it returns.
fn verify_decisions(
    epochs: &Epochs,
    certified: &CertifiedLeaves,
    settlements: &[Settlement],
    now: Timestamp,
) -> Result<Decision, Revert> {
    let (_, decision, _) = settlements.first().ok_or(Revert::NothingSettled)?;
    if let Some((deal, _, _)) = settlements.iter().find(|(_, other, _)| other != decision) {
        return Err(Revert::MixedDecisions(*deal));
    }
    let kind = match decision {
        Decision::Commit => CheckpointKind::Commits,
        Decision::Abort => CheckpointKind::General,
    };
    epochs.verify_decision(certified, kind, now)?;
    let leaves: Vec<Leaf> = settlements.iter().map(|(deal, _, _)| Leaf::Decision(*deal, *decision)).collect();
    prove(certified, &leaves)?;
    Ok(*decision)
}
