//! What every message that arrives has in common.

use anchor_lang::prelude::*;

use crate::{
    addresses::{is_nobody, INBOX_SEED},
    errors::{ensure, GatewayError},
    state::Inbox,
    store,
    wire::Inbound,
};

/// Whether an inbox can be written for this recipient. The hub's own accounts never consume one, and transfers to the
/// bridge have their own instruction.
pub fn is_receivable(recipient: &[u8; 32]) -> bool {
    !is_nobody(&Pubkey::new_from_array(*recipient))
}

/// Opens the inbox of a message at the payer's cost.
pub fn arrive<'info>(
    payer: &AccountInfo<'info>,
    account: &AccountInfo<'info>,
    id: [u8; 32],
    message: Inbound,
) -> Result<()> {
    ensure!(account.is_writable, GatewayError::WrongAddress);
    let bump = store::open(payer, account, &[INBOX_SEED, &id], Inbox::space(message.payload.len()))?;
    let inbox = Inbox {
        bump,
        id,
        chain: message.source,
        sender: message.sender,
        recipient: Pubkey::new_from_array(message.recipient),
        payer: *payer.key,
        deadline: message.deadline,
        timestamp: message.timestamp,
        payload: message.payload,
    };
    store::write(account, &inbox)
}
