//! What callers send to the hub's JSON-RPC interface, and what it answers. The first byte says which value.

use infrastrukt_api::{
    CertifiedPage, DealFilter, DealTerms, DealView, HubStatus, LegTerms, MessageFilter, MessageView, RotationView,
};
use infrastrukt_types::{
    CheckpointKind, Deal, DealCancel, DealId, EcdsaCertificate, Evidence, Height, MessageId, ReceiptEvidence,
    ReceiptProof, RotationVote,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use std::fmt::Debug;

use super::{
    Seed,
    vectors::{self, PROOFS, bytes, list, read},
};

type Check = (&'static str, fn(&[u8]));

macro_rules! table {
    ($($type:ty),* $(,)?) => { &[$((stringify!($type), check::<$type>)),*] };
}

const TYPES: &[Check] = table![
    Vec<Evidence>,
    DealTerms,
    Deal,
    DealCancel,
    MessageFilter,
    DealFilter,
    EcdsaCertificate,
    RotationVote,
    CheckpointKind,
    MessageId,
    DealId,
    Height,
    CertifiedPage,
    MessageView,
    DealView,
    HubStatus,
    RotationView,
];

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(body: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(body) else { return };
    let text = serde_json::to_string(&value).expect("values of the interface are JSON");
    let again: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text} is not read again: {error}"));
    assert_eq!(again, value);
}

pub(super) fn run(data: &[u8]) {
    let Some((selector, body)) = data.split_first() else { return };
    let (_, check) = TYPES[usize::from(*selector) % TYPES.len()];
    check(body);
}

fn seed<T: Serialize>(name: &'static str, value: &T) -> Seed {
    let index = TYPES.iter().position(|(known, _)| *known == name).expect("seeds are of types in the table");
    let mut data = vec![u8::try_from(index).expect("there are few types")];
    data.extend(serde_json::to_vec(value).expect("seeds are JSON"));
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    (name.to_lowercase(), data)
}

pub(super) fn seeds() -> Vec<Seed> {
    let case = &list(&PROOFS)[0];
    let proof =
        ReceiptProof { tx_index: read(&case["index"]), receipt: bytes(&case["value"]), nodes: read(&case["proof"]) };
    let (chain, block_hash) = (infrastrukt_types::ChainId(1), Default::default());
    let evidence = ReceiptEvidence { chain, block_number: 21_854_576, block_hash, receipts: vec![proof] };
    let deal = vectors::deals().remove(0);
    let legs = deal.legs.iter().map(|leg| LegTerms {
        chain: leg.chain,
        token: leg.token,
        amount: leg.amount,
        depositor: leg.depositor,
        on_commit: leg.on_commit,
        on_abort: leg.on_abort,
        tip: leg.tip,
    });
    let terms = DealTerms { nonce: deal.nonce, lock_within_s: 600, legs: legs.collect() };
    let id = deal.id(vectors::hub());
    vec![
        seed("Vec<Evidence>", &vec![Evidence::Receipts(evidence)]),
        seed("DealTerms", &terms),
        seed("DealCancel", &DealCancel { deal: id, signatures: vec![vec![27u8; 65].into(); 2] }),
        seed("Deal", &deal),
        seed("MessageFilter", &json!({ "source": 1, "state": "certified", "limit": 10 })),
        seed("DealFilter", &json!({ "limit": 10, "before": 7 })),
        seed("DealId", &id),
        seed("CheckpointKind", &CheckpointKind::Commits),
        seed("EcdsaCertificate", &EcdsaCertificate(bytes(&vectors::WIRE["certificates"][0]["certificate"]))),
        seed("CertifiedPage", &json!({ "items": [], "next": 0 })),
    ]
}
