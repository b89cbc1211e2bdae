//! A certified checkpoint, taken apart and checked before anything is spent on it.
//!
//! The program counts signatures into an account that any later transaction may refer to. Where the account is there and
//! verified already, nothing is paid for it again.

use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_types::{Address, EcdsaCertificate, HubId, Leaf, Scheme, Validator, ValidatorSet};
use solana_pubkey::Pubkey;

use super::fit::Group;
use crate::{
    address::Gateway,
    instruction::Header,
    proof::ProofTree,
    state::{self, Epoch},
};

/// Bytes of one signature.
const SIGNATURE_LEN: usize = 65;

/// Signatures that one transaction carries beside everything else it needs.
const SIGNATURES_MAX: usize = 11;

/// Bytes of a set's encoding before its members, and of each member.
const SET_HEAD: usize = 3;
const MEMBER_LEN: usize = 28;

/// A certificate over a checkpoint that holds certain leaves.
pub(crate) struct Certificate {
    /// Number of the epoch.
    pub(crate) epoch: u64,
    /// Where the program keeps what it counted.
    pub(crate) key: Pubkey,
    /// Proof of the leaves.
    pub(crate) tree: ProofTree,
    header: Header,
    set: ValidatorSet,
    /// By ascending position in the set.
    signatures: Vec<(usize, [u8; SIGNATURE_LEN])>,
}

/// What the chain knows of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// True where the epoch's members are stored.
    pub(crate) is_published: bool,
    /// Bit i: validator i was counted.
    pub(crate) signed: u32,
    /// True where a quorum was.
    pub(crate) is_verified: bool,
}

impl Counted {
    /// Of a set whose members are stored, and a checkpoint that nobody brought yet.
    pub(crate) const NOTHING: Self = Self { is_published: true, signed: 0, is_verified: false };
}

impl Certificate {
    /// Checks everything that can be checked without the chain: hub, set, every signature, kind and proof.
    pub(crate) fn open(
        gateway: &Gateway,
        hub: HubId,
        certified: &CertifiedLeaves,
        leaves: &[Leaf],
    ) -> Result<Self, String> {
        let CertifiedLeaves { checkpoint, certificate, proof } = certified;
        if checkpoint.hub_id != hub {
            return Err(format!("the checkpoint is of hub {}, not of {hub}", checkpoint.hub_id));
        }
        if leaves.iter().any(|leaf| leaf.kind() != checkpoint.kind) {
            return Err(format!("the leaves do not belong into a checkpoint of kind {:?}", checkpoint.kind));
        }
        let set = members(certificate).ok_or("the certificate does not begin with a validator set")?;
        if set.hash(Scheme::Ecdsa) != checkpoint.valset_hash {
            return Err("the certificate is of another set than its checkpoint".into());
        }
        let digest = checkpoint.digest();
        certificate.verify(&set, digest).map_err(|error| error.to_string())?;
        let tree = ProofTree::new(proof, leaves, checkpoint.outbox_root)?;
        let (epoch, key, header) = (checkpoint.epoch.0, gateway.checkpoint(digest), Header::from(checkpoint));
        let signatures = signatures(certificate, &set).ok_or("the certificate's length does not fit its set")?;
        Ok(Self { epoch, key, tree, header, set, signatures })
    }

    /// What the epoch's account says of the set: whether it is the right one, and whether it is stored.
    pub(crate) fn judge_epoch(&self, epoch: &Epoch) -> Result<bool, String> {
        if epoch.head.valset_hash != self.set.hash(Scheme::Ecdsa).0 {
            return Err(format!("the certificate is not of the set of epoch {} on this chain", self.epoch));
        }
        Ok(epoch.set.is_some())
    }

    /// What the chain counted so far.
    pub(crate) fn counted(is_published: bool, account: Option<&state::Checkpoint>) -> Counted {
        let (signed, is_verified) = account.map_or((0, false), |account| (account.signed, account.verified));
        Counted { is_published, signed, is_verified }
    }

    /// What must be on the chain before the leaves count.
    pub(crate) fn prelude(&self, gateway: &Gateway, payer: Pubkey, counted: Counted) -> Vec<Group> {
        let mut groups = Vec::new();
        if counted.is_verified {
            return groups;
        }
        if !counted.is_published {
            let set = self.set.encode(Scheme::Ecdsa);
            groups.push(Group::before(vec![gateway.publish_set(payer, self.epoch, &set)]));
        }
        let is_new = |index: usize| {
            let bit = u32::try_from(index).ok().and_then(|index| 1u32.checked_shl(index));
            bit.is_none_or(|bit| counted.signed & bit == 0)
        };
        let missing: Vec<_> = self.signatures.iter().filter(|(index, _)| is_new(*index)).collect();
        for part in missing.chunks(SIGNATURES_MAX) {
            let mut bytes = vec![0u8; self.set.members().len().div_ceil(8)];
            for (index, _) in part {
                bytes[index / 8] |= 1 << (index % 8);
            }
            part.iter().for_each(|(_, signature)| bytes.extend_from_slice(signature));
            let call = gateway.verify_checkpoint(payer, (self.epoch, self.key), &self.header, &bytes);
            groups.push(Group::before(vec![call]));
        }
        groups
    }
}

/// The set that the certificate says it is of.
fn members(certificate: &EcdsaCertificate) -> Option<ValidatorSet> {
    let [scheme, high, low, rest @ ..] = certificate.0.as_ref() else { return None };
    if *scheme != Scheme::Ecdsa.byte() {
        return None;
    }
    let count = usize::from(u16::from_be_bytes([*high, *low]));
    let encoded = rest.get(..count.checked_mul(MEMBER_LEN)?)?;
    let member = |bytes: &[u8; MEMBER_LEN]| {
        let weight = bytes[20..].try_into().map(u64::from_be_bytes).expect("a member has 8 bytes behind its address");
        Validator { address: Address::from_slice(&bytes[..20]), weight }
    };
    ValidatorSet::try_from(encoded.as_chunks().0.iter().map(member).collect::<Vec<_>>()).ok()
}

/// Who signed, and how. The certificate was verified before.
fn signatures(certificate: &EcdsaCertificate, set: &ValidatorSet) -> Option<Vec<(usize, [u8; SIGNATURE_LEN])>> {
    let count = set.members().len();
    let rest = certificate.0.get(SET_HEAD + count * MEMBER_LEN..)?;
    let (bitmap, mut rest) = rest.split_at_checked(count.div_ceil(8))?;
    let mut signatures = Vec::new();
    for index in (0..count).filter(|index| bitmap[index / 8] >> (index % 8) & 1 == 1) {
        let (signature, tail) = rest.split_first_chunk::<SIGNATURE_LEN>()?;
        signatures.push((index, *signature));
        rest = tail;
    }
    Some(signatures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_conformance::TestValidators;
    use infrastrukt_types::{B256, CheckpointKind, MessageId};

    fn leaf() -> Leaf {
        Leaf::Message(MessageId(B256::repeat_byte(4)))
    }

    fn certified() -> CertifiedLeaves {
        let hub = HubId(B256::repeat_byte(9));
        TestValidators::genesis().certify(hub, 1, CheckpointKind::General, &[leaf()], &[0]).expect("certifies")
    }

    fn open(certified: &CertifiedLeaves, leaf: Leaf) -> Result<Certificate, String> {
        let gateway = Gateway::new(Pubkey::new_from_array([7; 32]));
        Certificate::open(&gateway, HubId(B256::repeat_byte(9)), certified, &[leaf])
    }

    fn check(change: impl Fn(&mut CertifiedLeaves), reason: &str) {
        let mut bad = certified();
        change(&mut bad);
        let error = open(&bad, leaf()).err().expect(reason);
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn what_the_program_would_refuse_is_refused_before() {
        assert!(open(&certified(), leaf()).is_ok());
        check(|bad| bad.checkpoint.hub_id = HubId(B256::ZERO), "hub");
        check(|bad| bad.checkpoint.kind = CheckpointKind::Commits, "kind");
        check(|bad| bad.checkpoint.valset_hash = B256::ZERO, "another set");
        check(|bad| bad.checkpoint.height.0 += 1, "signature");
        check(|bad| bad.certificate = EcdsaCertificate(Vec::new().into()), "begin");
        check(|bad| bad.proof.nodes.push(B256::ZERO), "left over");
        assert!(open(&certified(), Leaf::Message(MessageId(B256::ZERO))).is_err());
    }

    #[test]
    fn only_what_the_chain_lacks_is_brought() {
        let gateway = Gateway::new(Pubkey::new_from_array([7; 32]));
        let payer = Pubkey::new_from_array([1; 32]);
        let certificate = open(&certified(), leaf()).expect("opens");
        let lengths = |counted: Counted| -> Vec<usize> {
            let groups = certificate.prelude(&gateway, payer, counted);
            groups.iter().map(|group| group.instructions[0].data.len()).collect()
        };
        let verify = |signatures: usize| 8 + 89 + 4 + 1 + signatures * SIGNATURE_LEN;
        assert_eq!(lengths(Counted::NOTHING), [verify(3)]);
        assert_eq!(lengths(Counted { signed: 0b101, ..Counted::NOTHING }), [verify(1)]);
        assert_eq!(lengths(Counted { is_verified: true, ..Counted::NOTHING }), [0usize; 0]);
        let publish = 8 + 8 + 4 + SET_HEAD + 4 * MEMBER_LEN;
        assert_eq!(lengths(Counted { is_published: false, ..Counted::NOTHING }), [publish, verify(3)]);
    }
}
