use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    errors::{ensure, GatewayError},
    events::{self, LockCancelled},
    legs,
    state::{Config, LockState},
    wire::Terms,
};

/// Gives up the depositor's own lock before it is opened, for ever: nothing signed for it earlier opens it from now on. To
/// the deal this is a leg that is never locked. A lock that is open stays.
#[derive(Accounts)]
pub struct CancelLock<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    pub depositor: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub lock: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl CancelLock<'_> {
    pub fn run(ctx: Context<CancelLock>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        let accounts = ctx.accounts;
        ensure!(&terms.depositor == accounts.depositor.key, GatewayError::NotDepositor);
        let lock_key = terms.lock_key(&deal_id, &accounts.config);
        legs::open(&accounts.payer, &accounts.lock, &lock_key, LockState::Cancelled)?;
        events::emit(&accounts.event_authority, &LockCancelled { deal_id, lock_key, index: terms.index })
    }
}
