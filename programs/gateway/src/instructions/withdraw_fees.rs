use anchor_lang::prelude::*;

use crate::{
    addresses::{self, is_at, is_home, is_nobody},
    credits,
    errors::{ensure, GatewayError},
    events::{self, FeesWithdrawn},
    state::Config,
};

/// Pays fees out. They have a purse of their own, so that nothing else can leave this way.
#[derive(Accounts)]
pub struct WithdrawFees<'info> {
    pub owner: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    /// CHECK: nothing but its address counts, which no other program can sign for.
    #[account(mut, constraint = is_at(&fees, &addresses::FEES) @ ErrorCode::ConstraintAddress)]
    pub fees: UncheckedAccount<'info>,
    /// CHECK: the owner's choice, and nothing of the hub's own.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl WithdrawFees<'_> {
    pub fn run(ctx: Context<WithdrawFees>, amount: u64) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_owner(&accounts.owner)?;
        ensure!(!is_nobody(accounts.destination.key), GatewayError::InvalidDestination);
        let to = accounts.destination.key();
        events::emit(&accounts.event_authority, &FeesWithdrawn { to, amount })?;
        credits::pay_out(&accounts.fees.to_account_info(), &accounts.destination, amount)
    }
}
