//! Transfers of tokens.

use infrastrukt_types::ChainId;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{Judged, LeafProof, Passage, read, sign_write, write};
use crate::{
    address::{Gateway, NATIVE, Purse, SYSTEM_PROGRAM, associated_token},
    discriminator::instruction::{BRIDGE, BRIDGE_TOKEN, DELIVER_TRANSFER, DELIVER_TRANSFER_TOKEN, REFUND_TRANSFER},
};

/// A transfer that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) target: ChainId,
    pub(crate) recipient: [u8; 32],
    pub(crate) amount: u64,
    pub(crate) deadline: u64,
    pub(crate) refund_to: [u8; 32],
    pub(crate) max_fee: u64,
}

/// A transfer that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refunded {
    pub(crate) refund_to: Pubkey,
    /// The mint and its token program; `None` for SOL.
    pub(crate) token: Option<(Pubkey, Pubkey)>,
    /// True where the route burned what left, so that it is minted anew.
    pub(crate) mints: bool,
}

impl Gateway {
    /// Sends tokens to another chain, out of the sender's associated account where they are no SOL.
    pub(crate) fn transfer(&self, sender: Pubkey, token: Option<(Pubkey, Pubkey)>, transfer: &Transfer) -> Instruction {
        let Transfer { target, recipient, amount, deadline, refund_to, max_fee } = *transfer;
        let args = (recipient, amount, deadline, refund_to, max_fee);
        let mint = token.map_or(NATIVE, |(mint, _)| mint);
        let mut accounts = vec![
            sign_write(sender),
            read(self.config),
            write(self.target(target)),
            read(self.asset(&mint)),
            write(self.route(target, &mint)),
        ];
        let Some((mint, token_program)) = token else {
            accounts.extend([write(self.bridge), write(self.fees), read(SYSTEM_PROGRAM)]);
            return self.emitting(BRIDGE, &args, accounts);
        };
        accounts.extend([
            read(self.bridge),
            write(self.fees),
            write(mint),
            write(associated_token(&sender, &mint, &token_program)),
            write(associated_token(&self.bridge, &mint, &token_program)),
            read(token_program),
            read(SYSTEM_PROGRAM),
        ]);
        self.emitting(BRIDGE_TOKEN, &args, accounts)
    }

    /// Delivers a transfer to `recipient`.
    pub(crate) fn deliver_transfer(
        &self,
        by: &Judged,
        (recipient, token): (Pubkey, Option<(Pubkey, Pubkey)>),
        passage: &Passage,
        proof: &LeafProof,
    ) -> Instruction {
        let mint = token.map_or(NATIVE, |(mint, _)| mint);
        let mut accounts = vec![
            read(self.config),
            read(self.epoch(by.epoch)),
            read(self.target(by.peer)),
            read(by.checkpoint),
            write(by.page),
            write(self.asset(&mint)),
            write(self.route(by.peer, &mint)),
        ];
        let Some((mint, token_program)) = token else {
            accounts.extend([write(self.bridge), write(recipient)]);
            return self.emitting(DELIVER_TRANSFER, &(passage, proof), accounts);
        };
        accounts.extend([
            read(self.bridge),
            write(mint),
            write(associated_token(&self.bridge, &mint, &token_program)),
            write(associated_token(&recipient, &mint, &token_program)),
            read(token_program),
        ]);
        self.emitting(DELIVER_TRANSFER_TOKEN, &(passage, proof), accounts)
    }

    /// Credits an expired transfer to whom it named for that.
    pub(crate) fn refund_transfer(
        &self,
        payer: Pubkey,
        by: &Judged,
        refunded: &Refunded,
        passage: &Passage,
        proof: &LeafProof,
    ) -> Instruction {
        let Refunded { refund_to, token, mints } = *refunded;
        let mint = token.map_or(NATIVE, |(mint, _)| mint);
        let mut accounts = vec![
            sign_write(payer),
            read(self.config),
            read(self.epoch(by.epoch)),
            read(self.target(by.peer)),
            read(by.checkpoint),
            write(by.page),
            write(self.asset(&mint)),
            write(self.route(by.peer, &mint)),
            read(self.bridge),
            write(self.credit(Purse::Bridge, &refund_to, &mint)),
        ];
        match token.filter(|_| mints) {
            Some((mint, token_program)) => accounts.extend([
                write(mint),
                write(associated_token(&self.bridge, &mint, &token_program)),
                read(token_program),
            ]),
            // The program's own id stands for an account that is left out.
            None => accounts.extend([read(self.program), read(self.program), read(self.program)]),
        }
        accounts.push(read(SYSTEM_PROGRAM));
        self.emitting(REFUND_TRANSFER, &(passage, proof), accounts)
    }
}
