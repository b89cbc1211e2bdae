use anchor_lang::prelude::*;
use infrastrukt_core::leaf;

use crate::{
    addresses::is_home,
    certified, clock,
    credits::{self, Debt},
    errors::{ensure, GatewayError},
    events::{self, Settled},
    state::{Checkpoint, Config, Epoch, Lock, LockState, PURSE_ESCROW},
    wire::{Proof, Terms},
};

/// Releases (COMMIT) or refunds (ABORT) a leg by the certified decision of its deal. Payee and settler are credited, so
/// that nothing about either can hold the decision up.
#[derive(Accounts)]
pub struct Settle<'info> {
    #[account(mut)]
    pub settler: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(constraint = is_home(&epoch) @ ErrorCode::ConstraintAddress)]
    pub epoch: Box<Account<'info, Epoch>>,
    #[account(constraint = is_home(&checkpoint) @ ErrorCode::ConstraintAddress)]
    pub checkpoint: Box<Account<'info, Checkpoint>>,
    #[account(mut, dup)]
    pub lock: Box<Account<'info, Lock>>,
    /// CHECK: opened or read at its address.
    #[account(mut)]
    pub credit: UncheckedAccount<'info>,
    /// CHECK: opened or read at its address, and never touched without a tip. The payee's own when it settles itself.
    #[account(mut)]
    pub tip_credit: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl Settle<'_> {
    pub fn run(ctx: Context<Settle>, deal_id: [u8; 32], commit: bool, terms: Terms, proof: Proof) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        let grace = accounts.config.grace;
        certified::require_decision(&accounts.epoch, &accounts.checkpoint, commit, now, grace)?;
        proof.check(&accounts.checkpoint.outbox_root, leaf::decision(&deal_id, commit))?;
        let lock_key = terms.lock_key(&deal_id, &accounts.config);
        ensure!(accounts.lock.key() == accounts.lock.address(&lock_key), GatewayError::WrongAddress);
        accounts.lock.require_locked()?;
        accounts.lock.state = if commit { LockState::Released } else { LockState::Refunded };
        events::emit(&accounts.event_authority, &Settled { deal_id, lock_key, index: terms.index, commit })?;
        accounts.credit(&terms, commit)
    }

    fn credit(&self, terms: &Terms, commit: bool) -> Result<()> {
        let payee = if commit { terms.on_commit } else { terms.on_abort };
        let rest = terms.amount.checked_sub(terms.tip).ok_or(GatewayError::InvalidAmount)?;
        let debt = |account, amount| Debt { purse: PURSE_ESCROW, account, token: terms.token, amount };
        credits::add(&self.settler, &self.credit, debt(payee, rest))?;
        credits::add(&self.settler, &self.tip_credit, debt(self.settler.key(), terms.tip))
    }
}
