use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    clock,
    errors::{ensure, GatewayError},
    events::{self, OutflowLimitSet},
    state::{Asset, Config},
};

/// Sets how much of a token may flow out at once, refilled evenly over the window: arrivals, and returns of what expired,
/// each this much. Without a limit nothing flows out, and nothing is taken in that could then not be given back.
#[derive(Accounts)]
pub struct SetOutflowLimit<'info> {
    pub owner: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup, constraint = is_home(&asset) @ ErrorCode::ConstraintAddress)]
    pub asset: Box<Account<'info, Asset>>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl SetOutflowLimit<'_> {
    pub fn run(ctx: Context<SetOutflowLimit>, capacity: u64, window: u64) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_owner(&accounts.owner)?;
        ensure!(window != 0, GatewayError::InvalidArgument);
        accounts.asset.set_limit(clock::now()?, capacity, window);
        let token = accounts.asset.mint;
        events::emit(&accounts.event_authority, &OutflowLimitSet { token, capacity, window })
    }
}
