use anchor_lang::prelude::*;

use crate::{
    addresses::{ASSET_SEED, BRIDGE, ESCROW},
    errors::{ensure, GatewayError},
    state::Asset,
    store,
    token::{self, Holding, MintView},
};

/// Takes a mint in, by anyone, once: only if none of its extensions could do harm. Extensions of a mint are chosen before
/// it exists and stay; those that can be added later are harmless.
#[derive(Accounts)]
pub struct OpenAsset<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    /// CHECK: read below as a mint of the token program.
    pub mint: UncheckedAccount<'info>,
    /// CHECK: compared below with the two there are.
    pub token_program: UncheckedAccount<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub asset: UncheckedAccount<'info>,
    /// CHECK: compared below with its address, and read.
    pub escrow_vault: UncheckedAccount<'info>,
    /// CHECK: compared below with its address, and read.
    pub bridge_vault: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
}

impl OpenAsset<'_> {
    pub fn run(ctx: Context<OpenAsset>) -> Result<()> {
        let accounts = ctx.accounts;
        let (mint, token_program) = (accounts.mint.key(), accounts.token_program.key());
        token::require_harmless(&accounts.mint, &token_program)?;
        let decimals = MintView::read(&accounts.mint, &token_program)?.decimals;
        check_vault(&accounts.escrow_vault, &ESCROW, &token_program, &mint)?;
        check_vault(&accounts.bridge_vault, &BRIDGE, &token_program, &mint)?;
        let seeds: [&[u8]; 2] = [ASSET_SEED, mint.as_ref()];
        let bump = store::open(&accounts.payer, &accounts.asset, &seeds, 8 + Asset::INIT_SPACE)?;
        let mut asset = Asset::new(mint, token_program, decimals, bump);
        asset.escrow_vault = accounts.escrow_vault.key();
        asset.bridge_vault = accounts.bridge_vault.key();
        store::write(&accounts.asset, &asset)
    }
}

/// A vault is its purse's associated account. Only the purse can approve, close or give it away, and never does.
fn check_vault(vault: &AccountInfo<'_>, purse: &Pubkey, token_program: &Pubkey, mint: &Pubkey) -> Result<()> {
    ensure!(vault.key == &token::associated(purse, token_program, mint), GatewayError::WrongAddress);
    let holding = Holding::read(vault, token_program)?;
    ensure!(&holding.owner == purse && &holding.mint == mint, GatewayError::WrongToken);
    Ok(())
}
