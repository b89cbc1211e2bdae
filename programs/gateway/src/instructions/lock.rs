use anchor_lang::prelude::*;

use crate::{
    addresses::{self, is_at, is_home},
    clock,
    errors::{ensure, GatewayError},
    events::{self, Locked},
    legs,
    state::{Config, LockState, PAUSED_LOCK},
    store,
    wire::Terms,
};

/// Locks the depositor's SOL. Another may pay rent and fees.
#[derive(Accounts)]
pub struct LockSol<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(mut)]
    pub depositor: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    /// CHECK: nothing but its address counts, which no other program can sign for.
    #[account(mut, constraint = is_at(&escrow, &addresses::ESCROW) @ ErrorCode::ConstraintAddress)]
    pub escrow: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub lock: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl LockSol<'_> {
    pub fn run(ctx: Context<LockSol>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_open(PAUSED_LOCK)?;
        ensure!(terms.token == Pubkey::default(), GatewayError::WrongToken);
        legs::check(&terms, &accounts.config, accounts.depositor.key, clock::now()?)?;
        let lock_key = terms.lock_key(&deal_id, &accounts.config);
        legs::open(&accounts.payer, &accounts.lock, &lock_key, LockState::Locked)?;
        events::emit(&accounts.event_authority, &Locked { deal_id, lock_key, index: terms.index })?;
        store::pay(&accounts.depositor, &accounts.escrow.to_account_info(), terms.amount)
    }
}
