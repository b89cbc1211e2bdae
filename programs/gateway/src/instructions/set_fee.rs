use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    clock,
    errors::{ensure, GatewayError},
    events::{self, FeeSet},
    state::{Config, Target},
};

/// Sets the price of messages to a chain, and until when it holds. While a price is promised it can only fall and be
/// promised for longer, so that nobody is charged more than they were quoted.
#[derive(Accounts)]
pub struct SetFee<'info> {
    pub owner: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup, constraint = is_home(&target) @ ErrorCode::ConstraintAddress)]
    pub target: Box<Account<'info, Target>>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl SetFee<'_> {
    pub fn run(ctx: Context<SetFee>, base_fee: u64, fee_per_gas_micro: u64, valid_until: u64) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        accounts.config.require_owner(&accounts.owner)?;
        ensure!(valid_until >= now, GatewayError::QuoteExpired);
        let target = &mut accounts.target;
        let is_worse = base_fee > target.base_fee
            || fee_per_gas_micro > target.fee_per_gas_micro
            || valid_until < target.valid_until;
        ensure!(!is_worse || now > target.valid_until, GatewayError::QuoteStillValid);
        target.base_fee = base_fee;
        target.fee_per_gas_micro = fee_per_gas_micro;
        target.valid_until = valid_until;
        let event = FeeSet { target: target.chain, base_fee, fee_per_gas_micro, valid_until };
        events::emit(&accounts.event_authority, &event)
    }
}
