use anchor_lang::prelude::*;
use infrastrukt_core::leaf;

use crate::{
    addresses::is_home,
    certified, clock,
    errors::{ensure, GatewayError},
    events::{self, Delivered},
    inbound,
    state::{claim, Checkpoint, Config, Epoch, Page, Target, KIND_CONSUMED},
    wire::{Inbound, Proof},
};

/// Delivers one message to its recipient's inbox.
#[derive(Accounts)]
pub struct Deliver<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(constraint = is_home(&epoch) @ ErrorCode::ConstraintAddress)]
    pub epoch: Box<Account<'info, Epoch>>,
    #[account(constraint = is_home(&target) @ ErrorCode::ConstraintAddress)]
    pub target: Box<Account<'info, Target>>,
    #[account(constraint = is_home(&checkpoint) @ ErrorCode::ConstraintAddress)]
    pub checkpoint: Box<Account<'info, Checkpoint>>,
    #[account(mut, dup, constraint = is_home(&page) @ ErrorCode::ConstraintAddress)]
    pub page: Box<Account<'info, Page>>,
    /// CHECK: opened here at its address.
    #[account(mut)]
    pub inbox: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl Deliver<'_> {
    pub fn run(ctx: Context<Deliver>, message: Inbound, proof: Proof) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        certified::require_general(&accounts.epoch, &accounts.checkpoint, now)?;
        let id = message.id(&accounts.config, &accounts.target)?;
        proof.check(&accounts.checkpoint.outbox_root, leaf::message(&id))?;
        ensure!(!message.is_expired(now), GatewayError::DeadlinePassed);
        ensure!(inbound::is_receivable(&message.recipient), GatewayError::InvalidRecipient);
        accounts.page.require_holds(KIND_CONSUMED, message.source, message.nonce)?;
        ensure!(claim(&accounts.page, message.nonce)?, GatewayError::AlreadyDelivered);
        let delivered = Delivered { id, source: message.source, nonce: message.nonce };
        inbound::arrive(&accounts.payer, &accounts.inbox, id, message)?;
        events::emit(&accounts.event_authority, &delivered)
    }
}
