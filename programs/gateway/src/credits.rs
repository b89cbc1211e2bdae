//! Money that a purse owes. Paying is a step of its own: a payee that cannot take its money, on purpose or not, must not
//! hold up the decision of a deal or the end of a transfer, and a program cannot catch the failure of a payment.

use anchor_lang::prelude::*;

use crate::{
    addresses::{Placed, CREDIT_SEED},
    errors::{ensure, GatewayError},
    state::{Credit, Purse},
    store,
};

/// What is owed, to whom, by which purse.
pub struct Debt {
    /// `PURSE_…`.
    pub purse: u8,
    /// Who is owed.
    pub account: Pubkey,
    /// What, zero for SOL.
    pub token: Pubkey,
    /// How much; nothing is done for zero.
    pub amount: u64,
}

/// Adds a debt to the account's credit, which is opened at the payer's cost.
pub fn add<'info>(payer: &AccountInfo<'info>, account: &AccountInfo<'info>, debt: Debt) -> Result<()> {
    if debt.amount == 0 {
        return Ok(());
    }
    let credit = if store::is_free(account) { first(payer, account, debt)? } else { more(account, debt)? };
    store::write(account, &credit)
}

fn first<'info>(payer: &AccountInfo<'info>, account: &AccountInfo<'info>, debt: Debt) -> Result<Credit> {
    let seeds: [&[u8]; 4] = [CREDIT_SEED, &[debt.purse], debt.account.as_ref(), debt.token.as_ref()];
    let bump = store::open(payer, account, &seeds, 8 + Credit::INIT_SPACE)?;
    Ok(Credit {
        purse: debt.purse,
        bump,
        account: debt.account,
        token: debt.token,
        amount: debt.amount,
        payer: *payer.key,
    })
}

fn more(account: &AccountInfo<'_>, debt: Debt) -> Result<Credit> {
    let mut credit: Credit = store::read(account)?;
    let is_same = credit.purse == debt.purse && credit.account == debt.account && credit.token == debt.token;
    ensure!(is_same && account.key == &credit.address(), GatewayError::WrongAddress);
    credit.amount = credit.amount.checked_add(debt.amount).ok_or(GatewayError::Overflow)?;
    Ok(credit)
}

/// Takes SOL out of a purse, never the rent that keeps it alive: an account without lamports is gone, and these three can
/// never be opened again.
pub fn pay_out<'info>(purse: &AccountInfo<'info>, destination: &AccountInfo<'info>, lamports: u64) -> Result<()> {
    ensure!(purse.key != destination.key, GatewayError::InvalidDestination);
    let rest = purse.lamports().checked_sub(lamports).ok_or(GatewayError::Overflow)?;
    ensure!(rest >= Rent::get()?.minimum_balance(8 + Purse::INIT_SPACE), GatewayError::InvalidAmount);
    purse.sub_lamports(lamports)?;
    destination.add_lamports(lamports)?;
    Ok(())
}
