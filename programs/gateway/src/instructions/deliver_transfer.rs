use anchor_lang::prelude::*;

use crate::{
    addresses::{self, is_at, is_home},
    clock, credits,
    errors::{ensure, GatewayError},
    state::{Asset, Checkpoint, Config, Epoch, Page, Route, Target},
    transfers::{self, Ledger},
    wire::{Passage, Proof},
};

/// Delivers a transfer of SOL that comes home.
#[derive(Accounts)]
pub struct DeliverTransfer<'info> {
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
    #[account(mut, constraint = is_at(&bridge, &addresses::BRIDGE) @ ErrorCode::ConstraintAddress)]
    pub bridge: UncheckedAccount<'info>,
    /// CHECK: compared below with the recipient.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl DeliverTransfer<'_> {
    pub fn run(ctx: Context<DeliverTransfer>, passage: Passage, proof: Proof) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        ensure!(accounts.asset.is_native(), GatewayError::WrongToken);
        let ledger = Ledger {
            config: &accounts.config,
            epoch: &accounts.epoch,
            target: &accounts.target,
            checkpoint: &accounts.checkpoint,
            page: &accounts.page,
            asset: &mut accounts.asset,
            route: &mut accounts.route,
        };
        let (recipient, amount) = transfers::arrive(ledger, &accounts.event_authority, &passage, &proof, now)?;
        ensure!(accounts.destination.key == &recipient, GatewayError::InvalidDestination);
        credits::pay_out(&accounts.bridge.to_account_info(), &accounts.destination, amount)
    }
}
