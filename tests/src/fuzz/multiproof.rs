//! Proofs of leaves in the vectors' outboxes. Whatever leads to a root of theirs proves leaves that are there.

use infrastrukt_types::{B256, Multiproof, codec};
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    Seed,
    vectors::{WIRE, list, number, read},
};

static OUTBOXES: LazyLock<BTreeMap<B256, Vec<B256>>> = LazyLock::new(|| {
    list(&WIRE["outboxes"]).iter().map(|outbox| (read(&outbox["root"]), read(&outbox["leaves"]))).collect()
});

pub(super) fn run(data: &[u8]) {
    let Ok((proof, leaves)) = codec::decode::<(Multiproof, Vec<B256>)>(data) else { return };
    let Ok(root) = proof.root(&leaves) else { return };
    let Some(known) = OUTBOXES.get(&root) else { return };
    assert_eq!(proof.count as usize, known.len(), "another number of leaves has the same root");
    for (index, leaf) in proof.indices.iter().zip(&leaves) {
        assert_eq!(known.get(*index as usize), Some(leaf), "a leaf that is not at {index} was proven to be");
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (at, outbox) in list(&WIRE["outboxes"]).iter().enumerate() {
        let leaves: Vec<B256> = read(&outbox["leaves"]);
        let count = u32::try_from(leaves.len()).expect("the vectors' outboxes are small");
        for (of, proof) in list(&outbox["proofs"]).iter().enumerate() {
            let indices: Vec<u32> = list(&proof["indices"]).iter().map(|index: &Value| number(index)).collect();
            let chosen: Vec<B256> = indices.iter().map(|index| leaves[*index as usize]).collect();
            let proof = Multiproof { count, indices, nodes: read(&proof["nodes"]) };
            seeds.push((format!("outbox_{at}_{of}"), codec::encode(&(proof, chosen))));
        }
    }
    seeds
}
