//! The frozen vectors of every wire type. Foundry reads the same file, so that both sides hash alike.
//!
//! `UPDATE_VECTORS=1 cargo test -p infrastrukt-tests --test vectors` writes the file anew; a changed line there is a
//! changed protocol.

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use infrastrukt_types::{
    Account, Address, Amount, B256, Bytes, ChainId, Checkpoint, CheckpointKind, Deal, DealCancel, DealId, Decision,
    EcdsaCertificate, Epoch, Fact, FactKind, Height, HubId, Leaf, Leg, Message, MessageId, Nonce, Origin, Outbox,
    Route, Scheme, Timestamp, Validator, ValidatorSet, keccak256,
};
use serde_json::{Value, json};
use std::path::PathBuf;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/wire.json")
}

fn word(name: &str) -> B256 {
    keccak256(name)
}

fn hub() -> HubId {
    HubId(word("hub"))
}

fn evm(name: &str) -> Account {
    Address::from_slice(&word(name)[12..]).into()
}

/// Decimal text: JSON numbers lose digits above 2^53.
fn number(value: impl ToString) -> String {
    value.to_string()
}

fn messages() -> Vec<Value> {
    let routes = [
        Route { source_gateway: evm("gateway a"), target_gateway: evm("gateway b") },
        Route { source_gateway: evm("gateway b"), target_gateway: Account(word("gateway on another family")) },
    ];
    let plain = Message {
        version: 1,
        source: ChainId(31337),
        target: ChainId(56),
        nonce: Nonce(1),
        sender: evm("alice"),
        recipient: evm("bob"),
        timestamp: Timestamp(1_750_000_000),
        gas_limit: 200_000,
        deadline: Timestamp(0),
        payload: Bytes::new(),
    };
    let full = Message {
        target: ChainId(ChainId::HUB_ASSIGNED_MIN + 1),
        nonce: Nonce(u64::MAX),
        recipient: Account(word("recipient on another family")),
        gas_limit: u64::MAX,
        deadline: Timestamp(u64::MAX),
        payload: (0..=255u8).cycle().take(1_000).collect(),
        ..plain.clone()
    };
    let short = Message { payload: Bytes::from_static(b"hello"), nonce: Nonce(2), ..plain.clone() };
    let pairs = [(plain, routes[0]), (short, routes[0]), (full, routes[1])];
    pairs
        .iter()
        .map(|(m, route)| {
            json!({
                "version": number(m.version), "source": number(m.source.0), "target": number(m.target.0),
                "nonce": number(m.nonce), "sender": m.sender, "recipient": m.recipient,
                "timestamp": number(m.timestamp), "gas_limit": number(m.gas_limit), "deadline": number(m.deadline),
                "payload": m.payload, "source_gateway": route.source_gateway,
                "target_gateway": route.target_gateway, "id": m.id(hub(), route),
            })
        })
        .collect()
}

fn leg(index: u8) -> Leg {
    let native = index == 0;
    Leg {
        chain: ChainId(if native { 31337 } else { 56 }),
        escrow: evm("escrow"),
        token: if native { Account::ZERO } else { evm("token") },
        amount: Amount(if index == 7 { u128::MAX } else { 10u128.pow(18) + u128::from(index) }),
        depositor: evm("alice"),
        on_commit: evm("bob"),
        on_abort: evm("alice"),
        escape_at: Timestamp(1_750_100_000),
        escape_window: 86_400,
        tip: Amount(u128::from(index) * 7),
    }
}

fn deals() -> Vec<Value> {
    [2u8, 8]
        .iter()
        .map(|count| {
            let deal = Deal {
                nonce: word("deal"),
                lock_by: Timestamp(1_750_000_600),
                decide_by: Timestamp(1_750_001_600),
                sign_by: Timestamp(1_750_001_900),
                legs: (0..*count).map(leg).collect(),
            };
            let id = deal.id(hub());
            let legs: Vec<Value> = deal
                .leg_refs()
                .map(|r| {
                    let leg = &r.leg;
                    json!({
                        "index": number(r.index), "chain": number(leg.chain.0), "escrow": leg.escrow, "token": leg.token,
                        "amount": number(leg.amount), "depositor": leg.depositor, "on_commit": leg.on_commit,
                        "on_abort": leg.on_abort, "escape_at": number(leg.escape_at),
                        "escape_window": number(leg.escape_window), "tip": number(leg.tip),
                        "packed": Bytes::from(leg.packed()), "hash": leg.hash(deal.lock_by), "lock_key": r.lock_key(id),
                    })
                })
                .collect();
            json!({
                "nonce": deal.nonce, "lock_by": number(deal.lock_by), "decide_by": number(deal.decide_by),
                "sign_by": number(deal.sign_by), "legs": legs, "id": id, "cancel_digest": DealCancel::digest(hub(), id),
            })
        })
        .collect()
}

fn leaves() -> Vec<(Leaf, Value)> {
    let message = MessageId(word("message"));
    let deal = DealId(word("deal id"));
    let rotate = Leaf::Rotate { epoch: Epoch(2), valset_hash: word("next set"), expires_at: Timestamp(1_800_000_000) };
    vec![
        (Leaf::Message(message), json!({ "type": "1", "id": message })),
        (Leaf::Decision(deal, Decision::Abort), json!({ "type": "2", "id": deal, "bit": "0" })),
        (Leaf::Decision(deal, Decision::Commit), json!({ "type": "2", "id": deal, "bit": "1" })),
        (Leaf::Expired(message), json!({ "type": "3", "id": message })),
        (
            rotate,
            json!({ "type": "4", "epoch": "2", "valset_hash": word("next set"), "expires_at": number(1_800_000_000u64) }),
        ),
    ]
}

fn outboxes() -> Vec<Value> {
    let subsets: [(usize, &[&[u32]]); 6] = [
        (1, &[&[0]]),
        (2, &[&[0], &[1], &[0, 1]]),
        (3, &[&[2], &[0, 2], &[1]]),
        (5, &[&[4], &[0, 4], &[1, 2, 3]]),
        (10, &[&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[3], &[8, 9], &[0, 5, 9]]),
        (33, &[&[32], &[0, 31, 32], &[7, 8, 15, 16, 30]]),
    ];
    subsets
        .iter()
        .map(|(count, picks)| {
            let leaves: Vec<B256> = (0..*count).map(|index| word(&format!("leaf {index}"))).collect();
            let outbox = Outbox::new(leaves.clone()).expect("not empty");
            let proofs: Vec<Value> = picks
                .iter()
                .map(|indices| {
                    let proof = outbox.prove(indices).expect("in range");
                    let texts: Vec<String> = indices.iter().map(number).collect();
                    json!({ "indices": texts, "nodes": proof.nodes })
                })
                .collect();
            json!({ "leaves": leaves, "root": outbox.root(), "proofs": proofs })
        })
        .collect()
}

fn keys(count: u8) -> Vec<PrivateKeySigner> {
    let mut keys: Vec<_> = (0..count)
        .map(|index| PrivateKeySigner::from_bytes(&word(&format!("validator {index}"))).expect("a hash is a key"))
        .collect();
    keys.sort_by_key(PrivateKeySigner::address);
    keys
}

fn set(keys: &[PrivateKeySigner]) -> ValidatorSet {
    let members = keys.iter().zip(1u64..).map(|(key, index)| Validator { address: key.address(), weight: index * 10 });
    ValidatorSet::new(members.collect()).expect("distinct keys")
}

fn checkpoint(kind: CheckpointKind, set: &ValidatorSet) -> Checkpoint {
    Checkpoint {
        hub_id: hub(),
        kind,
        epoch: Epoch(1),
        valset_hash: set.hash(Scheme::Ecdsa),
        height: Height(42),
        time: Timestamp(1_750_000_123),
        outbox_root: word("outbox"),
        state_root: word("state"),
    }
}

fn certificates() -> Vec<Value> {
    [(4u8, &[1usize, 2, 3][..], true), (4, &[0, 1, 2][..], false), (9, &[2, 3, 4, 5, 6, 7, 8][..], true)]
        .iter()
        .map(|(count, signers, valid)| {
            let keys = keys(*count);
            let set = set(&keys);
            let checkpoint = checkpoint(CheckpointKind::General, &set);
            let digest = checkpoint.digest();
            let shares: Vec<_> = signers
                .iter()
                .map(|index| (keys[*index].address(), keys[*index].sign_hash_sync(&digest).expect("signs").as_bytes()))
                .collect();
            let certificate = certificate_bytes(&set, &shares);
            assert_eq!(certificate.verify(&set, digest).is_ok(), *valid);
            if *valid {
                assert_eq!(EcdsaCertificate::assemble(&set, digest, &shares).as_ref(), Ok(&certificate));
            }
            json!({
                "set": Bytes::from(set.encode(Scheme::Ecdsa)), "valset_hash": set.hash(Scheme::Ecdsa),
                "checkpoint": {
                    "hub_id": checkpoint.hub_id, "kind": number(checkpoint.kind.byte()), "epoch": number(checkpoint.epoch),
                    "valset_hash": checkpoint.valset_hash, "height": number(checkpoint.height),
                    "time": number(checkpoint.time), "outbox_root": checkpoint.outbox_root,
                    "state_root": checkpoint.state_root,
                },
                "digest": digest, "certificate": certificate, "valid": valid,
            })
        })
        .collect()
}

/// The encoding itself, without the checks of `assemble`: a certificate below quorum is a vector too.
fn certificate_bytes(set: &ValidatorSet, shares: &[(Address, [u8; 65])]) -> EcdsaCertificate {
    let mut bytes = set.encode(Scheme::Ecdsa);
    let mut bitmap = vec![0u8; set.members().len().div_ceil(8)];
    let mut signatures = Vec::new();
    for (index, member) in set.members().iter().enumerate() {
        if let Some((_, signature)) = shares.iter().find(|(signer, _)| *signer == member.address) {
            bitmap[index / 8] |= 1 << (index % 8);
            signatures.extend_from_slice(signature);
        }
    }
    bytes.extend(bitmap);
    bytes.extend(signatures);
    EcdsaCertificate(bytes.into())
}

fn facts() -> Vec<Value> {
    let origin = Origin { chain: ChainId(56), block_number: 7, block_hash: word("block"), tx_index: 3, event_index: 1 };
    let deal = DealId(word("deal id"));
    let lock_key = infrastrukt_types::LockKey(word("lock"));
    let message: Message = serde_json::from_value(json!({
        "version": 1, "source": 56, "target": 31337, "nonce": 9, "sender": evm("alice"), "recipient": evm("bob"),
        "timestamp": 5, "gas_limit": 6, "deadline": 7, "payload": "0x0102",
    }))
    .expect("a message in JSON");
    [
        FactKind::Sent { gateway: evm("gateway a"), message },
        FactKind::Delivered(MessageId(word("message"))),
        FactKind::Expired(MessageId(word("message"))),
        FactKind::Refunded(MessageId(word("message"))),
        FactKind::Locked { deal, index: 1, lock_key },
        FactKind::Settled { deal, index: 1, lock_key, decision: Decision::Commit },
        FactKind::Escaped { deal, index: 1, lock_key },
    ]
    .into_iter()
    .map(|kind| {
        let fact = Fact { origin, kind };
        json!({ "fact": fact, "id": fact.id() })
    })
    .collect()
}

fn build() -> Value {
    let leaves: Vec<Value> = leaves()
        .into_iter()
        .map(|(leaf, mut value)| {
            value["hash"] = json!(leaf.hash());
            value
        })
        .collect();
    json!({
        "hub_id": hub(), "messages": messages(), "deals": deals(), "leaves": leaves, "outboxes": outboxes(),
        "certificates": certificates(), "facts": facts(),
    })
}

#[test]
fn wire_encodings_are_frozen() {
    let built = build();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&built).expect("JSON");
        std::fs::write(path(), text + "\n").expect("tests/vectors is writable");
    }
    let frozen: Value = serde_json::from_slice(&std::fs::read(path()).expect("tests/vectors/wire.json")).expect("JSON");
    for (name, part) in built.as_object().expect("an object") {
        assert_eq!(part, &frozen[name], "{name} differ from the frozen vectors");
    }
}

#[test]
fn published_schema_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../hub/api/openrpc.json");
    let built = infrastrukt_api::openrpc();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&built).expect("JSON") + "\n").expect("writable");
    }
    let frozen: Value = serde_json::from_slice(&std::fs::read(&path).expect("hub/api/openrpc.json")).expect("JSON");
    assert_eq!(built, frozen, "run with UPDATE_VECTORS=1 and explain the change in CHANGELOG.md");
}
