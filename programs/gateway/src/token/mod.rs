//! SPL Token and Token-2022, read and called by their frozen layouts: the few bytes that are needed here weigh less than
//! the libraries that know all of them.

mod call;
mod extensions;
mod layout;

pub use call::{burn, mint_to, transfer, Parties};
pub use layout::{associated, Holding, MintView};

use anchor_lang::prelude::*;

use crate::errors::{ensure, GatewayError};

/// SPL Token.
pub const TOKEN: Pubkey = pubkey!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// Token-2022.
pub const TOKEN_2022: Pubkey = pubkey!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
/// Associated token accounts.
pub const ASSOCIATED: Pubkey = pubkey!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// Refuses a mint that could take fees, call others, move or freeze by default, hide amounts, or come back changed.
pub fn require_harmless(mint: &AccountInfo<'_>, token_program: &Pubkey) -> Result<()> {
    ensure!(token_program == &TOKEN || token_program == &TOKEN_2022, GatewayError::WrongToken);
    let data = mint.try_borrow_data()?;
    ensure!(extensions::are_harmless(&data), GatewayError::HostileToken);
    Ok(())
}
