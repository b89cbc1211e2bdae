use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    clock,
    errors::{ensure, GatewayError},
    events::{self, EscapeRequested},
    state::{Config, Lock},
    wire::Terms,
};

/// Starts the window after which a leg escapes to `on_abort`, by anyone. For when the hub is gone; a decision may still
/// come until the escape is executed.
#[derive(Accounts)]
pub struct RequestEscape<'info> {
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup)]
    pub lock: Box<Account<'info, Lock>>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl RequestEscape<'_> {
    pub fn run(ctx: Context<RequestEscape>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        let lock_key = terms.lock_key(&deal_id, &accounts.config);
        ensure!(accounts.lock.key() == accounts.lock.address(&lock_key), GatewayError::WrongAddress);
        accounts.lock.require_locked()?;
        ensure!(accounts.lock.escape_requested_at == 0, GatewayError::EscapeAlreadyRequested);
        ensure!(now >= terms.escape_at, GatewayError::EscapeNotYet);
        let executable_at = now.checked_add(terms.escape_window).ok_or(GatewayError::Overflow)?;
        accounts.lock.escape_requested_at = now;
        let event = EscapeRequested { deal_id, lock_key, index: terms.index, executable_at };
        events::emit(&accounts.event_authority, &event)
    }
}
