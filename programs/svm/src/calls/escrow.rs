//! Locks, settlements, escapes and credits.

use solana_address::Address;
use solana_instruction::Instruction;

use super::Accounts;
use crate::{
    data::Data,
    pda::{self, Purse, SOL},
    tokens::{TokenRef, associated},
    wire::{Checkpoint, LegRef, Multiproof, Word},
};

fn address(word: &Word) -> Address {
    Address::new_from_array(*word)
}

fn terms(name: &str, deal: &Word, leg: &LegRef) -> Data {
    Data::call(name).raw(deal).terms(leg)
}

/// Locks a leg in SOL.
pub fn lock(payer: Address, deal: &Word, leg: &LegRef) -> Instruction {
    Accounts::default()
        .payer(payer)
        .payer(address(&leg.leg.depositor))
        .read(pda::config())
        .write(pda::escrow())
        .write(pda::lock(&leg.lock_key(deal)))
        .system()
        .events()
        .call(terms("lock", deal, leg))
}

/// Locks a leg in a token, out of the depositor's associated account.
pub fn lock_token(payer: Address, deal: &Word, leg: &LegRef, token: TokenRef) -> Instruction {
    let depositor = address(&leg.leg.depositor);
    Accounts::default()
        .payer(payer)
        .signer(depositor)
        .read(pda::config())
        .read(pda::asset(&leg.leg.token))
        .read(token.mint)
        .write(associated(&depositor, token))
        .write(associated(&pda::escrow(), token))
        .write(pda::lock(&leg.lock_key(deal)))
        .read(token.program)
        .system()
        .events()
        .call(terms("lock_token", deal, leg))
}

/// Gives a lock up before it is opened.
pub fn cancel_lock(payer: Address, deal: &Word, leg: &LegRef) -> Instruction {
    Accounts::default()
        .payer(payer)
        .signer(address(&leg.leg.depositor))
        .read(pda::config())
        .write(pda::lock(&leg.lock_key(deal)))
        .system()
        .events()
        .call(terms("cancel_lock", deal, leg))
}

/// Credits a leg to whom the decision says, and its tip to the settler.
pub fn settle(
    settler: Address,
    checkpoint: &Checkpoint,
    (deal, commit): (&Word, bool),
    leg: &LegRef,
    proof: &Multiproof,
) -> Instruction {
    let payee = if commit { leg.leg.on_commit } else { leg.leg.on_abort };
    Accounts::default()
        .payer(settler)
        .read(pda::config())
        .read(pda::epoch(checkpoint.epoch))
        .read(pda::checkpoint(&checkpoint.digest()))
        .write(pda::lock(&leg.lock_key(deal)))
        .write(pda::credit(Purse::Escrow, &payee, &leg.leg.token))
        .write(pda::credit(Purse::Escrow, &settler.to_bytes(), &leg.leg.token))
        .system()
        .events()
        .call(Data::call("settle").raw(deal).bool(commit).terms(leg).proof(proof))
}

/// First step of the timer refund.
pub fn request_escape(deal: &Word, leg: &LegRef) -> Instruction {
    Accounts::default().read(pda::config()).write(pda::lock(&leg.lock_key(deal))).events().call(terms(
        "request_escape",
        deal,
        leg,
    ))
}

/// Second step of the timer refund.
pub fn execute_escape(payer: Address, deal: &Word, leg: &LegRef) -> Instruction {
    Accounts::default()
        .payer(payer)
        .read(pda::config())
        .write(pda::lock(&leg.lock_key(deal)))
        .write(pda::credit(Purse::Escrow, &leg.leg.on_abort, &leg.leg.token))
        .system()
        .events()
        .call(terms("execute_escape", deal, leg))
}

/// Pays a credit in SOL to its owner.
pub fn withdraw_credit(purse: Purse, account: Address, rent_payee: Address) -> Instruction {
    withdraw_credit_to(purse, account, account, rent_payee, false)
}

/// The same to anywhere; its owner may sign.
pub fn withdraw_credit_to(
    purse: Purse,
    account: Address,
    destination: Address,
    rent_payee: Address,
    is_signed: bool,
) -> Instruction {
    Accounts::default()
        .write(pda::credit(purse, &account.to_bytes(), &SOL))
        .add(account, is_signed, false)
        .write(purse.address())
        .write(destination)
        .write(rent_payee)
        .events()
        .call(Data::call("withdraw_credit"))
}

/// Pays a credit in a token to its owner's associated account.
pub fn withdraw_credit_token(purse: Purse, account: Address, token: TokenRef, rent_payee: Address) -> Instruction {
    withdraw_credit_token_to(purse, account, token, associated(&account, token), rent_payee, false)
}

/// The same to anywhere; its owner may sign.
pub fn withdraw_credit_token_to(
    purse: Purse,
    account: Address,
    token: TokenRef,
    destination: Address,
    rent_payee: Address,
    is_signed: bool,
) -> Instruction {
    Accounts::default()
        .write(pda::credit(purse, &account.to_bytes(), &token.mint.to_bytes()))
        .add(account, is_signed, false)
        .read(pda::asset(&token.mint.to_bytes()))
        .read(token.mint)
        .read(purse.address())
        .write(associated(&purse.address(), token))
        .write(destination)
        .write(rent_payee)
        .read(token.program)
        .events()
        .call(Data::call("withdraw_credit_token"))
}

/// Makes a token known whose vaults are there.
pub fn open_asset(payer: Address, token: TokenRef) -> Instruction {
    Accounts::default()
        .payer(payer)
        .read(token.mint)
        .read(token.program)
        .write(pda::asset(&token.mint.to_bytes()))
        .read(associated(&pda::escrow(), token))
        .read(associated(&pda::bridge(), token))
        .system()
        .call(Data::call("open_asset"))
}
