//! The state that both sides must share, word by word.

use infrastrukt_ports::LockStatus;
use infrastrukt_svm_tests::{
    Chain, Purse, SOL,
    accounts::{CANCELLED, ESCAPED, LOCKED, REFUNDED_LEG, RELEASED},
    associated, pda,
    wire::{LegRef, Word},
};
use infrastrukt_types::{Amount, Epoch};
use solana_address::Address;

use crate::{
    op::Op,
    program::Program,
    reference::{Reference, alias, key_of},
    setting::{DEPOSITORS, Setting},
};

/// Pause bit of locks.
const PAUSED_LOCK: u8 = 2;

/// Locks that are looked at.
pub(crate) struct Watched<'a> {
    setting: &'a Setting,
    legs: Vec<(Word, LegRef)>,
}

fn same<T: PartialEq + std::fmt::Debug>(what: impl FnOnce() -> String, program: T, reference: T) -> Result<(), String> {
    if program == reference { Ok(()) } else { Err(format!("{}: program {program:?}, reference {reference:?}", what())) }
}

fn amount(value: u64) -> Amount {
    Amount(value.into())
}

impl<'a> Watched<'a> {
    pub(crate) const fn new(setting: &'a Setting) -> Self {
        Self { setting, legs: Vec::new() }
    }

    /// Watches the lock that a call may change from now on.
    pub(crate) fn add(&mut self, op: &Op) {
        if let Some((deal, leg)) = op.call.leg()
            && !self.legs.contains(&(*deal, *leg))
        {
            self.legs.push((*deal, *leg));
        }
    }

    pub(crate) fn compare(&self, program: &Program, reference: &Reference) -> Result<(), String> {
        let chain = &program.world.chain;
        self.locks(chain, reference)?;
        self.coins(program, reference)?;
        self.tokens(chain, reference)?;
        self.credits(chain, reference)?;
        roles(chain, reference)?;
        epochs(chain, reference)
    }

    fn locks(&self, chain: &Chain, reference: &Reference) -> Result<(), String> {
        for (deal, leg) in &self.legs {
            let key = key_of(deal, leg);
            let expected = match reference.escrow.status(key) {
                LockStatus::None if reference.escrow.is_cancelled(key) => Some((CANCELLED, None)),
                LockStatus::None => None,
                LockStatus::Locked { escape_requested_at } => {
                    Some((LOCKED, Some(escape_requested_at.map_or(0, |at| at.0))))
                }
                LockStatus::Released => Some((RELEASED, None)),
                LockStatus::Refunded => Some((REFUNDED_LEG, None)),
                LockStatus::Escaped => Some((ESCAPED, None)),
            };
            let lock = chain.lock(&leg.lock_key(deal));
            // A closed lock keeps the time of a request that nobody reads any more.
            let found = lock.map(|lock| (lock.state, (lock.state == LOCKED).then_some(lock.escape_requested_at)));
            same(|| format!("lock of {leg:?}"), found, expected)?;
        }
        Ok(())
    }

    /// What depositors have above their rent, and what the escrow holds. Dave and the payer pay rents besides.
    fn coins(&self, program: &Program, reference: &Reference) -> Result<(), String> {
        for person in &self.setting.people[..DEPOSITORS] {
            let lamports = program.world.chain.lamports(&Address::new_from_array(*person));
            let above = lamports.checked_sub(self.setting.floor).ok_or("a depositor is below its rent")?;
            same(|| "coins".into(), amount(above), reference.ledger.balance(alias(&SOL), alias(person)))?;
        }
        let escrow = alias(&pda::escrow().to_bytes());
        let held = amount(program.world.held(Purse::Escrow));
        same(|| "coins of the escrow".into(), held, reference.ledger.balance(alias(&SOL), escrow))
    }

    fn tokens(&self, chain: &Chain, reference: &Reference) -> Result<(), String> {
        let owners = self.setting.holders().into_iter().chain([pda::escrow().to_bytes()]);
        for owner in owners {
            for token in self.setting.tokens {
                let found = amount(chain.tokens(&associated(&Address::new_from_array(owner), token)));
                let expected = reference.ledger.balance(alias(&token.mint.to_bytes()), alias(&owner));
                same(|| format!("tokens of {owner:?}"), found, expected)?;
            }
        }
        Ok(())
    }

    fn credits(&self, chain: &Chain, reference: &Reference) -> Result<(), String> {
        let mints = self.setting.tokens.map(|token| token.mint.to_bytes());
        for holder in self.setting.holders() {
            for token in mints.into_iter().chain([SOL]) {
                let found = amount(chain.owed(Purse::Escrow, &holder, &token));
                let expected = reference.escrow.credit(alias(&holder), alias(&token));
                same(|| format!("credit of {holder:?}"), found, expected)?;
            }
        }
        Ok(())
    }
}

fn roles(chain: &Chain, reference: &Reference) -> Result<(), String> {
    let config = chain.config();
    same(|| "pause".into(), config.paused & PAUSED_LOCK != 0, reference.escrow.paused)?;
    same(|| "guardian".into(), alias(&config.guardian), reference.escrow.guardian())
}

fn epochs(chain: &Chain, reference: &Reference) -> Result<(), String> {
    let current = reference.epochs.current().0;
    same(|| "current epoch".into(), chain.config().current_epoch, current)?;
    for number in 0..=current.saturating_add(1) {
        let found = chain.epoch(number).map(|epoch| (epoch.valset_hash, epoch.retired_at, epoch.expires_at));
        let record = reference.epochs.record(Epoch(number));
        let expected =
            record.map(|record| (record.valset_hash.0, record.retired_at.map_or(0, |at| at.0), record.expires_at.0));
        same(|| format!("epoch {number}"), found, expected)?;
    }
    Ok(())
}
