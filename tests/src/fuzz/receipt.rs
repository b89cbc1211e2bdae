//! Proofs of receipts in a mainnet block. Whatever is accepted is a receipt of that block at its own place.

use infrastrukt_evm::receipts;
use infrastrukt_types::{B256, Bytes, ReceiptProof, codec};
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    Seed,
    vectors::{PROOFS, bytes, list, read},
};

/// Roots with the receipts that are proven under them, by index.
static ROOTS: LazyLock<BTreeMap<B256, BTreeMap<u32, Bytes>>> = LazyLock::new(|| {
    let mut roots: BTreeMap<B256, BTreeMap<u32, Bytes>> = BTreeMap::new();
    for case in list(&PROOFS) {
        let receipts = roots.entry(read(&case["root"])).or_default();
        if case["value"].is_string() {
            receipts.insert(read(&case["index"]), bytes(&case["value"]));
        }
    }
    roots
});

pub(super) fn run(data: &[u8]) {
    let Ok(proof) = codec::decode::<ReceiptProof>(data) else { return };
    for (root, known) in ROOTS.iter() {
        if receipts::verify(*root, &proof).is_ok() {
            let index = proof.tx_index;
            assert_eq!(known.get(&index), Some(&proof.receipt), "a receipt was proven that is not at {index}");
        }
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let seed = |(number, case): (usize, &Value)| {
        let receipt = if case["value"].is_string() { bytes(&case["value"]) } else { Bytes::new() };
        let proof = ReceiptProof { tx_index: read(&case["index"]), receipt, nodes: read(&case["proof"]) };
        (format!("mainnet_{number}"), codec::encode(&proof))
    };
    list(&PROOFS).iter().enumerate().map(seed).collect()
}
