//! Balances and allowances of the native coin and of tokens.

use infrastrukt_ports::TokenInfo;
use infrastrukt_types::{Account, Amount};
use std::collections::BTreeMap;

use crate::Revert;

/// Decimals of the native coin.
const NATIVE_DECIMALS: u8 = 18;

/// How a token's transfer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Moves what it was told to.
    Honest,
    /// Keeps one unit in a hundred, rounded up.
    FeeOnTransfer,
    /// Says that it moved and moves nothing.
    MovesNothing,
}

#[derive(Clone, Debug)]
struct Token {
    info: TokenInfo,
    kind: TokenKind,
    supply: Amount,
}

/// Who owns what. The zero account as token is the native coin.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    tokens: BTreeMap<Account, Token>,
    balances: BTreeMap<(Account, Account), Amount>,
    allowances: BTreeMap<(Account, Account, Account), Amount>,
}

impl Ledger {
    /// A ledger that knows the native coin.
    pub fn new() -> Self {
        let mut ledger = Self::default();
        let native = TokenInfo { symbol: "SIM".into(), decimals: NATIVE_DECIMALS };
        ledger.add_token(Account::ZERO, native, TokenKind::Honest);
        ledger
    }

    /// Registers a token; a known one keeps its supply.
    pub fn add_token(&mut self, token: Account, info: TokenInfo, kind: TokenKind) {
        let supply = self.tokens.get(&token).map_or(Amount::ZERO, |known| known.supply);
        self.tokens.insert(token, Token { info, kind, supply });
    }

    /// A token as people know it; `None` where there is none.
    pub fn token(&self, token: Account) -> Option<&TokenInfo> {
        self.tokens.get(&token).map(|known| &known.info)
    }

    /// An account's balance.
    pub fn balance(&self, token: Account, account: Account) -> Amount {
        self.balances.get(&(token, account)).copied().unwrap_or_default()
    }

    /// Creates units. The supply stays below 2^128, so that no later transfer can overflow a balance.
    pub fn mint(&mut self, token: Account, to: Account, amount: Amount) -> Result<(), Revert> {
        let known = self.tokens.get_mut(&token).ok_or(Revert::TokenWithoutCode(token))?;
        known.supply = known.supply.checked_add(amount).ok_or(Revert::TransferFailed)?;
        self.add(token, to, amount);
        Ok(())
    }

    /// Lets `spender` take up to `amount` from `owner`.
    pub fn approve(&mut self, token: Account, owner: Account, spender: Account, amount: Amount) -> Result<(), Revert> {
        if token.is_zero() || !self.tokens.contains_key(&token) {
            return Err(Revert::TokenWithoutCode(token));
        }
        self.allowances.insert((token, owner, spender), amount);
        Ok(())
    }

    /// Fails unless `from` has `amount`.
    pub fn require(&self, token: Account, from: Account, amount: Amount) -> Result<(), Revert> {
        let available = self.balance(token, from);
        if available < amount { Err(Revert::InsufficientFunds { available, required: amount }) } else { Ok(()) }
    }

    /// Moves exactly `amount` or nothing at all: a token that would move another amount fails the call.
    pub fn send(&mut self, token: Account, from: Account, to: Account, amount: Amount) -> Result<(), Revert> {
        let received = self.would_arrive(token, amount)?;
        if received != amount {
            return Err(Revert::TransferMismatch { received, expected: amount });
        }
        let rest = self.balance(token, from).checked_sub(amount).ok_or(Revert::TransferFailed)?;
        self.balances.insert((token, from), rest);
        self.add(token, to, amount);
        Ok(())
    }

    /// As [`Ledger::send`], by an allowance that `from` gave to `to`.
    pub fn take(&mut self, token: Account, from: Account, to: Account, amount: Amount) -> Result<(), Revert> {
        if token.is_zero() || !self.tokens.contains_key(&token) {
            return Err(Revert::TokenWithoutCode(token));
        }
        let allowance = self.allowances.get(&(token, from, to)).copied().unwrap_or_default();
        let rest = allowance.checked_sub(amount).ok_or(Revert::TransferFailed)?;
        self.send(token, from, to, amount)?;
        self.allowances.insert((token, from, to), rest);
        Ok(())
    }

    fn would_arrive(&self, token: Account, amount: Amount) -> Result<Amount, Revert> {
        let known = self.tokens.get(&token).ok_or(Revert::TokenWithoutCode(token))?;
        Ok(match known.kind {
            TokenKind::Honest => amount,
            TokenKind::FeeOnTransfer => Amount(amount.0 - amount.0.div_ceil(100)),
            TokenKind::MovesNothing => Amount::ZERO,
        })
    }

    fn add(&mut self, token: Account, to: Account, amount: Amount) {
        let balance = self.balances.entry((token, to)).or_default();
        *balance = balance.checked_add(amount).expect("the supply is below 2^128, and so is every balance");
    }
}
