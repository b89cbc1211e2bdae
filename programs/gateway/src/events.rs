//! What happened, as inner instructions of the program itself: nobody else can sign for the event authority, and no node
//! truncates them as it does logs.

use anchor_lang::{
    event::EVENT_IX_TAG_LE,
    prelude::*,
    solana_program::{
        instruction::{AccountMeta, Instruction},
        program::invoke_signed,
    },
    Event,
};

use crate::addresses::is_at;

/// Records an event. What `emit_cpi!` does, as one function instead of a copy wherever it is used.
pub fn emit<E: Event>(authority: &AccountInfo<'_>, event: &E) -> Result<()> {
    record(authority, &event.data())
}

fn record(authority: &AccountInfo<'_>, event: &[u8]) -> Result<()> {
    if !is_at(authority, &crate::EVENT_AUTHORITY_AND_BUMP.0) {
        return Err(ErrorCode::ConstraintAddress.into());
    }
    let instruction = Instruction {
        program_id: crate::ID,
        accounts: vec![AccountMeta::new_readonly(*authority.key, true)],
        data: [EVENT_IX_TAG_LE, event].concat(),
    };
    let seeds: &[&[u8]] = &[b"__event_authority", &[crate::EVENT_AUTHORITY_AND_BUMP.1]];
    Ok(invoke_signed(&instruction, &[authority.clone()], &[seeds])?)
}

/// A message left this chain.
#[event]
pub struct Sent {
    pub id: [u8; 32],
    pub target: u64,
    pub nonce: u64,
    pub sender: [u8; 32],
    pub recipient: [u8; 32],
    pub timestamp: u64,
    pub gas_limit: u64,
    pub deadline: u64,
    pub payload: Vec<u8>,
}

/// A message reached its recipient's inbox, or a transfer its account.
#[event]
pub struct Delivered {
    pub id: [u8; 32],
    pub source: u64,
    pub nonce: u64,
}

/// A message will never be delivered.
#[event]
pub struct Expired {
    pub id: [u8; 32],
    pub source: u64,
    pub nonce: u64,
}

/// A message of this chain that expired was given back.
#[event]
pub struct Refunded {
    pub id: [u8; 32],
    pub target: u64,
    pub nonce: u64,
}

/// A leg holds its money.
#[event]
pub struct Locked {
    pub deal_id: [u8; 32],
    pub lock_key: [u8; 32],
    pub index: u8,
}

/// A leg was released or refunded under a certificate.
#[event]
pub struct Settled {
    pub deal_id: [u8; 32],
    pub lock_key: [u8; 32],
    pub index: u8,
    pub commit: bool,
}

/// An escape was asked for.
#[event]
pub struct EscapeRequested {
    pub deal_id: [u8; 32],
    pub lock_key: [u8; 32],
    pub index: u8,
    pub executable_at: u64,
}

/// A leg was refunded by the timer.
#[event]
pub struct Escaped {
    pub deal_id: [u8; 32],
    pub lock_key: [u8; 32],
    pub index: u8,
}

/// A depositor gave a lock up before it was locked.
#[event]
pub struct LockCancelled {
    pub deal_id: [u8; 32],
    pub lock_key: [u8; 32],
    pub index: u8,
}

/// A credit was paid.
#[event]
pub struct CreditWithdrawn {
    pub purse: u8,
    pub account: Pubkey,
    pub token: Pubkey,
    pub amount: u64,
    pub destination: Pubkey,
}

/// The next validator set took over.
#[event]
pub struct Rotated {
    pub epoch: u64,
    pub valset_hash: [u8; 32],
    pub expires_at: u64,
}

/// A chain that slept through its epoch has a set again.
#[event]
pub struct Recovered {
    pub epoch: u64,
    pub valset_hash: [u8; 32],
    pub expires_at: u64,
}

/// Tokens left this chain.
#[event]
pub struct Bridged {
    pub id: [u8; 32],
    pub token: Pubkey,
    pub target: u64,
    pub from: Pubkey,
    pub recipient: [u8; 32],
    pub amount: u64,
}

/// Tokens arrived.
#[event]
pub struct Received {
    pub id: [u8; 32],
    pub token: Pubkey,
    pub source: u64,
    pub recipient: Pubkey,
    pub amount: u64,
}

/// Tokens that never arrived were credited to whom they go back.
#[event]
pub struct Returned {
    pub id: [u8; 32],
    pub token: Pubkey,
    pub refund_to: Pubkey,
    pub amount: u64,
}

/// A chain was opened, or its caps changed.
#[event]
pub struct TargetSet {
    pub target: u64,
    pub gateway: [u8; 32],
    pub max_gas_limit: u32,
    pub max_payload: u16,
    pub evm: bool,
}

/// New messages to a chain were stopped or allowed.
#[event]
pub struct TargetPaused {
    pub target: u64,
    pub paused: bool,
}

/// A price was set.
#[event]
pub struct FeeSet {
    pub target: u64,
    pub base_fee: u64,
    pub fee_per_gas_micro: u64,
    pub valid_until: u64,
}

/// Which functions are stopped now.
#[event]
pub struct Paused {
    pub functions: u8,
}

/// The guardian's role was passed on.
#[event]
pub struct GuardianSet {
    pub guardian: Pubkey,
}

/// Fees were paid out.
#[event]
pub struct FeesWithdrawn {
    pub to: Pubkey,
    pub amount: u64,
}

/// The bridge of another chain was named.
#[event]
pub struct PeerRegistered {
    pub chain: u64,
    pub peer: [u8; 32],
}

/// A local token was paired with a remote one.
#[event]
pub struct RouteRegistered {
    pub token: Pubkey,
    pub chain: u64,
    pub remote_token: [u8; 32],
    pub kind: u8,
    pub local_decimals: u8,
    pub wire_decimals: u8,
    pub receive_gas: u64,
}

/// The gas of transfers from now on.
#[event]
pub struct ReceiveGasSet {
    pub token: Pubkey,
    pub chain: u64,
    pub receive_gas: u64,
}

/// How much of a token may flow out.
#[event]
pub struct OutflowLimitSet {
    pub token: Pubkey,
    pub capacity: u64,
    pub window: u64,
}
