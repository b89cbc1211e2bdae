use anchor_lang::prelude::*;

use crate::{
    addresses::{self, is_at, is_home, BRIDGE_SIGNER},
    clock,
    credits::{self, Debt},
    errors::{ensure, GatewayError},
    state::{Asset, Checkpoint, Config, Epoch, Page, Route, Target, PURSE_BRIDGE},
    token::{self, Parties},
    transfers::{self, Ledger},
    wire::{Passage, Proof},
};

/// Gives a transfer back that expired undelivered: a credit of whom its sender named. What was burned is minted into the
/// vault that the credit is paid from.
#[derive(Accounts)]
pub struct RefundTransfer<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(constraint = is_home(&epoch) @ ErrorCode::ConstraintAddress)]
    pub epoch: Box<Account<'info, Epoch>>,
    #[account(constraint = is_home(&target) @ ErrorCode::ConstraintAddress)]
    pub target: Box<Account<'info, Target>>,
    #[account(constraint = is_home(&checkpoint) @ ErrorCode::ConstraintAddress)]
    pub checkpoint: Box<Account<'info, Checkpoint>>,
    #[account(mut, dup, constraint = is_home(&page) @ ErrorCode::ConstraintAddress)]
    pub page: Box<Account<'info, Page>>,
    #[account(mut, dup, constraint = is_home(&asset) @ ErrorCode::ConstraintAddress)]
    pub asset: Box<Account<'info, Asset>>,
    #[account(mut, dup, constraint = is_home(&route) @ ErrorCode::ConstraintAddress)]
    pub route: Box<Account<'info, Route>>,
    /// CHECK: nothing but its address counts, which no other program can sign for.
    #[account(constraint = is_at(&bridge, &addresses::BRIDGE) @ ErrorCode::ConstraintAddress)]
    pub bridge: UncheckedAccount<'info>,
    /// CHECK: opened or read at its address.
    #[account(mut)]
    pub credit: UncheckedAccount<'info>,
    /// CHECK: the asset's, for what is minted.
    #[account(mut, address = asset.mint)]
    pub mint: Option<UncheckedAccount<'info>>,
    /// CHECK: the asset's, for what is minted.
    #[account(mut, address = asset.bridge_vault)]
    pub vault: Option<UncheckedAccount<'info>>,
    /// CHECK: the asset's, for what is minted.
    #[account(address = asset.token_program)]
    pub token_program: Option<UncheckedAccount<'info>>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl RefundTransfer<'_> {
    pub fn run(ctx: Context<RefundTransfer>, passage: Passage, proof: Proof) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        let ledger = Ledger {
            config: &accounts.config,
            epoch: &accounts.epoch,
            target: &accounts.target,
            checkpoint: &accounts.checkpoint,
            page: &accounts.page,
            asset: &mut accounts.asset,
            route: &mut accounts.route,
        };
        let (account, amount) = transfers::come_back(ledger, &accounts.event_authority, &passage, &proof, now)?;
        let debt = Debt { purse: PURSE_BRIDGE, account, token: accounts.asset.mint, amount };
        credits::add(&accounts.payer, &accounts.credit, debt)?;
        if accounts.route.is_minted() {
            accounts.mint(amount)
        } else {
            Ok(())
        }
    }

    fn mint(&self, amount: u64) -> Result<()> {
        let (Some(mint), Some(vault), Some(program)) = (&self.mint, &self.vault, &self.token_program) else {
            return Err(GatewayError::WrongToken.into());
        };
        ensure!(vault.key == &self.asset.bridge_vault, GatewayError::WrongToken);
        let bridge = self.bridge.to_account_info();
        let decimals = self.asset.decimals;
        let parties = Parties { program, mint, decimals, authority: &bridge, signer: &[BRIDGE_SIGNER] };
        token::mint_to(&parties, vault, amount)
    }
}
