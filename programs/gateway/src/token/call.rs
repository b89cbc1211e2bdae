//! The three calls of token programs that move anything.

use anchor_lang::{
    prelude::*,
    solana_program::{
        instruction::{AccountMeta, Instruction},
        program::invoke_signed,
    },
};

use super::layout::Holding;
use crate::errors::{ensure, GatewayError};

const TRANSFER_CHECKED: u8 = 12;
const MINT_TO_CHECKED: u8 = 14;
const BURN_CHECKED: u8 = 15;

/// Who takes part in a call.
pub struct Parties<'a, 'info> {
    /// One of the two token programs.
    pub program: &'a AccountInfo<'info>,
    /// The mint.
    pub mint: &'a AccountInfo<'info>,
    /// Its decimals, which the token program compares.
    pub decimals: u8,
    /// Who allows it.
    pub authority: &'a AccountInfo<'info>,
    /// Seeds by which a purse allows it; none where the authority has signed.
    pub signer: &'a [&'a [&'a [u8]]],
}

/// Moves exactly `amount` between two token accounts, or fails.
pub fn transfer<'info>(
    parties: &Parties<'_, 'info>,
    from: &AccountInfo<'info>,
    to: &AccountInfo<'info>,
    amount: u64,
) -> Result<()> {
    ensure!(from.key != to.key, GatewayError::InvalidDestination);
    let (from_before, to_before) = (amount_of(from, parties)?, amount_of(to, parties)?);
    let accounts = vec![
        AccountMeta::new(*from.key, false),
        AccountMeta::new_readonly(*parties.mint.key, false),
        AccountMeta::new(*to.key, false),
        AccountMeta::new_readonly(*parties.authority.key, true),
    ];
    let infos = [from.clone(), parties.mint.clone(), to.clone(), parties.authority.clone()];
    parties.call(TRANSFER_CHECKED, amount, accounts, &infos)?;
    let left = from_before.checked_sub(amount_of(from, parties)?);
    let came = amount_of(to, parties)?.checked_sub(to_before);
    ensure!(left == Some(amount) && came == Some(amount), GatewayError::TransferMismatch);
    Ok(())
}

/// Mints exactly `amount`, or fails.
pub fn mint_to<'info>(parties: &Parties<'_, 'info>, to: &AccountInfo<'info>, amount: u64) -> Result<()> {
    let before = amount_of(to, parties)?;
    let accounts = vec![
        AccountMeta::new(*parties.mint.key, false),
        AccountMeta::new(*to.key, false),
        AccountMeta::new_readonly(*parties.authority.key, true),
    ];
    let infos = [parties.mint.clone(), to.clone(), parties.authority.clone()];
    parties.call(MINT_TO_CHECKED, amount, accounts, &infos)?;
    let came = amount_of(to, parties)?.checked_sub(before);
    ensure!(came == Some(amount), GatewayError::TransferMismatch);
    Ok(())
}

/// Burns exactly `amount`, or fails.
pub fn burn<'info>(parties: &Parties<'_, 'info>, from: &AccountInfo<'info>, amount: u64) -> Result<()> {
    let before = amount_of(from, parties)?;
    let accounts = vec![
        AccountMeta::new(*from.key, false),
        AccountMeta::new(*parties.mint.key, false),
        AccountMeta::new_readonly(*parties.authority.key, true),
    ];
    let infos = [from.clone(), parties.mint.clone(), parties.authority.clone()];
    parties.call(BURN_CHECKED, amount, accounts, &infos)?;
    let left = before.checked_sub(amount_of(from, parties)?);
    ensure!(left == Some(amount), GatewayError::TransferMismatch);
    Ok(())
}

impl<'info> Parties<'_, 'info> {
    fn call(&self, tag: u8, amount: u64, accounts: Vec<AccountMeta>, infos: &[AccountInfo<'info>]) -> Result<()> {
        let mut data = Vec::with_capacity(10);
        data.push(tag);
        data.extend_from_slice(&amount.to_le_bytes());
        data.push(self.decimals);
        let instruction = Instruction { program_id: *self.program.key, accounts, data };
        Ok(invoke_signed(&instruction, infos, self.signer)?)
    }
}

fn amount_of(account: &AccountInfo<'_>, parties: &Parties<'_, '_>) -> Result<u64> {
    let holding = Holding::read(account, parties.program.key)?;
    ensure!(&holding.mint == parties.mint.key, GatewayError::WrongToken);
    Ok(holding.amount)
}
