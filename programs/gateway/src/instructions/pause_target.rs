use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    events::{self, TargetPaused},
    state::{Config, Target},
};

/// Stops or allows new messages to a chain. What has been sent is not touched by it.
#[derive(Accounts)]
pub struct PauseTarget<'info> {
    pub authority: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup, constraint = is_home(&target) @ ErrorCode::ConstraintAddress)]
    pub target: Box<Account<'info, Target>>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl PauseTarget<'_> {
    pub fn run(ctx: Context<PauseTarget>, paused: bool) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_guardian(&accounts.authority)?;
        accounts.target.set_paused(paused);
        events::emit(&accounts.event_authority, &TargetPaused { target: accounts.target.chain, paused })
    }
}
