//! A hub of four validators with known keys: the checkpoints, proofs and certificates that the contracts check.

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use anyhow::{Context, Result};
use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_types::{
    Checkpoint, CheckpointKind, EcdsaCertificate, Epoch, Height, HubId, Leaf, Outbox, Scheme, Timestamp, Validator,
    ValidatorSet, keccak256,
};

const VALIDATORS: usize = 4;
/// The fewest that are more than two thirds of four.
pub(crate) const SIGNERS: usize = 3;

/// The hub as the contracts know it.
pub(crate) struct Hub {
    pub(crate) id: HubId,
    pub(crate) set: ValidatorSet,
    keys: Vec<PrivateKeySigner>,
}

impl Hub {
    pub(crate) fn new() -> Result<Self> {
        let key = |index: usize| PrivateKeySigner::from_bytes(&keccak256(format!("validator {index} of the bench")));
        let keys = (0..VALIDATORS).map(key).collect::<Result<Vec<_>, _>>()?;
        let members = keys.iter().map(|key| Validator { address: key.address(), weight: 1 }).collect();
        Ok(Self { id: HubId(keccak256("the bench's hub")), set: ValidatorSet::new(members)?, keys })
    }

    /// Certifies all leaves in one checkpoint and proves the ones from `first` on, `count` of them.
    pub(crate) fn certify(&self, leaves: &[Leaf], first: u32, count: u32, time: u64) -> Result<CertifiedLeaves> {
        let outbox = Outbox::new(leaves.iter().map(Leaf::hash).collect()).context("an outbox has leaves")?;
        let kind = leaves.first().map_or(CheckpointKind::General, Leaf::kind);
        let checkpoint = Checkpoint {
            hub_id: self.id,
            kind,
            epoch: Epoch(1),
            valset_hash: self.set.hash(Scheme::Ecdsa),
            height: Height(1_000),
            time: Timestamp(time),
            outbox_root: outbox.root(),
            state_root: keccak256("a state"),
        };
        let digest = checkpoint.digest();
        let mut shares = Vec::with_capacity(SIGNERS);
        for key in self.keys.iter().take(SIGNERS) {
            shares.push((key.address(), key.sign_hash_sync(&digest)?.as_bytes()));
        }
        let certificate = EcdsaCertificate::assemble(&self.set, digest, &shares)?;
        let proof = outbox.prove(&(first..first + count).collect::<Vec<_>>())?;
        Ok(CertifiedLeaves { checkpoint, certificate, proof })
    }
}
