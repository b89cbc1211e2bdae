//! The escrow contract: holds legs, learns one bit per deal, and pays only where the depositor said.

use infrastrukt_ports::{CertifiedLeaves, LockStatus};
use infrastrukt_types::{
    Account, Amount, CheckpointKind, DealId, Decision, FactKind, HubId, Leaf, LegRef, LockKey, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

use crate::{Environment, Epochs, Event, Ledger, LegRules, Revert, epochs::prove};

mod lock;

/// Legs that one settlement may name.
const SETTLED_LEGS_MAX: usize = 256;

/// One deal's decision with its legs on this chain.
pub type Settlement = (DealId, Decision, Vec<LegRef>);

/// Who pays and is paid beside the escrow itself.
pub struct Money<'a> {
    /// Who owns what.
    pub ledger: &'a mut Ledger,
    /// Who refuses to be paid.
    pub environment: &'a Environment,
}

/// The contract's state. Every call checks before it changes anything, so that an error leaves the state as it was.
#[derive(Clone, Debug)]
pub struct Escrow {
    hub_id: HubId,
    rules: LegRules,
    guardian: Account,
    /// Stops new locks and nothing else. Public so that a test can pause.
    pub paused: bool,
    locks: BTreeMap<LockKey, LockStatus>,
    cancelled: BTreeSet<LockKey>,
    credits: BTreeMap<(Account, Account), Amount>,
}

impl Escrow {
    /// An empty escrow. The hub's id is in what depositors sign; `guardian` may pause new locks.
    pub fn new(hub_id: HubId, guardian: Account, rules: LegRules) -> Self {
        let (locks, cancelled, credits) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Self { hub_id, rules, guardian, paused: false, locks, cancelled, credits }
    }

    /// Who may pause new locks.
    pub const fn guardian(&self) -> Account {
        self.guardian
    }

    /// True where the depositor gave the lock up before it was opened.
    pub fn is_cancelled(&self, key: LockKey) -> bool {
        self.cancelled.contains(&key)
    }

    /// The state of a lock; one that was given up holds nothing, like one that was never made.
    pub fn status(&self, key: LockKey) -> LockStatus {
        self.locks.get(&key).copied().unwrap_or(LockStatus::None)
    }

    /// What the escrow owes an account.
    pub fn credit(&self, account: Account, token: Account) -> Amount {
        self.credits.get(&(account, token)).copied().unwrap_or_default()
    }

    /// Stops or allows new locks. Only the guardian.
    pub fn set_locks_paused(&mut self, caller: Account, paused: bool) -> Result<(), Revert> {
        self.require_guardian(caller)?;
        self.paused = paused;
        Ok(())
    }

    /// Hands the guardian's role over. Only the guardian.
    pub fn set_guardian(&mut self, caller: Account, guardian: Account) -> Result<(), Revert> {
        self.require_guardian(caller)?;
        if guardian.is_zero() {
            return Err(Revert::InvalidAddress(guardian));
        }
        self.guardian = guardian;
        Ok(())
    }

    /// Releases or refunds every named leg that is locked, and pays the caller its tips.
    pub fn settle(
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

    /// First step of the timer refund.
    pub fn request_escape(&mut self, deal: DealId, leg: &LegRef, now: Timestamp) -> Result<Event, Revert> {
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

    /// Second step of the timer refund.
    pub fn execute_escape(
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

    /// Pays what could not be paid before, to its owner only.
    pub fn withdraw(&mut self, money: Money<'_>, token: Account, account: Account) -> Result<Event, Revert> {
        let amount = self.credit(account, token);
        if amount == Amount::ZERO {
            return Err(Revert::NoCredit { account, token });
        }
        if money.environment.refusing_payees.contains(&account) {
            return Err(Revert::TransferFailed);
        }
        money.ledger.send(token, self.rules.escrow, account, amount)?;
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
        if !refused && money.ledger.send(token, self.rules.escrow, account, amount).is_ok() {
            return;
        }
        let credit = self.credits.entry((account, token)).or_default();
        *credit = credit.checked_add(amount).expect("credits are part of the escrow's balance");
        events.push(Event::Credited { account, token, amount });
    }

    fn require_guardian(&self, caller: Account) -> Result<(), Revert> {
        if caller == self.guardian { Ok(()) } else { Err(Revert::Unauthorized(caller)) }
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
