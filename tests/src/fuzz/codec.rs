//! The encoding of what is stored and gossiped, for every wire type. The first byte says which.

use infrastrukt_ports::{Action, CertifiedLeaves};
use infrastrukt_types::{
    Account, Amount, Attestation, Block, Caip2, ChainId, Checkpoint, CheckpointKind, Deal, DealCancel, DealId,
    Decision, EcdsaCertificate, Epoch, Evidence, Fact, FactKind, Finalized, Height, HubTx, Leaf, Leg, LegRef, Message,
    Multiproof, Origin, ReceiptEvidence, ReceiptProof, RotationVote, Route, Scheme, Timestamp, Validator, ValidatorSet,
    codec,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Debug, hint::black_box};

use super::{
    Seed,
    vectors::{self, PROOFS, WIRE, bytes, list, read},
};

type Check = (&'static str, fn(&[u8]));

macro_rules! table {
    ($($type:ty => $judge:expr),* $(,)?) => {
        &[$((stringify!($type), |body: &[u8]| check::<$type>(body, $judge))),*]
    };
}

fn nothing<T>(_: &T) {}

/// Computes a value for nothing but the computing.
fn touch<T>(value: T) {
    black_box(value);
}

/// Every type with what is computed from a value of it before anybody has judged it.
const TYPES: &[Check] = table![
    Account => |account| touch(account.to_evm()),
    Amount => |amount| touch(amount.show(18)),
    Attestation => |vote| touch(vote.verify(vectors::hub())),
    Block => |block| touch(block.hash()),
    Caip2 => |name| touch(name.eip155()),
    Checkpoint => |checkpoint| touch(checkpoint.digest()),
    CheckpointKind => nothing,
    CertifiedLeaves => nothing,
    Action => nothing,
    Deal => |deal| touch(deal.id(vectors::hub())),
    DealCancel => nothing,
    Decision => nothing,
    EcdsaCertificate => nothing,
    Evidence => nothing,
    Fact => |fact| touch(fact.id()),
    FactKind => nothing,
    Finalized<u64> => nothing,
    HubTx => nothing,
    Leaf => |leaf| touch(leaf.hash()),
    Leg => |leg| touch(leg.packed()),
    LegRef => |leg| touch(leg.lock_key(DealId::default())),
    Message => nothing,
    Multiproof => nothing,
    Origin => nothing,
    ReceiptEvidence => nothing,
    ReceiptProof => nothing,
    RotationVote => |vote| touch(vote.verify(vectors::hub())),
    Route => nothing,
    Scheme => nothing,
    Validator => nothing,
    ValidatorSet => |set| touch(set.hash(Scheme::Ecdsa)),
];

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(body: &[u8], judge: impl FnOnce(&T)) {
    let Ok(value) = codec::decode::<T>(body) else { return };
    judge(&value);
    let again = codec::decode::<T>(&codec::encode(&value));
    assert_eq!(again.as_ref(), Ok(&value), "what was decoded does not decode again");
}

pub(super) fn run(data: &[u8]) {
    let Some((selector, body)) = data.split_first() else { return };
    let (_, check) = TYPES[usize::from(*selector) % TYPES.len()];
    check(body);
}

/// An encoded value behind the number of its type.
fn seed<T: Serialize>(name: &'static str, label: impl std::fmt::Display, value: &T) -> Seed {
    let index = TYPES.iter().position(|(known, _)| *known == name).expect("seeds are of types in the table");
    let mut data = vec![u8::try_from(index).expect("there are few types")];
    data.extend(codec::encode(value));
    (format!("{}_{label}", name.to_lowercase()), data)
}

pub(super) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (number, fact) in vectors::facts().iter().enumerate() {
        seeds.push(seed("Fact", number, fact));
        seeds.push(seed("FactKind", number, &fact.kind));
        if let FactKind::Sent { message, .. } = &fact.kind {
            seeds.push(seed("Message", number, message));
        }
        let attestation =
            Attestation { validator: Default::default(), facts: vec![fact.clone()], signature: vec![27u8; 65].into() };
        seeds.push(seed("HubTx", number, &HubTx::Attest(attestation)));
    }
    for (number, deal) in vectors::deals().iter().enumerate() {
        seeds.push(seed("Deal", number, deal));
        seeds.push(seed("Leg", number, &deal.legs[0]));
        let legs: Vec<LegRef> = deal.leg_refs().collect();
        seeds.push(seed("LegRef", number, &legs[0]));
        seeds.push(seed("Block", number, &block(deal)));
    }
    for (number, case) in list(&PROOFS).iter().filter(|case| case["value"].is_string()).enumerate() {
        let (receipt, nodes) = (bytes(&case["value"]), read(&case["proof"]));
        let proof = ReceiptProof { tx_index: read(&case["index"]), receipt, nodes };
        let evidence = ReceiptEvidence {
            chain: ChainId(1),
            block_number: 21_854_576,
            block_hash: Default::default(),
            receipts: vec![proof],
        };
        seeds.push(seed("Evidence", number, &Evidence::Receipts(evidence)));
    }
    for (number, case) in list(&WIRE["certificates"]).iter().enumerate() {
        seeds.push(seed("EcdsaCertificate", number, &EcdsaCertificate(bytes(&case["certificate"]))));
    }
    seeds.push(seed("ValidatorSet", 0, &set()));
    seeds.push(seed("Caip2", 0, &"eip155:56".parse::<Caip2>().expect("is a name")));
    seeds.push(seed("Amount", 0, &Amount(u128::MAX)));
    let expires_at = Timestamp(1_800_000_000);
    seeds.push(seed("Leaf", 0, &Leaf::Rotate { epoch: Epoch(2), valset_hash: Default::default(), expires_at }));
    seeds.push(seed("Leaf", 1, &Leaf::Decision(DealId::default(), Decision::Commit)));
    seeds
}

fn set() -> ValidatorSet {
    let member = |byte: u8| Validator { address: infrastrukt_types::Address::repeat_byte(byte), weight: 1 };
    ValidatorSet::new((1..5).map(member).collect()).expect("is well formed")
}

fn block(deal: &Deal) -> Block {
    let txs = vec![HubTx::RegisterDeal(deal.clone())];
    Block { height: Height(7), time: deal.lock_by, parent: Default::default(), txs }
}
