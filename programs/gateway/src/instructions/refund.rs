use anchor_lang::prelude::*;
use infrastrukt_core::{leaf, Bytes32};

use crate::{
    addresses::{is_home, BRIDGE, NOTICE_SEED},
    certified, clock,
    errors::{ensure, GatewayError},
    events::{self, Refunded},
    state::{claim, Checkpoint, Config, Epoch, Notice, Page, Target, KIND_REFUNDED},
    store,
    wire::{Outbound, Proof},
};

/// Tells the sender of a message of this chain that it expired undelivered, once, by the certified leaf that says so.
#[derive(Accounts)]
pub struct Refund<'info> {
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
    pub notice: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl Refund<'_> {
    pub fn run(ctx: Context<Refund>, message: Outbound, proof: Proof) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        certified::require_general(&accounts.epoch, &accounts.checkpoint, now)?;
        let id = message.id(&accounts.config, &accounts.target)?;
        proof.check(&accounts.checkpoint.outbox_root, leaf::expired(&id))?;
        // The bridge's own messages carry money that has to be given back with them.
        ensure!(message.sender != BRIDGE.to_bytes(), GatewayError::InvalidRecipient);
        accounts.page.require_holds(KIND_REFUNDED, message.target, message.nonce)?;
        ensure!(claim(&accounts.page, message.nonce)?, GatewayError::AlreadyRefunded);
        let refunded = Refunded { id, target: message.target, nonce: message.nonce };
        accounts.notify(id, message)?;
        events::emit(&accounts.event_authority, &refunded)
    }

    fn notify(&self, id: Bytes32, message: Outbound) -> Result<()> {
        let space = Notice::space(message.payload.len());
        let bump = store::open(&self.payer, &self.notice, &[NOTICE_SEED, &id], space)?;
        let notice = Notice {
            bump,
            id,
            chain: message.target,
            sender: Pubkey::new_from_array(message.sender),
            recipient: message.recipient,
            payer: self.payer.key(),
            deadline: message.deadline,
            timestamp: message.timestamp,
            payload: message.payload,
        };
        store::write(&self.notice, &notice)
    }
}
