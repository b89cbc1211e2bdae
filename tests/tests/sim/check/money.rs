//! Rebuilds every balance of a chain from its transactions and events alone. S3: at every moment the escrow holds what
//! is locked and what it owes; at the end all balances are as the chain has them, so that nothing went anywhere else.

use infrastrukt_ports::Action;
use infrastrukt_sim::{Contracts, Event, SimReceipt, SimTx};
use infrastrukt_types::{Account, Amount, DealId, Decision, FactKind, LegRef};
use std::collections::BTreeMap;

use crate::chains::{Chain, FUNDS, funded, miner};

/// The books of one chain.
struct Books {
    contracts: Contracts,
    balances: BTreeMap<(Account, Account), u128>,
    /// Per token: what is locked, and what the escrow owes to payees that refused.
    locked: BTreeMap<Account, u128>,
    owed: BTreeMap<Account, u128>,
    wrong: Vec<String>,
}

pub(super) fn broken(chain: &Chain) -> Vec<String> {
    let mut books = Books::open(chain);
    for block in chain.sim.blocks() {
        for (tx, receipt) in block.txs.iter().zip(&block.receipts) {
            books.enter(tx, receipt);
            books.check_escrow(&format!("block {} of {}", block.header.number, chain.id));
        }
    }
    for ((token, account), balance) in &books.balances {
        let found = chain.sim.inspect(|state| state.ledger.balance(*token, *account));
        if found != Amount(*balance) {
            let text = format!("{account} has {found} of {token} on {}, it should have {balance}", chain.id);
            books.wrong.push(text);
        }
    }
    books.wrong
}

impl Books {
    fn open(chain: &Chain) -> Self {
        let mut balances = BTreeMap::new();
        for account in funded(chain.id) {
            for token in [Account::ZERO, chain.gold] {
                balances.insert((token, account), FUNDS.0);
            }
        }
        let contracts = chain.sim.contracts();
        Self { contracts, balances, locked: BTreeMap::new(), owed: BTreeMap::new(), wrong: Vec::new() }
    }

    fn pay(&mut self, token: Account, from: Account, to: Account, amount: Amount) {
        let balance = self.balances.entry((token, from)).or_default();
        match balance.checked_sub(amount.0) {
            Some(rest) => *balance = rest,
            None => self.wrong.push(format!("{from} paid {amount} of {token} and had {balance}")),
        }
        *self.balances.entry((token, to)).or_default() += amount.0;
    }

    fn enter(&mut self, tx: &SimTx, receipt: &SimReceipt) {
        self.pay(Account::ZERO, tx.from, miner(), receipt.fee);
        if receipt.revert.is_some() {
            return;
        }
        let Contracts { gateway, escrow, .. } = self.contracts;
        match &tx.action {
            Action::Send { .. } => self.pay(Account::ZERO, tx.from, gateway, tx.value),
            Action::Lock { leg, .. } => {
                self.pay(leg.leg.token, tx.from, escrow, leg.leg.amount);
                *self.locked.entry(leg.leg.token).or_default() += leg.leg.amount.0;
            }
            Action::Settle { settlements, .. } => self.settle(tx.from, settlements, receipt),
            Action::ExecuteEscape { leg, .. } => self.release(leg, &[(leg.leg.on_abort, leg.leg.amount)]),
            Action::Deliver { .. }
            | Action::Expire { .. }
            | Action::Refund { .. }
            | Action::Rotate { .. }
            | Action::Bridge { .. }
            | Action::Approve { .. }
            | Action::RequestEscape { .. }
            | Action::WithdrawCredit { .. } => {}
        }
        for log in receipt.logs.iter().filter(|log| log.emitter == escrow) {
            match &log.event {
                // What was entered as paid came back.
                Event::Credited { account, token, amount } => {
                    self.pay(*token, *account, escrow, *amount);
                    *self.owed.entry(*token).or_default() += amount.0;
                }
                Event::CreditWithdrawn { account, token, amount } => {
                    self.pay(*token, escrow, *account, *amount);
                    let owed = self.owed.entry(*token).or_default();
                    *owed = owed.saturating_sub(amount.0);
                }
                Event::Fact(_) | Event::DeliveryFailed { .. } | Event::EscapeRequested { .. } | Event::Rotated => {}
            }
        }
    }

    /// Every leg that the receipt says is settled is paid as it was locked; its tip goes to whoever settled it.
    fn settle(&mut self, settler: Account, given: &[(DealId, Decision, Vec<LegRef>)], receipt: &SimReceipt) {
        for log in &receipt.logs {
            let Event::Fact(FactKind::Settled { deal, lock_key, decision, .. }) = &log.event else { continue };
            let mut legs = given.iter().filter(|(id, _, _)| id == deal).flat_map(|(_, _, legs)| legs);
            let Some(leg) = legs.find(|leg| leg.lock_key(*deal) == *lock_key) else {
                self.wrong.push(format!("a leg of deal {deal} was settled that nobody named"));
                continue;
            };
            let payee = match decision {
                Decision::Commit => leg.leg.on_commit,
                Decision::Abort => leg.leg.on_abort,
            };
            let share = leg.leg.amount.checked_sub(leg.leg.tip).expect("a tip is below its amount");
            self.release(leg, &[(payee, share), (settler, leg.leg.tip)]);
        }
    }

    fn release(&mut self, leg: &LegRef, payments: &[(Account, Amount)]) {
        let (token, escrow) = (leg.leg.token, self.contracts.escrow);
        for (payee, amount) in payments {
            self.pay(token, escrow, *payee, *amount);
        }
        let locked = self.locked.entry(token).or_default();
        match locked.checked_sub(leg.leg.amount.0) {
            Some(rest) => *locked = rest,
            None => self.wrong.push(format!("more of {token} was released than was locked")),
        }
    }

    fn check_escrow(&mut self, place: &str) {
        let tokens: Vec<Account> = self.locked.keys().copied().collect();
        for token in tokens {
            let held = self.balances.get(&(token, self.contracts.escrow)).copied().unwrap_or_default();
            let due = self.locked.get(&token).copied().unwrap_or_default()
                + self.owed.get(&token).copied().unwrap_or_default();
            if held < due {
                self.wrong.push(format!("S3: at {place} the escrow holds {held} of {token} and owes {due}"));
            }
        }
    }
}
