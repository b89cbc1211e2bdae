use anchor_lang::prelude::*;
use infrastrukt_core::{
    books::{wire_decimals, Kind, MAX_DECIMALS},
    message::is_evm_word,
};

use crate::{
    addresses::{is_at, is_home, BRIDGE, PAIR_SEED, ROUTE_SEED},
    errors::{ensure, GatewayError},
    events::{self, RouteRegistered},
    state::{kind_of, Asset, Config, Pair, Route},
    store,
    token::MintView,
};

/// Ids below belong to chains whose addresses have 20 bytes.
const FIRST_ASSIGNED_ID: u64 = 1 << 63;

/// The other side of a route, and what it takes to get there.
#[derive(AnchorSerialize, AnchorDeserialize, Clone)]
pub struct RouteArgs {
    pub chain: u64,
    pub remote_token: [u8; 32],
    pub kind: u8,
    pub remote_decimals: u8,
    pub receive_gas: u64,
}

/// Pairs a local token with a token of another chain, for ever. A token minted here has one home; a remote token has one
/// counterpart here.
#[derive(Accounts)]
pub struct RegisterRoute<'info> {
    pub owner: Signer<'info>,
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup, constraint = is_home(&asset) @ ErrorCode::ConstraintAddress)]
    pub asset: Box<Account<'info, Asset>>,
    /// CHECK: the asset's; the system program's address is zero, as SOL's mint is.
    #[account(constraint = is_at(&mint, &asset.mint) @ ErrorCode::ConstraintAddress)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub route: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub pair: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl RegisterRoute<'_> {
    pub fn run(ctx: Context<RegisterRoute>, args: RouteArgs) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_owner(&accounts.owner)?;
        ensure!(store::is_free(&accounts.route) && store::is_free(&accounts.pair), GatewayError::RouteExists);
        check(&args, &accounts.config, &accounts.asset)?;
        let kind = kind_of(args.kind).ok_or(GatewayError::InvalidRoute)?;
        if kind == Kind::Mint {
            check_minted(&accounts.asset, &accounts.mint)?;
            accounts.asset.home = args.chain;
        } else {
            // What is locked here is minted there, and no chain mints its native coin for us.
            ensure!(args.remote_token != [0; 32], GatewayError::InvalidRoute);
        }
        let event = accounts.open(&args)?;
        events::emit(&accounts.event_authority, &event)
    }

    fn open(&self, args: &RouteArgs) -> Result<RouteRegistered> {
        let (chain, token) = (args.chain.to_le_bytes(), self.asset.mint);
        let pair_seeds: [&[u8]; 3] = [PAIR_SEED, &chain, &args.remote_token];
        store::open(&self.payer, &self.pair, &pair_seeds, 8 + Pair::INIT_SPACE)?;
        store::write(&self.pair, &Pair { token })?;
        let route_seeds: [&[u8]; 3] = [ROUTE_SEED, &chain, token.as_ref()];
        let bump = store::open(&self.payer, &self.route, &route_seeds, 8 + Route::INIT_SPACE)?;
        let route = Route {
            chain: args.chain,
            token,
            remote_token: args.remote_token,
            kind: args.kind,
            local_decimals: self.asset.decimals,
            wire_decimals: wire_decimals(self.asset.decimals, args.remote_decimals),
            bump,
            receive_gas: args.receive_gas,
            sent: 0,
            returned: 0,
            received: 0,
            backing: 0,
        };
        store::write(&self.route, &route)?;
        Ok(RouteRegistered {
            token,
            chain: args.chain,
            remote_token: args.remote_token,
            kind: args.kind,
            local_decimals: route.local_decimals,
            wire_decimals: route.wire_decimals,
            receive_gas: args.receive_gas,
        })
    }
}

fn check(args: &RouteArgs, config: &Config, asset: &Asset) -> Result<()> {
    let is_elsewhere = args.chain != 0 && args.chain != config.chain;
    let is_address = args.chain >= FIRST_ASSIGNED_ID || is_evm_word(&args.remote_token);
    let are_decimals_sound = asset.decimals <= MAX_DECIMALS;
    ensure!(is_elsewhere && is_address && are_decimals_sound && args.receive_gas != 0, GatewayError::InvalidRoute);
    Ok(())
}

/// Only the bridge mints what it mints, from the first on, and nobody can freeze what it has minted.
fn check_minted(asset: &Asset, mint: &AccountInfo<'_>) -> Result<()> {
    ensure!(!asset.is_native() && asset.home == 0, GatewayError::InvalidRoute);
    let mint = MintView::read(mint, &asset.token_program)?;
    let is_ours = mint.authority == Some(BRIDGE) && mint.freeze_authority.is_none() && mint.supply == 0;
    ensure!(is_ours, GatewayError::InvalidRoute);
    Ok(())
}
