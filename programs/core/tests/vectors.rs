//! The vectors that Rust, Foundry and Solana share: every digest, leaf, proof and certificate byte for byte.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use infrastrukt_core::{
    Bytes32,
    certificate::{Signed, add_signatures},
    checkpoint::Header,
    leaf,
    leg::{self, Leg},
    message::Message,
    outbox,
    valset::{HEAD_BYTES, MEMBER_BYTES, Members, is_quorum, valset_hash},
};
use serde_json::Value;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/wire.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors are in the repository")).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

fn hash(value: &Value) -> Bytes32 {
    bytes(value).try_into().unwrap()
}

/// Numbers are decimal strings, so that no reader loses their upper bits.
fn number<T: std::str::FromStr>(value: &Value) -> T
where
    T::Err: std::fmt::Debug,
{
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse().unwrap()
}

fn hashes(values: &[Value]) -> Vec<Bytes32> {
    values.iter().map(hash).collect()
}

#[test]
fn messages_have_the_shared_ids() {
    let all = vectors();
    let hub_id = hash(&all["hub_id"]);
    for vector in list(&all, "messages") {
        let (sender, recipient, payload) =
            (hash(&vector["sender"]), hash(&vector["recipient"]), bytes(&vector["payload"]));
        let message = Message {
            source: number(&vector["source"]),
            target: number(&vector["target"]),
            nonce: number(&vector["nonce"]),
            sender: &sender,
            recipient: &recipient,
            timestamp: number(&vector["timestamp"]),
            gas_limit: number(&vector["gas_limit"]),
            deadline: number(&vector["deadline"]),
            payload: &payload,
        };
        let id = message.id(&hub_id, &hash(&vector["source_gateway"]), &hash(&vector["target_gateway"]));
        assert_eq!(id, hash(&vector["id"]));
    }
}

#[test]
fn leaves_have_the_shared_hashes() {
    for vector in list(&vectors(), "leaves") {
        let given = match number::<u8>(&vector["type"]) {
            1 => leaf::message(&hash(&vector["id"])),
            2 => leaf::decision(&hash(&vector["id"]), number::<u8>(&vector["bit"]) == 1),
            3 => leaf::expired(&hash(&vector["id"])),
            4 => leaf::rotate(number(&vector["epoch"]), &hash(&vector["valset_hash"]), number(&vector["expires_at"])),
            other => panic!("leaf of type {other} has no test"),
        };
        assert_eq!(given, hash(&vector["hash"]));
    }
}

#[test]
fn deals_legs_and_locks_have_the_shared_digests() {
    let all = vectors();
    let hub_id = hash(&all["hub_id"]);
    for deal in list(&all, "deals") {
        let (id, lock_by) = (hash(&deal["id"]), number(&deal["lock_by"]));
        let mut leg_hashes = Vec::new();
        for vector in list(deal, "legs") {
            let field = |name: &str| hash(&vector[name]);
            let given = Leg {
                chain: number(&vector["chain"]),
                escrow: &field("escrow"),
                token: &field("token"),
                amount: number(&vector["amount"]),
                depositor: &field("depositor"),
                on_commit: &field("on_commit"),
                on_abort: &field("on_abort"),
                escape_at: number(&vector["escape_at"]),
                escape_window: number(&vector["escape_window"]),
                tip: number(&vector["tip"]),
            }
            .hash(lock_by);
            assert_eq!(given, field("hash"));
            assert_eq!(leg::lock_key(&id, number(&vector["index"]), &given), field("lock_key"));
            leg_hashes.push(given);
        }
        let given = leg::deal_id(
            &hub_id,
            &hash(&deal["nonce"]),
            lock_by,
            number(&deal["decide_by"]),
            number(&deal["sign_by"]),
            &leg_hashes,
        );
        assert_eq!(given, Some(id));
    }
}

#[test]
fn outboxes_accept_the_shared_proofs_and_nothing_beside_them() {
    for outbox in list(&vectors(), "outboxes") {
        let leaves = hashes(list(outbox, "leaves"));
        let (root, count) = (hash(&outbox["root"]), u32::try_from(leaves.len()).unwrap());
        for proof in list(outbox, "proofs") {
            let indices: Vec<u32> = list(proof, "indices").iter().map(number).collect();
            let nodes = hashes(list(proof, "nodes"));
            let named: Vec<Bytes32> = indices.iter().map(|index| leaves[*index as usize]).collect();
            let check = |leaves: &[Bytes32], count, nodes: &[Bytes32]| {
                outbox::verify(&root, &mut leaves.to_vec(), count, &mut indices.clone(), nodes)
            };
            assert_eq!(check(&named, count, &nodes), Ok(()));
            assert!(check(&named, count + 1, &nodes).is_err(), "the count is part of the root");
            assert!(check(&named, count, &[nodes.clone(), vec![[0; 32]]].concat()).is_err(), "a node is left over");
            if let [index] = indices[..] {
                assert_eq!(outbox::verify_one(&root, named[0], count, index, &nodes), Ok(()));
                assert!(outbox::verify_one(&root, named[0], count, count, &nodes).is_err(), "beyond the outbox");
            }
            if let Some((_, fewer)) = nodes.split_last() {
                assert!(check(&named, count, fewer).is_err(), "a node is missing");
            }
        }
    }
}

#[test]
fn certificates_are_judged_as_everywhere_else() {
    let all = vectors();
    let hub_id = hash(&all["hub_id"]);
    for vector in list(&all, "certificates") {
        let (set, certificate) = (bytes(&vector["set"]), bytes(&vector["certificate"]));
        let checkpoint = &vector["checkpoint"];
        let valset = valset_hash(&set);
        assert_eq!(valset, hash(&vector["valset_hash"]));
        let digest = Header {
            kind: number(&checkpoint["kind"]),
            epoch: number(&checkpoint["epoch"]),
            height: number(&checkpoint["height"]),
            time: number(&checkpoint["time"]),
            outbox_root: &hash(&checkpoint["outbox_root"]),
            state_root: &hash(&checkpoint["state_root"]),
        }
        .digest(&hub_id, &valset);
        assert_eq!(digest, hash(&vector["digest"]));
        let is_valid = Members::parse(&set).is_ok_and(|members| {
            let signatures = &certificate[HEAD_BYTES + members.count() * MEMBER_BYTES..];
            add_signatures(&digest, members, Signed::default(), signatures)
                .is_ok_and(|signed| is_quorum(signed.weight, members.total_weight()))
        });
        assert_eq!(is_valid, vector["valid"].as_bool().unwrap());
    }
}

/// The first certificate, cut into its set and what follows, with its digest.
fn first_certificate() -> (Bytes32, Vec<u8>, Vec<u8>) {
    let all = vectors();
    let vector = &list(&all, "certificates")[0];
    let (set, certificate) = (bytes(&vector["set"]), bytes(&vector["certificate"]));
    let signatures = certificate[set.len()..].to_vec();
    (hash(&vector["digest"]), set, signatures)
}

#[test]
fn a_member_counts_once_however_often_it_signs() {
    let (digest, set, signatures) = first_certificate();
    let members = Members::parse(&set).unwrap();
    let once = add_signatures(&digest, members, Signed::default(), &signatures).unwrap();
    assert_eq!(add_signatures(&digest, members, once, &signatures), Ok(once));
}

#[test]
fn a_signature_that_is_high_or_altered_or_has_another_v_is_refused() {
    let (digest, set, signatures) = first_certificate();
    let members = Members::parse(&set).unwrap();
    let last = signatures.len() - 1;
    for (at, flip) in [(last, 7), (last, 28), (last - 64, 1), (last - 32, 0x80), (0, 0x80)] {
        let mut altered = signatures.clone();
        altered[at] ^= flip;
        assert!(add_signatures(&digest, members, Signed::default(), &altered).is_err(), "byte {at} flipped by {flip}");
    }
    assert!(add_signatures(&digest, members, Signed::default(), &signatures[..last]).is_err(), "cut short");
    let longer = [&signatures[..], &[0]].concat();
    assert!(add_signatures(&digest, members, Signed::default(), &longer).is_err(), "something after the last");
}
