use anchor_lang::prelude::*;

use crate::{
    addresses::{self, is_at, is_home},
    clock, events,
    outbound::{self, Draft},
    state::{Config, Target},
    store,
};

/// Sends a message. The fee is paid here, nothing is charged on the target.
#[derive(Accounts)]
pub struct SendMessage<'info> {
    pub sender: Signer<'info>,
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup, constraint = is_home(&target) @ ErrorCode::ConstraintAddress)]
    pub target: Box<Account<'info, Target>>,
    /// CHECK: nothing but its address counts, which no other program can sign for.
    #[account(mut, constraint = is_at(&fees, &addresses::FEES) @ ErrorCode::ConstraintAddress)]
    pub fees: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl SendMessage<'_> {
    pub fn run(
        ctx: Context<SendMessage>,
        recipient: [u8; 32],
        gas_limit: u64,
        deadline: u64,
        max_fee: u64,
        payload: Vec<u8>,
    ) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        let fee = outbound::fee(&accounts.target, gas_limit, payload.len(), max_fee, now)?;
        let sender = accounts.sender.key().to_bytes();
        let draft = Draft { sender, recipient, gas_limit, deadline, payload };
        let sent = outbound::send(&accounts.config, &mut accounts.target, draft, now)?;
        events::emit(&accounts.event_authority, &sent)?;
        store::pay(&accounts.payer, &accounts.fees.to_account_info(), fee)
    }
}
