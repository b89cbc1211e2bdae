//! Certificates over the vectors' checkpoints. The first byte says which checkpoint. Nobody but the vectors' validators
//! ever signed, so whatever is accepted consists of their signatures.

use infrastrukt_types::{Address, B256, EcdsaCertificate, Validator, ValidatorSet, verify_share};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use super::{
    Seed,
    vectors::{WIRE, bytes, list, read},
};

const HEAD_LEN: usize = 3;
const MEMBER_LEN: usize = 28;
const SIGNATURE_LEN: usize = 65;

/// A checkpoint's digest with the set that may sign it and all signatures that there are.
struct Known {
    digest: B256,
    set: ValidatorSet,
    signatures: BTreeSet<(Address, Vec<u8>)>,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(known);

fn known() -> Vec<Known> {
    let mut by_digest: BTreeMap<B256, Known> = BTreeMap::new();
    for case in list(&WIRE["certificates"]) {
        let (digest, set) = (read(&case["digest"]), set(case));
        let new = || Known { digest, set: set.clone(), signatures: BTreeSet::new() };
        let known = by_digest.entry(digest).or_insert_with(new);
        known.signatures.extend(genuine(&set, digest, &bytes(&case["certificate"])));
    }
    by_digest.into_values().collect()
}

fn set(case: &Value) -> ValidatorSet {
    let encoded = bytes(&case["set"]);
    let (members, _) = encoded[HEAD_LEN..].as_chunks::<MEMBER_LEN>();
    let members = members.iter().map(|member| Validator {
        address: Address::from_slice(&member[..20]),
        weight: u64::from_be_bytes(member[20..].try_into().expect("eight bytes are left")),
    });
    ValidatorSet::try_from(members.collect::<Vec<_>>()).expect("the vectors' sets are well formed")
}

/// The signatures of a certificate that are what they claim to be.
fn genuine(set: &ValidatorSet, digest: B256, certificate: &[u8]) -> Vec<(Address, Vec<u8>)> {
    let is_genuine = |(signer, signature): &(Address, Vec<u8>)| {
        let signature: Option<&[u8; SIGNATURE_LEN]> = signature.as_slice().try_into().ok();
        signature.is_some_and(|signature| verify_share(*signer, digest, signature).is_ok())
    };
    signed(set, certificate).into_iter().filter(is_genuine).collect()
}

/// Who signed what by a certificate's own account.
fn signed(set: &ValidatorSet, certificate: &[u8]) -> Vec<(Address, Vec<u8>)> {
    let members = set.members();
    let bitmap_at = HEAD_LEN + members.len() * MEMBER_LEN;
    let signatures_at = bitmap_at + members.len().div_ceil(8);
    let bitmap = &certificate[bitmap_at..signatures_at];
    let signers = members.iter().enumerate().filter(|(index, _)| bitmap[index / 8] >> (index % 8) & 1 == 1);
    let signatures = certificate[signatures_at..].chunks(SIGNATURE_LEN);
    signers.zip(signatures).map(|((_, member), signature)| (member.address, signature.to_vec())).collect()
}

pub(super) fn run(data: &[u8]) {
    let Some((selector, certificate)) = data.split_first() else { return };
    let known = &KNOWN[usize::from(*selector) % KNOWN.len()];
    if EcdsaCertificate(certificate.to_vec().into()).verify(&known.set, known.digest).is_err() {
        return;
    }
    let signed = signed(&known.set, certificate);
    let forged = signed.iter().find(|share| !known.signatures.contains(*share));
    assert!(forged.is_none(), "a signature that nobody made was accepted: {forged:?}");
    let weight = |signer: Address| known.set.find(signer).map_or(0, |member| u128::from(member.weight));
    let weight: u128 = signed.iter().map(|(signer, _)| weight(*signer)).sum();
    assert!(3 * weight > 2 * known.set.total(), "weight {weight} was taken for a quorum");
}

pub(super) fn seeds() -> Vec<Seed> {
    let cases = list(&WIRE["certificates"]).iter().enumerate();
    let seed = |(number, case): (usize, &Value)| {
        let digest: B256 = read(&case["digest"]);
        let position = KNOWN.iter().position(|known| known.digest == digest).expect("it is of the vectors");
        let mut data = vec![u8::try_from(position).expect("there are few")];
        data.extend_from_slice(&bytes(&case["certificate"]));
        (format!("vector_{number}"), data)
    };
    cases.map(seed).collect()
}
