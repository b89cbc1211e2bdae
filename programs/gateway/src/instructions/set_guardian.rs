use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    errors::{ensure, GatewayError},
    events::{self, GuardianSet},
    state::Config,
};

/// The guardian passes its role on, or the owner replaces it.
#[derive(Accounts)]
pub struct SetGuardian<'info> {
    pub authority: Signer<'info>,
    #[account(mut, dup, constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl SetGuardian<'_> {
    pub fn run(ctx: Context<SetGuardian>, guardian: Pubkey) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_guardian(&accounts.authority)?;
        ensure!(guardian != Pubkey::default(), GatewayError::InvalidArgument);
        accounts.config.guardian = guardian;
        events::emit(&accounts.event_authority, &GuardianSet { guardian })
    }
}
