//! What every message that leaves has in common, sent by an account or by the token bridge.

use anchor_lang::prelude::*;
use infrastrukt_core::message::Message;

use crate::{
    errors::{ensure, GatewayError},
    events::Sent,
    state::{Config, Target, PAUSED_SEND},
};

/// Longest payload: its event is copied twice on a heap of 32 kB that frees nothing, and has to fit in one inner
/// instruction.
pub const MAX_PAYLOAD_BYTES: usize = 4_096;
/// The same where there is a deadline: `refund` brings the payload back beside a proof, all in one transaction. What was
/// sent and could not be given back would wait for ever.
pub const MAX_RETURNED_BYTES: usize = 256;

/// A message before it has a nonce.
pub struct Draft {
    /// Who sends it.
    pub sender: [u8; 32],
    /// Who receives it there.
    pub recipient: [u8; 32],
    /// Gas it is given there.
    pub gas_limit: u64,
    /// Last second of the target's time at which it may be delivered, 0 for none.
    pub deadline: u64,
    /// What is said.
    pub payload: Vec<u8>,
}

/// Gives the message its nonce and id. The caller records the event and takes the fee.
pub fn send(config: &Config, target: &mut Target, draft: Draft, now: u64) -> Result<Sent> {
    config.require_open(PAUSED_SEND)?;
    ensure!(!target.is_paused(), GatewayError::Paused);
    ensure!(target.has_account(&draft.recipient), GatewayError::InvalidRecipient);
    ensure!(draft.deadline == 0 || draft.deadline > now, GatewayError::DeadlinePassed);
    let most = if draft.deadline == 0 { MAX_PAYLOAD_BYTES } else { MAX_RETURNED_BYTES };
    ensure!(draft.payload.len() <= most, GatewayError::PayloadTooLarge);
    target.nonce = target.nonce.checked_add(1).ok_or(GatewayError::Overflow)?;
    let message = Message {
        source: config.chain,
        target: target.chain,
        nonce: target.nonce,
        sender: &draft.sender,
        recipient: &draft.recipient,
        timestamp: now,
        gas_limit: draft.gas_limit,
        deadline: draft.deadline,
        payload: &draft.payload,
    };
    Ok(Sent {
        id: message.id(&config.hub_id, &crate::ID.to_bytes(), &target.gateway),
        target: target.chain,
        nonce: target.nonce,
        sender: draft.sender,
        recipient: draft.recipient,
        timestamp: now,
        gas_limit: draft.gas_limit,
        deadline: draft.deadline,
        payload: draft.payload,
    })
}

/// The price of a message, which must be within what its sender allows.
pub fn fee(target: &Target, gas_limit: u64, payload_bytes: usize, max_fee: u64, now: u64) -> Result<u64> {
    let fee = target.quote(now, gas_limit, payload_bytes)?;
    ensure!(fee <= max_fee, GatewayError::FeeTooHigh);
    Ok(fee)
}
