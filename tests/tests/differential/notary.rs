//! Validator sets with known keys, honest and malformed ones, and what they certify.

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_types::{
    B256, Checkpoint, CheckpointKind, EcdsaCertificate, Epoch, Height, Leaf, Outbox, Timestamp, keccak256,
};
use std::collections::HashMap;

use crate::world;

/// The set of the first epoch.
pub(crate) const FIRST: usize = 0;
/// Sets that can certify; those behind them never can.
pub(crate) const SOUND_SETS: usize = 4;
pub(crate) const SETS: usize = 7;

/// Everyone who signs is a bit, as in the bitmap.
pub(crate) type Signers = u16;

struct Set {
    /// In the order of the encoding.
    members: Vec<(PrivateKeySigner, u64)>,
    encoded: Vec<u8>,
    hash: B256,
}

/// Knows all keys. Signatures are kept: the same checkpoints come again in other sequences.
pub(crate) struct Notary {
    sets: Vec<Set>,
    certificates: HashMap<(usize, B256, Signers), EcdsaCertificate>,
}

fn key(set: &str, index: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(format!("validator {index} of {set}"))).expect("a hash is a key")
}

fn sorted(name: &str, weights: &[u64]) -> Vec<(PrivateKeySigner, u64)> {
    let mut keys: Vec<_> = (0..).zip(weights).map(|(index, _)| key(name, index)).collect();
    keys.sort_by_key(PrivateKeySigner::address);
    keys.into_iter().zip(weights.iter().copied()).collect()
}

impl Set {
    fn new(members: Vec<(PrivateKeySigner, u64)>) -> Self {
        let count = u16::try_from(members.len()).expect("sets are small");
        let mut encoded = vec![1];
        encoded.extend(count.to_be_bytes());
        for (key, weight) in &members {
            encoded.extend_from_slice(key.address().as_slice());
            encoded.extend(weight.to_be_bytes());
        }
        let hash = keccak256([b"INFRASTRUKT/VALSET/v1".as_slice(), &encoded].concat());
        Self { members, encoded, hash }
    }
}

impl Notary {
    pub(crate) fn new() -> Self {
        let mut unsorted = sorted("unsorted", &[1; 4]);
        unsorted.swap(2, 3);
        let sets = [
            sorted("first", &[1; 4]),
            sorted("second", &[1; 4]),
            sorted("weighted", &[1, 1, 1, 10]),
            sorted("nine", &[3; 9]),
            sorted("three", &[1; 3]),
            unsorted,
            sorted("weightless", &[1, 1, 0, 1]),
        ];
        Self { sets: sets.map(Set::new).into(), certificates: HashMap::new() }
    }

    pub(crate) fn hash(&self, set: usize) -> B256 {
        self.sets[set].hash
    }

    /// The set with this hash; the first one for a hash that nobody made.
    pub(crate) fn find(&self, hash: B256) -> usize {
        self.sets.iter().position(|set| set.hash == hash).unwrap_or(FIRST)
    }

    pub(crate) fn everyone(&self, set: usize) -> Signers {
        let count = u32::try_from(self.sets[set].members.len()).expect("sets are small");
        (1 << count) - 1
    }

    pub(crate) fn certificate(&mut self, set: usize, digest: B256, signers: Signers) -> EcdsaCertificate {
        let known = &self.sets[set];
        let make = || {
            let mut bytes = known.encoded.clone();
            let bitmap_len = known.members.len().div_ceil(8);
            bytes.extend_from_slice(&signers.to_le_bytes()[..bitmap_len]);
            for (index, (key, _)) in known.members.iter().enumerate() {
                if signers >> index & 1 == 1 {
                    bytes.extend(key.sign_hash_sync(&digest).expect("a local key signs any digest").as_bytes());
                }
            }
            EcdsaCertificate(bytes.into())
        };
        self.certificates.entry((set, digest, signers)).or_insert_with(make).clone()
    }

    /// A checkpoint over these leaves that everyone of the set signed, with the proof of those at `picked`.
    pub(crate) fn certify(
        &mut self,
        set: usize,
        epoch: Epoch,
        kind: CheckpointKind,
        leaves: &[Leaf],
        picked: &[u32],
    ) -> CertifiedLeaves {
        let outbox = Outbox::new(leaves.iter().map(Leaf::hash).collect()).expect("there are leaves");
        let checkpoint = Checkpoint {
            hub_id: world::hub(),
            kind,
            epoch,
            valset_hash: self.hash(set),
            height: Height(1_000),
            time: Timestamp(world::START.0 - 1),
            outbox_root: outbox.root(),
            state_root: keccak256(b"state"),
        };
        let certificate = self.certificate(set, checkpoint.digest(), self.everyone(set));
        let proof = outbox.prove(picked).expect("the picked leaves are there");
        CertifiedLeaves { checkpoint, certificate, proof }
    }
}
