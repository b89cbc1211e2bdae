use super::*;
use crate::{header::check_header, rpc::RpcHeader};
use alloy_trie::nodes::TrieNode;
use proptest::prelude::*;
use serde_json::Value;
use std::{fs, path::PathBuf};

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/exec")
}

fn read(name: &str) -> Value {
    let path = vectors().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("vectors are JSON")
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("vectors have this shape")
}

/// Encoded receipts of a mainnet block and the root its header names.
fn mainnet_block() -> (Vec<Bytes>, B256) {
    let file = read("receipts_mainnet_21854576.json");
    let receipts: Vec<RpcReceipt> = parse(&file["receipts"]);
    let encoded = receipts.iter().map(|receipt| encode(receipt).expect("encodes")).collect();
    (encoded, parse(&file["expected_receipts_root"]))
}

#[test]
fn a_mainnet_header_hashes_to_its_hash_and_a_changed_one_does_not() {
    let block = read("receipts_mainnet_21854576.json")["block"].clone();
    let header: RpcHeader = parse(&block);
    let checked = check_header("node", header.clone()).expect("is genuine");
    assert_eq!(checked.hash(), header.hash);
    let mut changed = header;
    changed.inner.receipts_root = B256::repeat_byte(1);
    assert!(check_header("node", changed).is_err_and(|error| error.is_halt()));
}

#[test]
fn every_receipt_of_a_mainnet_block_is_proven() {
    let (encoded, root) = mainnet_block();
    let count = u32::try_from(encoded.len()).expect("is small");
    let block = BlockReceipts::new(encoded.clone(), root).expect("has the header's root");
    let all: Vec<u32> = (0..count).collect();
    let decoded = block.decode().expect("decodes");
    for (index, proof) in block.prove(&all).expect("proves").iter().enumerate() {
        assert_eq!(proof.receipt, encoded[index]);
        assert_eq!(verify(root, proof).expect("verifies"), decoded[index]);
    }
    assert!(matches!(block.prove(&[count]), Err(ReceiptError::NoSuchTransaction { .. })));
}

#[test]
fn a_dropped_added_or_changed_receipt_has_another_root() {
    let (encoded, root) = mainnet_block();
    let refused = |receipts: Vec<Bytes>| matches!(BlockReceipts::new(receipts, root), Err(ReceiptError::Root { .. }));
    let mut dropped = encoded.clone();
    dropped.pop();
    assert!(refused(dropped));
    let mut added = encoded.clone();
    added.push(encoded[0].clone());
    assert!(refused(added));
    let mut swapped = encoded.clone();
    swapped.swap(3, 4);
    assert!(refused(swapped));
    assert!(refused(Vec::new()));
    let file = read("receipts_mainnet_21854576.json");
    let mut receipts: Vec<RpcReceipt> = parse(&file["receipts"]);
    let with_log = receipts.iter_mut().find(|receipt| !receipt.logs.is_empty()).expect("some transaction logs");
    with_log.logs.pop();
    assert!(refused(receipts.iter().map(|receipt| encode(receipt).expect("encodes")).collect()));
}

#[test]
fn recorded_proofs_are_judged_as_recorded() {
    for case in read("proofs_mainnet_21854576.json").as_array().expect("is a list") {
        let proof = ReceiptProof {
            tx_index: u32::try_from(case["index"].as_u64().expect("is a number")).expect("is small"),
            receipt: case["value"].as_str().map_or(Bytes::new(), |value| value.parse().expect("is hex")),
            nodes: parse(&case["proof"]),
        };
        let verdict = verify(parse(&case["root"]), &proof);
        assert_eq!(verdict.is_ok(), case["verdict"] == "present", "{verdict:?}");
    }
}

#[test]
fn a_proof_made_by_others_verifies() {
    let file = read("receipt_mainnet_21925176.json");
    let receipt: RpcReceipt = parse(&file["receipt"]);
    let tx_index = 0x27;
    let proof =
        ReceiptProof { tx_index, receipt: encode(&receipt).expect("encodes"), nodes: parse(&file["receiptProof"]) };
    let root: B256 = parse(&file["receipts_root"]);
    assert_eq!(verify(root, &proof).expect("verifies").logs.len(), receipt.logs.len());
    for wrong in [0, tx_index - 1, tx_index + 1, u32::MAX] {
        assert!(verify(root, &ReceiptProof { tx_index: wrong, ..proof.clone() }).is_err(), "{wrong}");
    }
}

/// What the leaf at the end of an account proof holds.
fn leaf_value(nodes: &[Bytes]) -> Vec<u8> {
    match TrieNode::decode(&mut &nodes.last().expect("is not empty")[..]).expect("decodes") {
        TrieNode::Leaf(leaf) => leaf.value,
        other => panic!("{other:?} is no leaf"),
    }
}

#[test]
fn bnb_hub_tampered_trie_proofs_are_refused() {
    let control = read("account_mainnet_21925176.json");
    let nodes: Vec<Bytes> = parse(&control["proof"]["accountProof"]);
    let address: alloy_primitives::Address = parse(&control["proof"]["address"]);
    let key = Nibbles::unpack(alloy_primitives::keccak256(address));
    let value = leaf_value(&nodes);
    check_path(parse(&control["state_root"]), key, &value, &nodes).expect("the control is genuine");

    let mut files: Vec<PathBuf> = fs::read_dir(vectors().join("malicious"))
        .expect("is there")
        .map(|entry| entry.expect("is there").path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 10);
    for file in files {
        let case = read(&format!("malicious/{}", file.file_name().expect("has a name").to_string_lossy()));
        let (root, key): (B256, B256) = (parse(&case["state_root"]), parse(&case["key"]));
        let nodes: Vec<Bytes> = parse(&case["proof"]);
        let verdict = check_path(root, Nibbles::unpack(key), &value, &nodes);
        assert!(verdict.is_err(), "{}: {}", file.display(), case["reason"]);
    }
}

#[test]
fn empty_and_oversized_proofs_are_refused() {
    let (encoded, root) = mainnet_block();
    let genuine = BlockReceipts::new(encoded, root).expect("is genuine").prove(&[1]).expect("proves").remove(0);
    let with = |nodes: Vec<Bytes>| verify(root, &ReceiptProof { nodes, ..genuine.clone() });
    assert_eq!(with(Vec::new()), Err(ReceiptError::NodeCount(0)));
    assert_eq!(with(vec![Bytes::new(); PROOF_NODES_MAX + 1]), Err(ReceiptError::NodeCount(PROOF_NODES_MAX + 1)));
    let mut longer = genuine.nodes.clone();
    longer.push(longer[0].clone());
    assert!(matches!(with(longer), Err(ReceiptError::Proof { .. })));
    for root in [B256::ZERO, EMPTY_ROOT_HASH] {
        assert!(matches!(verify(root, &genuine), Err(ReceiptError::Proof { .. })), "nomad: {root} is never trusted");
    }
    let empty = ReceiptProof { receipt: Bytes::new(), ..genuine };
    assert_eq!(verify(root, &empty), Err(ReceiptError::Malformed(1)));
}

fn receipt(kind: u8, logs: usize) -> Bytes {
    let log = RpcLog {
        address: alloy_primitives::Address::repeat_byte(7),
        topics: vec![B256::repeat_byte(kind)],
        data: Bytes::from(vec![kind; logs]),
    };
    let logs = vec![log; logs];
    let body = RpcReceipt {
        transaction_hash: B256::ZERO,
        block_number: Default::default(),
        block_hash: B256::ZERO,
        kind: alloy_primitives::U8::from(kind),
        status: Some(alloy_primitives::U64::from(1)),
        root: None,
        cumulative_gas_used: alloy_primitives::U64::from(21_000),
        gas_used: alloy_primitives::U64::from(21_000),
        effective_gas_price: None,
        logs_bloom: Default::default(),
        logs,
    };
    encode(&body).expect("encodes")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Keys change their order and length at 128 and 256, which is where tries break.
    #[test]
    fn any_subset_of_any_block_proves(count in 1u32..300, picks in proptest::collection::btree_set(0u32..300, 1..8)) {
        let encoded: Vec<Bytes> = (0..count).map(|i| receipt(u8::try_from(i % 5).expect("is small"), i as usize % 3)).collect();
        let (root, _) = build(&encoded, Vec::new());
        let block = BlockReceipts::new(encoded, root).expect("has its own root");
        let picks: Vec<u32> = picks.into_iter().filter(|index| *index < count).collect();
        for proof in block.prove(&picks).expect("proves") {
            prop_assert_eq!(verify(root, &proof).expect("verifies").tx_index, proof.tx_index);
            for (index, node) in proof.nodes.iter().enumerate() {
                let mut forged = proof.clone();
                let mut bytes = node.to_vec();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                forged.nodes[index] = bytes.into();
                prop_assert!(verify(root, &forged).is_err());
            }
        }
    }

    #[test]
    fn any_bytes_decode_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = decode(0, &bytes.into());
    }
}
