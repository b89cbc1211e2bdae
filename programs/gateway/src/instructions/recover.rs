use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    clock,
    epochs::{self, Next},
    errors::{ensure, GatewayError},
    events::{self, Recovered},
    state::{Config, Epoch},
};

/// Gives a chain that slept through its epoch a living set again. The epoch may lie further ahead than the next, since
/// the hub has gone on meanwhile; the skipped ones stay unknown here.
#[derive(Accounts)]
pub struct Recover<'info> {
    #[account(address = config.recovery_owner @ GatewayError::Unauthorized)]
    pub recovery_owner: Signer<'info>,
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(mut, dup, constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(
        mut, dup,
        constraint = is_home(&current_epoch) @ ErrorCode::ConstraintAddress,
        constraint = current_epoch.number == config.current_epoch @ GatewayError::UnknownEpoch,
    )]
    pub current_epoch: Box<Account<'info, Epoch>>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub next_epoch: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl Recover<'_> {
    pub fn run(ctx: Context<Recover>, epoch: u64, expires_at: u64, valset_hash: [u8; 32]) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        ensure!(now > accounts.current_epoch.expires_at, GatewayError::EpochNotExpired);
        ensure!(epoch > accounts.config.current_epoch, GatewayError::NotConsecutive);
        epochs::hand_over(
            &accounts.payer,
            &accounts.next_epoch,
            &mut accounts.config,
            &mut accounts.current_epoch,
            Next { number: epoch, valset_hash, expires_at },
            now,
        )?;
        events::emit(&accounts.event_authority, &Recovered { epoch, valset_hash, expires_at })
    }
}
