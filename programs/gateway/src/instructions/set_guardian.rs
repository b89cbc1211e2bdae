use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    errors::{ensure, GatewayError},
    events::{self, GuardianSet},
    state::Config,
};

/// The guardian passes its role on, or the owner replaces it.
#[event_cpi]
#[derive(Accounts)]
pub struct SetGuardian<'info> {
    pub authority: Signer<'info>,
    #[account(mut, dup, constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
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
