//! The hub as the program sees it: a set that certifies checkpoints.

use solana_address::Address;

use crate::{
    pda,
    wire::{Certificate, Checkpoint, Kind, Multiproof, Tree, ValidatorSet, Word},
};

/// A hub in one of its epochs.
#[derive(Clone, Debug)]
pub struct Hub {
    /// Its id.
    pub id: Word,
    /// The current epoch.
    pub epoch: u64,
    /// The set that signs.
    pub set: ValidatorSet,
    /// Height of the last checkpoint.
    pub height: u64,
}

/// A checkpoint with all that proves it and its leaves.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Its outbox.
    pub tree: Tree,
    /// Its signatures.
    pub certificate: Certificate,
}

impl Hub {
    /// A checkpoint over these leaves, not signed by anybody.
    pub fn checkpoint(&mut self, kind: Kind, time: u64, leaves: &[Word]) -> Checkpoint {
        self.height += 1;
        Checkpoint {
            hub_id: self.id,
            kind: kind.byte(),
            epoch: self.epoch,
            valset_hash: self.set.hash(),
            height: self.height,
            time,
            outbox_root: Tree::new(leaves).root(),
            state_root: crate::wire::keccak(&[b"state", &self.height.to_be_bytes()]),
        }
    }

    /// A checkpoint over these leaves, signed by the least quorum.
    pub fn certify(&mut self, kind: Kind, time: u64, leaves: &[Word]) -> Certified {
        let checkpoint = self.checkpoint(kind, time, leaves);
        let certificate = self.set.certify_least(&checkpoint.digest());
        Certified { checkpoint, tree: Tree::new(leaves), certificate }
    }
}

impl Certified {
    /// What follows the set in the certificate: what the program is sent.
    pub fn signatures(&self) -> Vec<u8> {
        [&self.certificate.bitmap[..], &self.certificate.signatures.concat()].concat()
    }

    /// Where the program keeps what it knows of it.
    pub fn address(&self) -> Address {
        pda::checkpoint(&self.checkpoint.digest())
    }

    /// The proof of one leaf.
    pub fn proof(&self, index: u32) -> Multiproof {
        self.tree.proof(&[index])
    }
}
