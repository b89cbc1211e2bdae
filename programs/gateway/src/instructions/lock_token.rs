use anchor_lang::prelude::*;

use crate::{
    addresses::{is_at, is_home},
    clock,
    errors::{ensure, GatewayError},
    events::{self, Locked},
    legs,
    state::{Asset, Config, LockState, PAUSED_LOCK},
    token::{self, Parties},
    wire::Terms,
};

/// Locks the depositor's tokens. Another may pay rent and fees.
#[derive(Accounts)]
pub struct LockToken<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    pub depositor: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(constraint = is_home(&asset) @ ErrorCode::ConstraintAddress)]
    pub asset: Box<Account<'info, Asset>>,
    /// CHECK: the asset's, which was checked when that was opened.
    #[account(constraint = is_at(&mint, &asset.mint) @ ErrorCode::ConstraintAddress)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: the token program lets the depositor spend from it or fails; the vault never is its own source.
    #[account(mut, constraint = source.key() != vault.key() @ GatewayError::InvalidDestination)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: the asset's.
    #[account(mut, constraint = is_at(&vault, &asset.escrow_vault) @ ErrorCode::ConstraintAddress)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub lock: UncheckedAccount<'info>,
    /// CHECK: the asset's.
    #[account(constraint = is_at(&token_program, &asset.token_program) @ ErrorCode::ConstraintAddress)]
    pub token_program: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl LockToken<'_> {
    pub fn run(ctx: Context<LockToken>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_open(PAUSED_LOCK)?;
        ensure!(!accounts.asset.is_native() && terms.token == accounts.asset.mint, GatewayError::WrongToken);
        legs::check(&terms, &accounts.config, accounts.depositor.key, clock::now()?)?;
        let lock_key = terms.lock_key(&deal_id, &accounts.config);
        legs::open(&accounts.payer, &accounts.lock, &lock_key, LockState::Locked)?;
        events::emit(&accounts.event_authority, &Locked { deal_id, lock_key, index: terms.index })?;
        let parties = Parties {
            program: &accounts.token_program,
            mint: &accounts.mint,
            decimals: accounts.asset.decimals,
            authority: &accounts.depositor,
            signer: &[],
        };
        token::transfer(&parties, &accounts.source, &accounts.vault, terms.amount)
    }
}
