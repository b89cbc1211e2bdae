use anchor_lang::prelude::*;
use infrastrukt_core::{leaf, Bytes32};

use crate::{
    addresses::is_home,
    certified, clock,
    errors::{ensure, GatewayError},
    events::{self, Delivered},
    inbound,
    state::{claim, Checkpoint, Config, Epoch, Page, Target, KIND_CONSUMED},
    wire::{Inbound, Multiproof},
};

/// Most messages of a batch. A transaction's size is reached before.
const MAX_MESSAGES: usize = 8;

/// Delivers several messages of one source under one proof, each to the inbox at its place among the remaining accounts.
/// Those that expired, were delivered before or have a recipient that is refused are skipped, so that none holds up
/// another.
#[derive(Accounts)]
pub struct DeliverBatch<'info> {
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
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl<'info> DeliverBatch<'info> {
    pub fn run(ctx: Context<'info, DeliverBatch<'info>>, messages: Vec<Inbound>, proof: Multiproof) -> Result<()> {
        let (accounts, inboxes, now) = (ctx.accounts, ctx.remaining_accounts, clock::now()?);
        let count = messages.len();
        ensure!(count <= MAX_MESSAGES && count == inboxes.len(), GatewayError::TooManyMessages);
        certified::require_general(&accounts.epoch, &accounts.checkpoint, now)?;
        let ids = messages
            .iter()
            .map(|message| message.id(&accounts.config, &accounts.target))
            .collect::<Result<Vec<Bytes32>>>()?;
        proof.check(&accounts.checkpoint.outbox_root, ids.iter().map(leaf::message).collect())?;
        for ((message, id), inbox) in messages.into_iter().zip(ids).zip(inboxes) {
            accounts.deliver(message, id, inbox, now)?;
        }
        Ok(())
    }

    fn deliver(&self, message: Inbound, id: Bytes32, inbox: &AccountInfo<'info>, now: u64) -> Result<()> {
        self.page.require_holds(KIND_CONSUMED, message.source, message.nonce)?;
        if message.is_expired(now) || !inbound::is_receivable(&message.recipient) {
            return Ok(());
        }
        // A message that stands twice in one batch is a duplicate like any other.
        if !claim(&self.page, message.nonce)? {
            return Ok(());
        }
        let delivered = Delivered { id, source: message.source, nonce: message.nonce };
        inbound::arrive(&self.payer, inbox, id, message)?;
        events::emit(&self.event_authority, &delivered)
    }
}
