use anchor_lang::prelude::*;

use crate::{
    addresses::{self, is_at, is_home, BRIDGE_SIGNER},
    clock,
    errors::{ensure, GatewayError},
    state::{Asset, Checkpoint, Config, Epoch, Page, Route, Target},
    token::{self, Holding, Parties},
    transfers::{self, Ledger},
    wire::{Passage, Proof},
};

/// Delivers a transfer of tokens to the recipient's associated token account: released where they are at home, minted
/// elsewhere.
#[derive(Accounts)]
pub struct DeliverTransferToken<'info> {
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
    /// CHECK: the asset's, which was checked when that was opened.
    #[account(mut, constraint = is_at(&mint, &asset.mint) @ ErrorCode::ConstraintAddress)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: the asset's.
    #[account(mut, constraint = is_at(&vault, &asset.bridge_vault) @ ErrorCode::ConstraintAddress)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: compared below with the recipient's associated account, and read; the vault never pays itself.
    #[account(mut, constraint = destination.key() != vault.key() @ GatewayError::InvalidDestination)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: the asset's.
    #[account(constraint = is_at(&token_program, &asset.token_program) @ ErrorCode::ConstraintAddress)]
    pub token_program: UncheckedAccount<'info>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl DeliverTransferToken<'_> {
    pub fn run(ctx: Context<DeliverTransferToken>, passage: Passage, proof: Proof) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        ensure!(!accounts.asset.is_native(), GatewayError::WrongToken);
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
        accounts.give(&recipient, amount)
    }

    /// An associated account of SPL Token can be given away, so that its owner counts as well as its address.
    fn give(&self, recipient: &Pubkey, amount: u64) -> Result<()> {
        let associated = token::associated(recipient, self.token_program.key, self.mint.key);
        ensure!(self.destination.key == &associated, GatewayError::InvalidDestination);
        let owner = Holding::read(&self.destination, self.token_program.key)?.owner;
        ensure!(&owner == recipient, GatewayError::InvalidDestination);
        let bridge = self.bridge.to_account_info();
        let parties = Parties {
            program: &self.token_program,
            mint: &self.mint,
            decimals: self.asset.decimals,
            authority: &bridge,
            signer: &[BRIDGE_SIGNER],
        };
        if self.route.is_minted() {
            token::mint_to(&parties, &self.destination, amount)
        } else {
            token::transfer(&parties, &self.vault, &self.destination, amount)
        }
    }
}
