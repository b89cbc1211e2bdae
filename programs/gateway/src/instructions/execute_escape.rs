use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    clock,
    credits::{self, Debt},
    errors::{ensure, GatewayError},
    events::{self, Escaped},
    state::{Config, Lock, LockState, PURSE_ESCROW},
    wire::Terms,
};

/// Credits a leg to `on_abort` once the window of its escape is over, by anyone. The tip is nobody's.
#[derive(Accounts)]
pub struct ExecuteEscape<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup)]
    pub lock: Box<Account<'info, Lock>>,
    /// CHECK: opened or read at its address.
    #[account(mut)]
    pub credit: UncheckedAccount<'info>,
    pub system_program: Program<'info, System>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl ExecuteEscape<'_> {
    pub fn run(ctx: Context<ExecuteEscape>, deal_id: [u8; 32], terms: Terms) -> Result<()> {
        let (accounts, now) = (ctx.accounts, clock::now()?);
        let lock_key = terms.lock_key(&deal_id, &accounts.config);
        ensure!(accounts.lock.key() == accounts.lock.address(&lock_key), GatewayError::WrongAddress);
        accounts.lock.require_locked()?;
        let requested_at = accounts.lock.escape_requested_at;
        ensure!(requested_at != 0, GatewayError::EscapeNotRequested);
        let executable_at = requested_at.checked_add(terms.escape_window).ok_or(GatewayError::Overflow)?;
        ensure!(now >= executable_at, GatewayError::EscapeNotYet);
        accounts.lock.state = LockState::Escaped;
        events::emit(&accounts.event_authority, &Escaped { deal_id, lock_key, index: terms.index })?;
        let debt = Debt { purse: PURSE_ESCROW, account: terms.on_abort, token: terms.token, amount: terms.amount };
        credits::add(&accounts.payer, &accounts.credit, debt)
    }
}
