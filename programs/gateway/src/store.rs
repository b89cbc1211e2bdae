//! Opens, reads, writes and closes accounts of the program. Anchor's own `init` would cost a copy of the same code in
//! every instruction.

use anchor_lang::{
    prelude::*,
    solana_program::{
        program::invoke_signed,
        system_instruction::{allocate, assign, create_account, transfer},
    },
};

use crate::errors::{ensure, GatewayError};

/// Whether nobody has opened the account. Lamports that somebody sent ahead do not count.
pub fn is_free(account: &AccountInfo<'_>) -> bool {
    account.owner == &System::id() && account.data_is_empty()
}

/// Opens `account` at the canonical address of `seeds` with `space` bytes at the payer's cost, and returns the bump.
pub fn open<'info>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    seeds: &[&[u8]],
    space: usize,
) -> Result<u8> {
    let (expected, bump) = Pubkey::find_program_address(seeds, &crate::ID);
    ensure!(account.key == &expected, GatewayError::WrongAddress);
    ensure!(is_free(account), GatewayError::AlreadyExists);
    let bump_seed = [bump];
    let signer = [seeds, &[&bump_seed[..]][..]].concat();
    allot(payer, account, &signer, space)?;
    Ok(bump)
}

/// Writes a value with its discriminator.
pub fn write<T: AccountSerialize>(account: &AccountInfo<'_>, value: &T) -> Result<()> {
    let mut data = account.try_borrow_mut_data()?;
    let mut place: &mut [u8] = &mut data;
    value.try_serialize(&mut place)
}

/// Reads a value of the program's own account.
pub fn read<T: AccountDeserialize>(account: &AccountInfo<'_>) -> Result<T> {
    if account.owner != &crate::ID {
        return Err(ErrorCode::AccountOwnedByWrongProgram.into());
    }
    let data = account.try_borrow_data()?;
    let mut place: &[u8] = &data;
    T::try_deserialize(&mut place)
}

/// Grows the account, at the payer's cost where its lamports do not cover it.
pub fn grow<'info>(payer: &AccountInfo<'info>, account: &AccountInfo<'info>, space: usize) -> Result<()> {
    let missing = Rent::get()?.minimum_balance(space).saturating_sub(account.lamports());
    if missing != 0 {
        let instruction = transfer(payer.key, account.key, missing);
        invoke_signed(&instruction, &[payer.clone(), account.clone()], &[])?;
    }
    Ok(account.resize(space)?)
}

/// Closes the program's own account: its lamports go to `payee`, its data is gone, and so is whose it was.
pub fn close<'info>(account: &AccountInfo<'info>, payee: &AccountInfo<'info>) -> Result<()> {
    ensure!(account.key != payee.key, GatewayError::WrongAddress);
    let lamports = account.lamports();
    account.sub_lamports(lamports)?;
    payee.add_lamports(lamports)?;
    account.assign(&System::id());
    Ok(account.resize(0)?)
}

/// Moves lamports that their owner signs for.
pub fn pay<'info>(from: &AccountInfo<'info>, to: &AccountInfo<'info>, lamports: u64) -> Result<()> {
    if lamports == 0 {
        return Ok(());
    }
    Ok(invoke_signed(&transfer(from.key, to.key, lamports), &[from.clone(), to.clone()], &[])?)
}

fn allot<'info>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    signer: &[&[u8]],
    space: usize,
) -> Result<()> {
    let rent = Rent::get()?.minimum_balance(space);
    let both = [payer.clone(), account.clone()];
    if account.lamports() == 0 {
        let instruction = create_account(payer.key, account.key, rent, space as u64, &crate::ID);
        return Ok(invoke_signed(&instruction, &both, &[signer])?);
    }
    // The system program opens no account that holds lamports already. Anyone can send some ahead, so that refusing here
    // would let them stop others.
    pay(payer, account, rent.saturating_sub(account.lamports()))?;
    invoke_signed(&allocate(account.key, space as u64), &both[1..], &[signer])?;
    Ok(invoke_signed(&assign(account.key, &crate::ID), &both[1..], &[signer])?)
}
