use anchor_lang::prelude::*;

use crate::{
    addresses::{self, is_at, is_home},
    clock,
    errors::{ensure, GatewayError},
    state::{Asset, Config, Route, Target},
    store,
    transfers::{self, BridgeArgs},
};

/// Sends SOL to another chain: locked here, minted there. What has not arrived by the deadline is given back.
#[derive(Accounts)]
pub struct BridgeSol<'info> {
    #[account(mut)]
    pub sender: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup, constraint = is_home(&target) @ ErrorCode::ConstraintAddress)]
    pub target: Box<Account<'info, Target>>,
    #[account(constraint = is_home(&asset) @ ErrorCode::ConstraintAddress)]
    pub asset: Box<Account<'info, Asset>>,
    #[account(mut, dup, constraint = is_home(&route) @ ErrorCode::ConstraintAddress)]
    pub route: Box<Account<'info, Route>>,
    /// CHECK: nothing but its address counts, which no other program can sign for.
    #[account(mut, constraint = is_at(&bridge, &addresses::BRIDGE) @ ErrorCode::ConstraintAddress)]
    pub bridge: UncheckedAccount<'info>,
    /// CHECK: nothing but its address counts, which no other program can sign for.
    #[account(mut, constraint = is_at(&fees, &addresses::FEES) @ ErrorCode::ConstraintAddress)]
    pub fees: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl BridgeSol<'_> {
    pub fn run(ctx: Context<BridgeSol>, args: BridgeArgs) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        ensure!(accounts.asset.is_native(), GatewayError::WrongToken);
        let (sent, fee) = transfers::depart(
            &accounts.config,
            &mut accounts.target,
            &accounts.asset,
            &mut accounts.route,
            &args,
            now,
        )?;
        let from = accounts.sender.key;
        transfers::record_departure(&accounts.event_authority, &sent, &accounts.asset, from, &args)?;
        store::pay(&accounts.sender, &accounts.fees.to_account_info(), fee)?;
        store::pay(&accounts.sender, &accounts.bridge.to_account_info(), args.amount)
    }
}
