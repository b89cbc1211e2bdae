use anchor_lang::prelude::*;

use crate::{addresses::is_home, state::Notice};

/// Closes a notice that the sender of the expired message has read. The sender signs: a wallet itself, a program by the
/// seeds of its address.
#[derive(Accounts)]
pub struct ConsumeNotice<'info> {
    pub sender: Signer<'info>,
    #[account(mut, dup, constraint = is_home(&notice) @ ErrorCode::ConstraintAddress, has_one = sender, has_one = payer, close = payer)]
    pub notice: Box<Account<'info, Notice>>,
    /// CHECK: named by the notice.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
}

impl ConsumeNotice<'_> {
    pub fn run(_ctx: Context<ConsumeNotice>) -> Result<()> {
        Ok(())
    }
}
