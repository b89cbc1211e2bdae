use anchor_lang::prelude::*;

use crate::{
    addresses::{self, is_at, is_home},
    clock,
    errors::{ensure, GatewayError},
    state::{Asset, Config, Route, Target},
    store,
    token::{self, Parties},
    transfers::{self, BridgeArgs},
};

/// Sends tokens to another chain: locked where they are at home, burned elsewhere. What has not arrived by the deadline is
/// given back.
#[derive(Accounts)]
pub struct BridgeToken<'info> {
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
    #[account(constraint = is_at(&bridge, &addresses::BRIDGE) @ ErrorCode::ConstraintAddress)]
    pub bridge: UncheckedAccount<'info>,
    /// CHECK: nothing but its address counts, which no other program can sign for.
    #[account(mut, constraint = is_at(&fees, &addresses::FEES) @ ErrorCode::ConstraintAddress)]
    pub fees: UncheckedAccount<'info>,
    /// CHECK: the asset's, which was checked when that was opened.
    #[account(mut, constraint = is_at(&mint, &asset.mint) @ ErrorCode::ConstraintAddress)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: the token program lets the sender spend from it or fails; the vault never is its own source.
    #[account(mut, constraint = source.key() != vault.key() @ GatewayError::InvalidDestination)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: the asset's.
    #[account(mut, constraint = is_at(&vault, &asset.bridge_vault) @ ErrorCode::ConstraintAddress)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: the asset's.
    #[account(constraint = is_at(&token_program, &asset.token_program) @ ErrorCode::ConstraintAddress)]
    pub token_program: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl BridgeToken<'_> {
    pub fn run(ctx: Context<BridgeToken>, args: BridgeArgs) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        ensure!(!accounts.asset.is_native(), GatewayError::WrongToken);
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
        accounts.take(args.amount)
    }

    fn take(&self, amount: u64) -> Result<()> {
        let parties = Parties {
            program: &self.token_program,
            mint: &self.mint,
            decimals: self.asset.decimals,
            authority: &self.sender,
            signer: &[],
        };
        if self.route.is_minted() {
            token::burn(&parties, &self.source, amount)
        } else {
            token::transfer(&parties, &self.source, &self.vault, amount)
        }
    }
}
