//! Instructions of the chain's own programs.

use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{read, sign, sign_write, write};
use crate::address::{ASSOCIATED_TOKEN, COMPUTE_BUDGET, SYSTEM_PROGRAM, associated_token};

/// Compute units that the whole transaction may use.
pub(crate) fn unit_limit(units: u32) -> Instruction {
    let data = [[2].as_slice(), &units.to_le_bytes()].concat();
    Instruction { program_id: COMPUTE_BUDGET, accounts: Vec::new(), data }
}

/// What is offered for a compute unit, in micro-lamports.
pub(crate) fn unit_price(micro_lamports: u64) -> Instruction {
    let data = [[3].as_slice(), &micro_lamports.to_le_bytes()].concat();
    Instruction { program_id: COMPUTE_BUDGET, accounts: Vec::new(), data }
}

/// Makes the token account of `owner` unless it is there.
pub(crate) fn create_associated_token(
    payer: Pubkey,
    owner: Pubkey,
    mint: Pubkey,
    token_program: Pubkey,
) -> Instruction {
    let account = associated_token(&owner, &mint, &token_program);
    let accounts =
        vec![sign_write(payer), write(account), read(owner), read(mint), read(SYSTEM_PROGRAM), read(token_program)];
    Instruction { program_id: ASSOCIATED_TOKEN, accounts, data: vec![1] }
}

/// Lets `delegate` take up to `amount` of the owner's tokens.
pub(crate) fn approve(
    token_program: Pubkey,
    source: Pubkey,
    delegate: Pubkey,
    owner: Pubkey,
    amount: u64,
) -> Instruction {
    let data = [[4].as_slice(), &amount.to_le_bytes()].concat();
    Instruction { program_id: token_program, accounts: vec![write(source), read(delegate), sign(owner)], data }
}
