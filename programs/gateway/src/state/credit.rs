use anchor_lang::prelude::*;

use crate::addresses::{self, Placed, CREDIT_SEED};

/// What a purse owes to an account, in one token. Closed when it is paid.
#[account]
#[derive(InitSpace)]
pub struct Credit {
    /// `PURSE_…`.
    pub purse: u8,
    /// Of its address.
    pub bump: u8,
    /// Who is owed.
    pub account: Pubkey,
    /// What, zero for SOL.
    pub token: Pubkey,
    /// How much.
    pub amount: u64,
    /// Gets the rent back.
    pub payer: Pubkey,
}

impl Placed for Credit {
    fn address(&self) -> Pubkey {
        addresses::of(&[CREDIT_SEED, &[self.purse], self.account.as_ref(), self.token.as_ref()], self.bump)
    }
}
