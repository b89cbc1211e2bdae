//! Four validators with known keys, and what they would certify.

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_types::{
    Address, B256, Checkpoint, CheckpointKind, EcdsaCertificate, Epoch, Height, HubId, Leaf, Outbox, Scheme, Timestamp,
    Validator, ValidatorSet, keccak256,
};

use crate::Failure;

/// A validator set of four with equal weights, its keys derived from a name. For tests only: anyone can sign for it.
#[derive(Clone, Debug)]
pub struct TestValidators {
    /// Ascending by address, as in the set.
    keys: Vec<PrivateKeySigner>,
    set: ValidatorSet,
}

impl TestValidators {
    /// Validators in the set.
    pub const COUNT: usize = 4;
    /// How many of them are a quorum.
    pub const QUORUM: usize = 3;

    /// The set of epoch 1.
    pub fn genesis() -> Self {
        Self::named("genesis")
    }

    /// Another set, for rotations and forgeries.
    pub fn named(name: &str) -> Self {
        let key = |index: usize| {
            let secret = keccak256(format!("infrastrukt test validator {name} {index}"));
            PrivateKeySigner::from_bytes(&secret).expect("a hash is a valid secp256k1 key but once in 2^127 names")
        };
        let mut keys: Vec<_> = (0..Self::COUNT).map(key).collect();
        keys.sort_by_key(PrivateKeySigner::address);
        let members = keys.iter().map(|key| Validator { address: key.address(), weight: 1 }).collect();
        let set = ValidatorSet::new(members).expect("distinct keys have distinct addresses");
        Self { keys, set }
    }

    /// The set.
    pub const fn set(&self) -> &ValidatorSet {
        &self.set
    }

    /// The hash a verifier stores for it.
    pub fn hash(&self) -> B256 {
        self.set.hash(Scheme::Ecdsa)
    }

    /// The signature of one of them.
    pub fn share(&self, index: usize, digest: B256) -> (Address, [u8; 65]) {
        let key = &self.keys[index];
        (key.address(), key.sign_hash_sync(&digest).expect("a local key signs any digest").as_bytes())
    }

    /// A certificate in its wire encoding by the first `signers` of them, be they a quorum or not.
    pub fn certificate(&self, digest: B256, signers: usize) -> EcdsaCertificate {
        let mut bytes = self.set.encode(Scheme::Ecdsa);
        let mut bitmap = vec![0u8; self.keys.len().div_ceil(8)];
        (0..signers).for_each(|index| bitmap[index / 8] |= 1 << (index % 8));
        bytes.extend(bitmap);
        (0..signers).for_each(|index| bytes.extend(self.share(index, digest).1));
        EcdsaCertificate(bytes.into())
    }

    /// The checkpoint of `height` over these leaves, with a quorum's certificate and the proof of the leaves `picked`.
    pub fn certify(
        &self,
        hub_id: HubId,
        height: u64,
        kind: CheckpointKind,
        leaves: &[Leaf],
        picked: &[u32],
    ) -> Result<CertifiedLeaves, Failure> {
        let outbox = Outbox::new(leaves.iter().map(Leaf::hash).collect())
            .ok_or_else(|| Failure::new("a checkpoint needs a leaf"))?;
        let checkpoint = Checkpoint {
            hub_id,
            kind,
            epoch: Epoch(1),
            valset_hash: self.hash(),
            height: Height(height),
            time: Timestamp(1_700_000_000 + height),
            outbox_root: outbox.root(),
            state_root: keccak256(height.to_be_bytes()),
        };
        let proof = outbox.prove(picked).map_err(Failure::new)?;
        let certificate = self.certificate(checkpoint.digest(), Self::QUORUM);
        Ok(CertifiedLeaves { checkpoint, certificate, proof })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_verifies_and_one_less_does_not() {
        let validators = TestValidators::genesis();
        let digest = keccak256(b"checkpoint");
        let certify = |signers| validators.certificate(digest, signers).verify(validators.set(), digest);
        assert!(certify(TestValidators::QUORUM).is_ok());
        assert!(certify(TestValidators::COUNT).is_ok());
        assert!(certify(TestValidators::QUORUM - 1).is_err());
    }
}
