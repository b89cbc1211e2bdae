use anchor_lang::prelude::*;

use crate::{
    addresses::PAGE_SEED,
    errors::{ensure, GatewayError},
    state::{Page, KIND_REFUNDED},
    store,
};

/// Opens a page of replay bits, by anyone, for ever. No bit can be set in a page that does not exist, and none is ever
/// cleared, so that a page is empty exactly once. One that is there already stays as it is.
#[derive(Accounts)]
pub struct OpenPage<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub page: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
}

impl OpenPage<'_> {
    pub fn run(ctx: Context<OpenPage>, kind: u8, chain: u64, index: u64) -> Result<()> {
        ensure!(kind <= KIND_REFUNDED, GatewayError::InvalidArgument);
        let accounts = ctx.accounts;
        let seeds: [&[u8]; 4] = [PAGE_SEED, &[kind], &chain.to_le_bytes(), &index.to_le_bytes()];
        // Whoever carries the next message finds it missing at the same moment: both calls must do.
        if !store::is_free(&accounts.page) {
            let (expected, _) = Pubkey::find_program_address(&seeds, &crate::ID);
            ensure!(accounts.page.key() == expected, GatewayError::WrongAddress);
            return Ok(());
        }
        let bump = store::open(&accounts.payer, &accounts.page, &seeds, Page::SPACE)?;
        store::write(&accounts.page, &Page { kind, bump, reserved: [0; 6], chain, index })
    }
}
