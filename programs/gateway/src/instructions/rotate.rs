use anchor_lang::prelude::*;
use infrastrukt_core::leaf;

use crate::{
    addresses::is_home,
    certified, clock,
    epochs::{self, Next},
    errors::{ensure, GatewayError},
    events::{self, Rotated},
    state::{Checkpoint, Config, Epoch},
    wire::Proof,
};

/// Takes the next epoch's set, certified by the current one in a checkpoint of its own kind.
#[derive(Accounts)]
pub struct Rotate<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(mut, dup, constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(constraint = is_home(&checkpoint) @ ErrorCode::ConstraintAddress)]
    pub checkpoint: Box<Account<'info, Checkpoint>>,
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

impl Rotate<'_> {
    pub fn run(ctx: Context<Rotate>, epoch: u64, expires_at: u64, valset_hash: [u8; 32], proof: Proof) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        ensure!(accounts.config.current_epoch.checked_add(1) == Some(epoch), GatewayError::NotConsecutive);
        certified::require_rotation(&accounts.current_epoch, &accounts.checkpoint, now)?;
        proof.check(&accounts.checkpoint.outbox_root, leaf::rotate(epoch, &valset_hash, expires_at))?;
        epochs::hand_over(
            &accounts.payer,
            &accounts.next_epoch,
            &mut accounts.config,
            &mut accounts.current_epoch,
            Next { number: epoch, valset_hash, expires_at },
            now,
        )?;
        events::emit(&accounts.event_authority, &Rotated { epoch, valset_hash, expires_at })
    }
}
