use anchor_lang::prelude::*;

use crate::{
    addresses::Placed,
    clock,
    errors::{ensure, GatewayError},
    state::Checkpoint,
    store,
};

/// How long a checkpoint stays for others to use, in seconds.
const KEPT_SECONDS: u64 = 3_600;

/// Closes a checkpoint that is old, by anyone, for the one who paid for it. It can be verified anew.
#[derive(Accounts)]
pub struct CloseCheckpoint<'info> {
    /// CHECK: nothing where somebody has closed it; else read and compared with its address.
    #[account(mut)]
    pub checkpoint: UncheckedAccount<'info>,
    /// CHECK: compared below with the one that the checkpoint names.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
}

impl CloseCheckpoint<'_> {
    pub fn run(ctx: Context<CloseCheckpoint>) -> Result<()> {
        let accounts = ctx.accounts;
        // Anyone closes. Whoever comes a moment later must not lose what goes along in the same transaction.
        if store::is_free(&accounts.checkpoint) {
            return Ok(());
        }
        let checkpoint: Checkpoint = store::read(&accounts.checkpoint)?;
        ensure!(accounts.checkpoint.key == &checkpoint.address(), GatewayError::WrongAddress);
        ensure!(accounts.payer.key == &checkpoint.payer, GatewayError::WrongAddress);
        let closable_at = checkpoint.opened_at.saturating_add(KEPT_SECONDS);
        ensure!(clock::now()? >= closable_at, GatewayError::CheckpointTooYoung);
        store::close(&accounts.checkpoint, &accounts.payer)
    }
}
