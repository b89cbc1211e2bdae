//! Validators with their keys, their sets, and what they sign.

use k256::ecdsa::{RecoveryId, Signature, SigningKey, VerifyingKey};

use super::{Word, keccak};

/// Scheme byte of secp256k1 signatures.
const ECDSA: u8 = 1;
/// Order of secp256k1.
const ORDER: Word = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc,
    0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// A key with its weight.
#[derive(Clone, Debug)]
pub struct Validator {
    key: SigningKey,
    /// The last 20 bytes of the hash of its public key.
    pub address: [u8; 20],
    /// Its weight.
    pub weight: u64,
}

impl Validator {
    /// The validator whose secret is the hash of its name.
    pub fn named(name: &str, weight: u64) -> Self {
        let key =
            SigningKey::from_slice(&keccak(&[name.as_bytes()])).expect("hashes of names here are below the order");
        let address = address_of(key.verifying_key());
        Self { key, address, weight }
    }

    /// r ‖ s ‖ v with a low s.
    pub fn sign(&self, digest: &Word) -> [u8; 65] {
        let (signature, recovery): (Signature, RecoveryId) =
            self.key.sign_prehash_recoverable(digest).expect("a digest has 32 bytes");
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = 27 + recovery.to_byte();
        bytes
    }
}

fn address_of(key: &VerifyingKey) -> [u8; 20] {
    let point = key.to_encoded_point(false);
    let hash = keccak(&[&point.as_bytes()[1..]]);
    hash[12..].try_into().expect("32 bytes less 12 are 20")
}

/// The other signature of the same key over the same digest, with a high s.
pub fn high_s(signature: &[u8; 65]) -> [u8; 65] {
    let mut bytes = *signature;
    let mut borrow = false;
    for i in (0..32).rev() {
        let (first, under) = ORDER[i].overflowing_sub(signature[32 + i]);
        let (difference, again) = first.overflowing_sub(u8::from(borrow));
        bytes[32 + i] = difference;
        borrow = under || again;
    }
    bytes[64] = 55 - signature[64];
    bytes
}

/// A set of validators, ascending by address.
#[derive(Clone, Debug)]
pub struct ValidatorSet {
    /// Its members.
    pub members: Vec<Validator>,
}

impl ValidatorSet {
    /// A set of members of weight 1, named `prefix` and a number.
    pub fn of(prefix: &str, count: u16) -> Self {
        Self::new((0..count).map(|i| Validator::named(&format!("{prefix} {i}"), 1)).collect())
    }

    /// A set of these members.
    pub fn new(mut members: Vec<Validator>) -> Self {
        members.sort_by_key(|member| member.address);
        Self { members }
    }

    /// scheme ‖ count ‖ members.
    pub fn encoding(&self) -> Vec<u8> {
        encode_members(self.members.iter().map(|member| (member.address, member.weight)))
    }

    /// What checkpoints and rotations name it by.
    pub fn hash(&self) -> Word {
        valset_hash(&self.encoding())
    }

    /// A certificate of the members at these indices, in this order.
    pub fn certify(&self, digest: &Word, signers: &[usize]) -> Certificate {
        let mut bitmap = vec![0; self.members.len().div_ceil(8)];
        for signer in signers {
            bitmap[signer / 8] |= 1 << (signer % 8);
        }
        let signatures = signers.iter().map(|signer| self.members[*signer].sign(digest)).collect();
        Certificate { set: self.encoding(), bitmap, signatures }
    }

    /// A certificate of as few members as make a quorum of equal weights.
    pub fn certify_least(&self, digest: &Word) -> Certificate {
        let least = self.members.len() * 2 / 3 + 1;
        self.certify(digest, &(0..least).collect::<Vec<_>>())
    }
}

/// Encodes members as they are given, so that a set can be wrong in any way.
pub fn encode_members(members: impl ExactSizeIterator<Item = ([u8; 20], u64)>) -> Vec<u8> {
    let count = u16::try_from(members.len()).expect("a set has at most 65,535 members");
    let mut bytes = vec![ECDSA];
    bytes.extend(count.to_be_bytes());
    for (address, weight) in members {
        bytes.extend(address);
        bytes.extend(weight.to_be_bytes());
    }
    bytes
}

/// Hash of an encoded set.
pub fn valset_hash(encoding: &[u8]) -> Word {
    keccak(&[b"INFRASTRUKT/VALSET/v1", encoding])
}

/// Signatures over a checkpoint's digest, in pieces that tests bend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The encoded set.
    pub set: Vec<u8>,
    /// Who signed.
    pub bitmap: Vec<u8>,
    /// One for each bit that is set.
    pub signatures: Vec<[u8; 65]>,
}

impl Certificate {
    /// set ‖ bitmap ‖ signatures.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.set[..], &self.bitmap, &self.signatures.concat()].concat()
    }
}
