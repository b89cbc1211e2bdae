use anchor_lang::prelude::*;

use crate::{
    addresses::{is_at, is_home, is_nobody, BRIDGE, ESCROW},
    credits,
    errors::{ensure, GatewayError},
    events::{self, CreditWithdrawn},
    state::{Credit, PURSE_BRIDGE},
};

/// Pays a credit of SOL: by anyone to the credited account itself, by the credited account to wherever it says.
#[derive(Accounts)]
pub struct WithdrawCredit<'info> {
    #[account(mut, dup, constraint = is_home(&credit) @ ErrorCode::ConstraintAddress, close = rent_payee)]
    pub credit: Box<Account<'info, Credit>>,
    /// CHECK: named by the credit; whether it signs is looked at below.
    #[account(constraint = is_at(&account, &credit.account) @ ErrorCode::ConstraintAddress)]
    pub account: UncheckedAccount<'info>,
    /// CHECK: the one that owes.
    #[account(mut, address = if credit.purse == PURSE_BRIDGE { BRIDGE } else { ESCROW })]
    pub purse: UncheckedAccount<'info>,
    /// CHECK: the credited account, or what it signs for, and nothing of the hub's own.
    #[account(
        mut,
        constraint = destination.key() == account.key() || account.is_signer @ GatewayError::InvalidDestination,
        constraint = destination.key() != credit.key() @ GatewayError::InvalidDestination,
        constraint = !is_nobody(destination.key) @ GatewayError::InvalidDestination,
    )]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: named by the credit.
    #[account(mut, constraint = is_at(&rent_payee, &credit.payer) @ ErrorCode::ConstraintAddress)]
    pub rent_payee: UncheckedAccount<'info>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl WithdrawCredit<'_> {
    pub fn run(ctx: Context<WithdrawCredit>) -> Result<()> {
        let accounts = ctx.accounts;
        let credit = &accounts.credit;
        ensure!(credit.token == Pubkey::default(), GatewayError::WrongToken);
        ensure!(credit.amount != 0, GatewayError::NoCredit);
        let event = CreditWithdrawn {
            purse: credit.purse,
            account: credit.account,
            token: credit.token,
            amount: credit.amount,
            destination: accounts.destination.key(),
        };
        events::emit(&accounts.event_authority, &event)?;
        credits::pay_out(&accounts.purse, &accounts.destination, event.amount)
    }
}
