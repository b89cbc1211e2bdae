use anchor_lang::prelude::*;

use crate::{
    addresses::is_home,
    errors::{ensure, GatewayError},
    events::{self, PeerRegistered},
    state::{Config, Target},
};

/// Names the bridge of another chain, for ever.
#[derive(Accounts)]
pub struct RegisterPeer<'info> {
    pub owner: Signer<'info>,
    #[account(constraint = is_home(&config) @ ErrorCode::ConstraintAddress)]
    pub config: Box<Account<'info, Config>>,
    #[account(mut, dup, constraint = is_home(&target) @ ErrorCode::ConstraintAddress)]
    pub target: Box<Account<'info, Target>>,
    /// CHECK: compared where the event is recorded.
    pub event_authority: UncheckedAccount<'info>,
    /// CHECK: only here so that the program can call itself.
    pub program: UncheckedAccount<'info>,
}

impl RegisterPeer<'_> {
    pub fn run(ctx: Context<RegisterPeer>, peer: [u8; 32]) -> Result<()> {
        let accounts = ctx.accounts;
        accounts.config.require_owner(&accounts.owner)?;
        ensure!(accounts.target.bridge_peer == [0; 32], GatewayError::PeerExists);
        ensure!(accounts.target.has_account(&peer), GatewayError::UnknownPeer);
        accounts.target.bridge_peer = peer;
        events::emit(&accounts.event_authority, &PeerRegistered { chain: accounts.target.chain, peer })
    }
}
