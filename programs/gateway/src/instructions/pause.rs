use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    errors::{ensure, GatewayError},
    events::{self, Paused},
    state::{Config, PAUSED_BRIDGE, PAUSED_LOCK, PAUSED_SEND},
};

/// Says which functions are stopped: new messages, new locks, new transfers. Nothing else can be: what is under way can
/// always be delivered, expired, settled, escaped, refunded and withdrawn.
#[derive(Accounts)]
pub struct Pause<'info> {
    pub authority: Signer<'info>,
    #[account(mut, dup, constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl Pause<'_> {
    pub fn run(ctx: Context<Pause>, functions: u8) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_guardian(&accounts.authority)?;
        ensure!(functions & !(PAUSED_SEND | PAUSED_LOCK | PAUSED_BRIDGE) == 0, GatewayError::InvalidArgument);
        accounts.config.paused = functions;
        events::emit(&accounts.event_authority, &Paused { functions })
    }
}
