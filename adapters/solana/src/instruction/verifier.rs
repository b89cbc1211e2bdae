//! Certificates and validator sets.

use solana_instruction::Instruction;
use solana_pubkey::Pubkey;

use super::{Header, LeafProof, read, sign_write, write};
use crate::{
    address::{Gateway, SYSTEM_PROGRAM},
    discriminator::instruction::{CLOSE_CHECKPOINT, PUBLISH_SET, ROTATE, VERIFY_CHECKPOINT},
};

impl Gateway {
    /// Counts signatures on a checkpoint; a bitmap of signers, then a signature for each.
    pub(crate) fn verify_checkpoint(
        &self,
        payer: Pubkey,
        (epoch, checkpoint): (u64, Pubkey),
        header: &Header,
        signatures: &[u8],
    ) -> Instruction {
        let accounts = vec![
            sign_write(payer),
            read(self.config),
            read(self.epoch(epoch)),
            write(checkpoint),
            read(SYSTEM_PROGRAM),
        ];
        self.call(VERIFY_CHECKPOINT, &(header, signatures), accounts)
    }

    /// Closes the account of an old checkpoint; its rent goes back to whoever paid it.
    pub(crate) fn close_checkpoint(&self, checkpoint: Pubkey, payer: Pubkey) -> Instruction {
        self.call(CLOSE_CHECKPOINT, &(), vec![write(checkpoint), write(payer)])
    }

    /// Stores the members of an epoch's set, of which the chain knows the hash.
    pub(crate) fn publish_set(&self, payer: Pubkey, epoch: u64, set: &[u8]) -> Instruction {
        let accounts = vec![sign_write(payer), write(self.epoch(epoch)), read(SYSTEM_PROGRAM)];
        self.call(PUBLISH_SET, &(epoch, set), accounts)
    }

    /// Hands over to the next epoch.
    pub(crate) fn rotate(
        &self,
        payer: Pubkey,
        (current, checkpoint): (u64, Pubkey),
        (epoch, valset_hash, expires_at): (u64, [u8; 32], u64),
        proof: &LeafProof,
    ) -> Instruction {
        let accounts = vec![
            sign_write(payer),
            write(self.config),
            read(checkpoint),
            write(self.epoch(current)),
            write(self.epoch(epoch)),
            read(SYSTEM_PROGRAM),
        ];
        self.emitting(ROTATE, &(epoch, expires_at, valset_hash, proof), accounts)
    }
}
