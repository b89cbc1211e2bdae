use anchor_lang::prelude::*;

use crate::{
    addresses::{is_at, is_home, is_nobody, BRIDGE, BRIDGE_SIGNER, ESCROW, ESCROW_SIGNER},
    errors::{ensure, GatewayError},
    events::{self, CreditWithdrawn},
    state::{Asset, Credit, PURSE_BRIDGE},
    token::{self, Holding, Parties},
};

/// Pays a credit of tokens: by anyone to the credited account's associated token account, by the credited account to
/// whichever it says.
#[derive(Accounts)]
pub struct WithdrawCreditToken<'info> {
    #[account(mut, dup, constraint = is_home(&credit) @ ErrorCode::ConstraintAddress, close = rent_payee)]
    pub credit: Box<Account<'info, Credit>>,
    /// CHECK: named by the credit; whether it signs is looked at below.
    #[account(constraint = is_at(&account, &credit.account) @ ErrorCode::ConstraintAddress)]
    pub account: UncheckedAccount<'info>,
    #[account(constraint = is_home(&asset) @ ErrorCode::ConstraintAddress, constraint = asset.mint == credit.token @ GatewayError::WrongToken)]
    pub asset: Box<Account<'info, Asset>>,
    /// CHECK: the asset's.
    #[account(constraint = is_at(&mint, &asset.mint) @ ErrorCode::ConstraintAddress)]
    pub mint: UncheckedAccount<'info>,
    /// CHECK: the one that owes.
    #[account(address = if credit.purse == PURSE_BRIDGE { BRIDGE } else { ESCROW })]
    pub purse: UncheckedAccount<'info>,
    /// CHECK: the vault of the one that owes.
    #[account(mut, address = if credit.purse == PURSE_BRIDGE { asset.bridge_vault } else { asset.escrow_vault })]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: whose it is, is read below; the vault never is its own destination.
    #[account(mut, constraint = destination.key() != vault.key() @ GatewayError::InvalidDestination)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: named by the credit.
    #[account(mut, constraint = is_at(&rent_payee, &credit.payer) @ ErrorCode::ConstraintAddress)]
    pub rent_payee: UncheckedAccount<'info>,
    /// CHECK: the asset's.
    #[account(constraint = is_at(&token_program, &asset.token_program) @ ErrorCode::ConstraintAddress)]
    pub token_program: UncheckedAccount<'info>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl WithdrawCreditToken<'_> {
    pub fn run(ctx: Context<WithdrawCreditToken>) -> Result<()> {
        let accounts = ctx.accounts;
        let (credit, asset) = (&accounts.credit, &accounts.asset);
        ensure!(!asset.is_native(), GatewayError::WrongToken);
        ensure!(credit.amount != 0, GatewayError::NoCredit);
        accounts.check_destination()?;
        let event = CreditWithdrawn {
            purse: credit.purse,
            account: credit.account,
            token: credit.token,
            amount: credit.amount,
            destination: accounts.destination.key(),
        };
        events::emit(&accounts.event_authority, &event)?;
        let parties = Parties {
            program: &accounts.token_program,
            mint: &accounts.mint,
            decimals: asset.decimals,
            authority: &accounts.purse,
            signer: &[if credit.purse == PURSE_BRIDGE { BRIDGE_SIGNER } else { ESCROW_SIGNER }],
        };
        token::transfer(&parties, &accounts.vault, &accounts.destination, event.amount)
    }

    /// An associated account of SPL Token can be given away, so that its owner counts as well as its address.
    fn check_destination(&self) -> Result<()> {
        let owner = Holding::read(&self.destination, self.token_program.key)?.owner;
        ensure!(!is_nobody(&owner), GatewayError::InvalidDestination);
        if !self.account.is_signer {
            let associated = token::associated(self.account.key, self.token_program.key, self.mint.key);
            let is_own = self.destination.key == &associated && &owner == self.account.key;
            ensure!(is_own, GatewayError::InvalidDestination);
        }
        Ok(())
    }
}
