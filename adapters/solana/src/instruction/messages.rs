//! Messages.

use infrastrukt_types::{ChainId, MessageId, Nonce};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{Inbound, LeafProof, LeavesProof, Outbound, read, sign, sign_write, write};
use crate::{
    address::{Gateway, PAGE_NONCES, PageKind, SYSTEM_PROGRAM},
    discriminator::instruction::{DELIVER, DELIVER_BATCH, EXPIRE, OPEN_PAGE, REFUND, SEND},
};

/// The accounts by which a leaf is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// The epoch's number.
    pub(crate) epoch: u64,
    /// The verified checkpoint.
    pub(crate) checkpoint: Pubkey,
    /// The chain at the other end.
    pub(crate) peer: ChainId,
    /// The page of the message's bit.
    pub(crate) page: Pubkey,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sending<'a> {
    pub(crate) target: ChainId,
    pub(crate) recipient: [u8; 32],
    pub(crate) gas_limit: u64,
    pub(crate) deadline: u64,
    pub(crate) max_fee: u64,
    pub(crate) payload: &'a [u8],
}

impl Gateway {
    /// Sends a message; the sender pays its fee.
    pub(crate) fn send(&self, sender: Pubkey, sending: &Sending<'_>) -> Instruction {
        let Sending { target, recipient, gas_limit, deadline, max_fee, payload } = sending;
        let accounts = vec![
            sign(sender),
            sign_write(sender),
            read(self.config),
            write(self.target(*target)),
            write(self.fees),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(SEND, &(recipient, gas_limit, deadline, max_fee, payload), accounts)
    }

    /// Makes the page of a nonce's bit.
    pub(crate) fn open_page(&self, payer: Pubkey, kind: PageKind, chain: ChainId, nonce: Nonce) -> Instruction {
        let accounts = vec![sign_write(payer), write(self.page(kind, chain, nonce)), read(SYSTEM_PROGRAM)];
        self.call(OPEN_PAGE, &(kind.byte(), chain.0, nonce.0 / PAGE_NONCES), accounts)
    }

    /// Delivers one message.
    pub(crate) fn deliver(
        &self,
        payer: Pubkey,
        by: &Judged,
        (id, message): (MessageId, &Inbound),
        proof: &LeafProof,
    ) -> Instruction {
        let accounts = vec![
            sign_write(payer),
            read(self.config),
            read(self.epoch(by.epoch)),
            read(self.target(by.peer)),
            read(by.checkpoint),
            write(by.page),
            write(self.inbox(id)),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(DELIVER, &(message, proof), accounts)
    }

    /// Delivers several messages of one source and page, passing over those that are refused.
    pub(crate) fn deliver_batch(
        &self,
        payer: Pubkey,
        by: &Judged,
        messages: &[(MessageId, Inbound)],
        proof: &LeavesProof,
    ) -> Instruction {
        let accounts = vec![
            sign_write(payer),
            read(self.config),
            read(self.epoch(by.epoch)),
            read(self.target(by.peer)),
            read(by.checkpoint),
            write(by.page),
            read(SYSTEM_PROGRAM),
        ];
        let bodies: Vec<&Inbound> = messages.iter().map(|(_, message)| message).collect();
        let mut batch = self.emitting(DELIVER_BATCH, &(bodies, proof), accounts);
        batch.accounts.extend(messages.iter().map(|(id, _)| write(self.inbox(*id))));
        batch
    }

    /// Marks a message as one that is never delivered.
    pub(crate) fn expire(&self, by: &Judged, message: &Inbound, proof: &LeafProof) -> Instruction {
        let accounts = vec![
            read(self.config),
            read(self.epoch(by.epoch)),
            read(self.target(by.peer)),
            read(by.checkpoint),
            write(by.page),
        ];
        self.emitting(EXPIRE, &(message, proof), accounts)
    }

    /// Gives an expired message back to its sender, by a notice.
    pub(crate) fn refund(
        &self,
        payer: Pubkey,
        by: &Judged,
        (id, message): (MessageId, &Outbound),
        proof: &LeafProof,
    ) -> Instruction {
        let accounts = vec![
            sign_write(payer),
            read(self.config),
            read(self.epoch(by.epoch)),
            read(self.target(by.peer)),
            read(by.checkpoint),
            write(by.page),
            write(self.notice(id)),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(REFUND, &(message, proof), accounts)
    }
}
