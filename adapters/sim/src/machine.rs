//! The state that transactions change, and how one transaction changes it.

use infrastrukt_ports::Action;
use infrastrukt_types::{Account, Amount, Epoch, FactKind, MessageId, Timestamp};
use std::collections::BTreeMap;

use crate::{
    Environment, Epochs, Escrow, Event, Gateway, Ledger, Log, Money, Revert, SimReceipt, SimTx, gateway::Outgoing,
};

/// Where the hub's contracts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// Sends and receives messages.
    pub gateway: Account,
    /// Holds legs.
    pub escrow: Account,
    /// Judges certificates.
    pub verifier: Account,
}

/// Everything a block may change.
#[derive(Clone, Debug)]
pub struct State {
    /// Who owns what.
    pub ledger: Ledger,
    /// The gateway.
    pub gateway: Gateway,
    /// The escrow.
    pub escrow: Escrow,
    /// The verifier.
    pub epochs: Epochs,
    nonces: BTreeMap<Account, u64>,
}

/// What surrounds a transaction.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) contracts: Contracts,
    pub(crate) environment: &'a Environment,
    pub(crate) now: Timestamp,
}

/// What a successful call reports.
struct Done {
    emitter: Account,
    events: Vec<Event>,
    message_id: Option<MessageId>,
}

impl Done {
    fn fact(emitter: Account, kind: FactKind) -> Self {
        Self { emitter, events: vec![Event::Fact(kind)], message_id: None }
    }

    fn events(emitter: Account, events: Vec<Event>) -> Self {
        Self { emitter, events, message_id: None }
    }
}

/// What an action costs in gas: rough figures of the EVM contracts, so that fees have a believable size.
pub(crate) fn gas_used(action: &Action) -> u64 {
    match action {
        Action::Deliver { messages, .. } => 60_000 + 15_000 * messages.len() as u64,
        Action::Settle { settlements, .. } => {
            60_000 + 30_000 * settlements.iter().map(|(_, _, legs)| legs.len() as u64).sum::<u64>()
        }
        Action::Expire { .. } | Action::Refund { .. } | Action::Rotate { .. } => 80_000,
        Action::Send { .. } => 35_000,
        Action::Bridge { .. } => 90_000,
        Action::Approve { .. } => 46_000,
        Action::Lock { .. } => 60_000,
        Action::RequestEscape { .. } => 40_000,
        Action::ExecuteEscape { .. } | Action::WithdrawCredit { .. } => 45_000,
    }
}

impl State {
    pub(crate) fn new(ledger: Ledger, gateway: Gateway, escrow: Escrow, epochs: Epochs) -> Self {
        Self { ledger, gateway, escrow, epochs, nonces: BTreeMap::new() }
    }

    /// The nonce of the account's next transaction.
    pub fn nonce(&self, account: Account) -> u64 {
        self.nonces.get(&account).copied().unwrap_or_default()
    }

    /// Native coin that the action must carry.
    pub fn value_of(&self, action: &Action) -> Result<Amount, Revert> {
        match action {
            Action::Send { target, .. } => self.gateway.quote(*target),
            Action::Lock { leg, .. } if leg.leg.token.is_zero() => Ok(leg.leg.amount),
            Action::Bridge { .. } => Err(Revert::NoTokenBridge),
            Action::Deliver { .. }
            | Action::Expire { .. }
            | Action::Refund { .. }
            | Action::Settle { .. }
            | Action::Rotate { .. }
            | Action::Approve { .. }
            | Action::Lock { .. }
            | Action::RequestEscape { .. }
            | Action::ExecuteEscape { .. }
            | Action::WithdrawCredit { .. } => Ok(Amount::ZERO),
        }
    }

    /// Charges for the transaction and runs it; `None` where its sender cannot even pay for gas.
    pub(crate) fn apply(&mut self, tx: &SimTx, around: Around<'_>, miner: Account) -> Option<SimReceipt> {
        let gas_used = gas_used(&tx.action);
        let fee = Amount(u128::from(gas_used) * u128::from(tx.gas_price));
        self.ledger.send(Account::ZERO, tx.from, miner, fee).ok()?;
        self.nonces.insert(tx.from, tx.nonce.saturating_add(1));
        let outcome = self.call(tx.from, tx.value, &tx.action, around);
        let (revert, message_id, logs) = match outcome {
            Ok(done) => {
                let logs = done.events.into_iter().map(|event| Log { emitter: done.emitter, event }).collect();
                (None, done.message_id, logs)
            }
            Err(revert) => (Some(revert.to_string()), None, Vec::new()),
        };
        Some(SimReceipt { tx: tx.hash(), revert, gas_used, fee, message_id, logs })
    }

    /// What the action would do now, without doing it.
    pub(crate) fn simulate(
        &self,
        from: Account,
        value: Amount,
        action: &Action,
        fee: Amount,
        around: Around<'_>,
    ) -> Result<(), Revert> {
        let total = value.checked_add(fee).unwrap_or(Amount(u128::MAX));
        self.ledger.require(Account::ZERO, from, total)?;
        self.clone().call(from, value, action, around).map(drop)
    }

    /// Runs an action. Every contract checks before it changes anything, so that an error leaves the state as it was.
    fn call(&mut self, from: Account, value: Amount, action: &Action, around: Around<'_>) -> Result<Done, Revert> {
        let required = self.value_of(action)?;
        let is_priced = matches!(action, Action::Send { .. } | Action::Lock { .. });
        if !is_priced && value != required {
            return Err(Revert::WrongValue { given: value, required });
        }
        let Around { contracts, environment, now } = around;
        let Contracts { gateway, escrow, verifier } = contracts;
        // What a transaction carries leaves its sender before any contract runs.
        self.ledger.require(Account::ZERO, from, value)?;
        let money = Money { ledger: &mut self.ledger, environment };
        Ok(match action {
            Action::Deliver { certified, messages } => {
                Done::events(gateway, self.gateway.deliver(&self.epochs, environment, certified, messages, now)?)
            }
            Action::Expire { certified, message } => {
                Done::fact(gateway, self.gateway.expire(&self.epochs, certified, message, now)?)
            }
            Action::Refund { certified, message } => {
                Done::fact(gateway, self.gateway.refund(&self.epochs, environment, certified, message, now)?)
            }
            Action::Send { target, recipient, gas_limit, deadline, payload } => {
                let (target, recipient, gas_limit, deadline) = (*target, *recipient, *gas_limit, *deadline);
                let out = Outgoing { sender: from, target, recipient, gas_limit, deadline, payload, value };
                let (id, kind) = self.gateway.send(out, now)?;
                money.ledger.send(Account::ZERO, from, gateway, value)?;
                Done { message_id: Some(id), ..Done::fact(gateway, kind) }
            }
            Action::Lock { deal, leg } => {
                Done::fact(escrow, self.escrow.lock(money.ledger, from, *deal, leg, value, now)?)
            }
            Action::Settle { certified, settlements } => {
                Done::events(escrow, self.escrow.settle(&self.epochs, money, from, certified, settlements, now)?)
            }
            Action::RequestEscape { deal, leg } => {
                Done::events(escrow, vec![self.escrow.request_escape(*deal, leg, now)?])
            }
            Action::ExecuteEscape { deal, leg } => {
                Done::events(escrow, self.escrow.execute_escape(money, *deal, leg, now)?)
            }
            Action::WithdrawCredit { token, account } => {
                Done::events(escrow, vec![self.escrow.withdraw(money, *token, *account)?])
            }
            Action::Rotate { certified, epoch, valset_hash, expires_at } => {
                self.epochs.rotate(certified, Epoch(*epoch), *valset_hash, *expires_at, now)?;
                Done::events(verifier, vec![Event::Rotated])
            }
            Action::Approve { token, spender, amount } => {
                money.ledger.approve(*token, from, *spender, *amount)?;
                Done::events(*token, Vec::new())
            }
            Action::Bridge { .. } => return Err(Revert::NoTokenBridge),
        })
    }
}

#[cfg(test)]
mod tests;
