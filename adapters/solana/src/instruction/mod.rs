//! Instructions of the gateway and of the chain's own programs, as the interface in `programs/README.md` has them.

mod admin;
mod args;
mod bridge;
mod escrow;
mod messages;
mod native;
mod verifier;

pub(crate) use admin::{Initialize, TargetTerms};
pub(crate) use args::{Header, Inbound, LeafProof, LeavesProof, Outbound, Passage, TRANSFER_BYTES, Terms};
pub(crate) use bridge::{Refunded, Transfer};
pub(crate) use escrow::Payout;
pub(crate) use messages::{Judged, Sending};
pub(crate) use native::{approve, create_associated_token, unit_limit, unit_price};

use borsh::BorshSerialize;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

use crate::{address::Gateway, discriminator::Discriminator};

/// An account that is only read.
const fn read(key: Pubkey) -> AccountMeta {
    AccountMeta { pubkey: key, is_signer: false, is_writable: false }
}

/// An account that is changed.
const fn write(key: Pubkey) -> AccountMeta {
    AccountMeta { pubkey: key, is_signer: false, is_writable: true }
}

/// An account that signs and is only read.
const fn sign(key: Pubkey) -> AccountMeta {
    AccountMeta { pubkey: key, is_signer: true, is_writable: false }
}

/// An account that signs and is changed.
const fn sign_write(key: Pubkey) -> AccountMeta {
    AccountMeta { pubkey: key, is_signer: true, is_writable: true }
}

impl Gateway {
    fn call(
        &self,
        discriminator: Discriminator,
        args: &impl BorshSerialize,
        accounts: Vec<AccountMeta>,
    ) -> Instruction {
        let mut data = discriminator.to_vec();
        args.serialize(&mut data)
            .expect("writing to a vector cannot fail, and no argument has a length beyond 32 bits");
        Instruction { program_id: self.program, accounts, data }
    }

    /// A call that emits events: the event authority and the program itself come last.
    fn emitting(
        &self,
        discriminator: Discriminator,
        args: &impl BorshSerialize,
        mut accounts: Vec<AccountMeta>,
    ) -> Instruction {
        accounts.extend([read(self.event_authority), read(self.program)]);
        self.call(discriminator, args, accounts)
    }
}
