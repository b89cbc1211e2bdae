use anchor_lang::prelude::*;

use crate::{addresses::is_home, state::Inbox};

/// Closes an inbox whose recipient has read it. The recipient signs: a wallet itself, a program by the seeds of its
/// address.
#[derive(Accounts)]
pub struct Consume<'info> {
    pub recipient: Signer<'info>,
    #[account(mut, dup, constraint = is_home(&inbox) @ ErrorCode::ConstraintAddress, has_one = recipient, has_one = payer, close = payer)]
    pub inbox: Box<Account<'info, Inbox>>,
    /// CHECK: named by the inbox.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
}

impl Consume<'_> {
    pub fn run(_ctx: Context<Consume>) -> Result<()> {
        Ok(())
    }
}
