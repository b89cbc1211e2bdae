use anchor_lang::prelude::*;

/// Says that a remote token has its one counterpart here: its address contains the remote token.
#[account]
#[derive(InitSpace)]
pub struct Pair {
    /// The local token, zero for SOL.
    pub token: Pubkey,
}
