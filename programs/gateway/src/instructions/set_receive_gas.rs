use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    errors::{ensure, GatewayError},
    events::{self, ReceiveGasSet},
    state::{Config, Route},
};

/// Sets the gas of transfers sent from now on.
#[derive(Accounts)]
pub struct SetReceiveGas<'info> {
    pub owner: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup, constraint = is_home(&route) @ ErrorCode::ConstraintAddress)]
    pub route: Box<Account<'info, Route>>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl SetReceiveGas<'_> {
    pub fn run(ctx: Context<SetReceiveGas>, receive_gas: u64) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_owner(&accounts.owner)?;
        ensure!(receive_gas != 0, GatewayError::InvalidRoute);
        accounts.route.receive_gas = receive_gas;
        let (token, chain) = (accounts.route.token, accounts.route.chain);
        events::emit(&accounts.event_authority, &ReceiveGasSet { token, chain, receive_gas })
    }
}
