//! The shared vectors: the second implementation gives the same bytes, and the program judges the same certificates.

use std::{fs, path::Path};

use infrastrukt_svm_tests::{
    Chain, Refusal, World,
    calls::{self, InitializeArgs},
    initialize_args, pda,
    wire::{Checkpoint, Leg, LegRef, Message, Multiproof, Route, Tree, Word, deal_id, leaf, valset_hash},
};
use serde_json::Value;
use solana_signer::Signer;

fn vectors() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/wire.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("the vectors are JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("{name} is a list"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is text in {value}"))
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex(text(value, name))
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").expect("hexadecimal").as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a digit") as u8;
    digits.chunks_exact(2).map(|pair| (digit(pair[0]) << 4) | digit(pair[1])).collect()
}

fn word(value: &Value, name: &str) -> Word {
    bytes(value, name).try_into().expect("32 bytes")
}

fn words(value: &Value, name: &str) -> Vec<Word> {
    list(value, name).iter().map(|item| hex(item.as_str().expect("text")).try_into().expect("32 bytes")).collect()
}

fn number<T: std::str::FromStr>(value: &Value, name: &str) -> T {
    text(value, name).parse().ok().unwrap_or_else(|| panic!("{name} is a number in {value}"))
}

fn checkpoint(value: &Value) -> Checkpoint {
    Checkpoint {
        hub_id: word(value, "hub_id"),
        kind: number(value, "kind"),
        epoch: number(value, "epoch"),
        valset_hash: word(value, "valset_hash"),
        height: number(value, "height"),
        time: number(value, "time"),
        outbox_root: word(value, "outbox_root"),
        state_root: word(value, "state_root"),
    }
}

#[test]
fn messages_have_the_ids_of_the_vectors() {
    let vectors = vectors();
    for value in list(&vectors, "messages") {
        let message = Message {
            version: number(value, "version"),
            source: number(value, "source"),
            target: number(value, "target"),
            nonce: number(value, "nonce"),
            sender: word(value, "sender"),
            recipient: word(value, "recipient"),
            timestamp: number(value, "timestamp"),
            gas_limit: number(value, "gas_limit"),
            deadline: number(value, "deadline"),
            payload: bytes(value, "payload"),
        };
        let route = Route {
            hub_id: word(&vectors, "hub_id"),
            source: word(value, "source_gateway"),
            target: word(value, "target_gateway"),
        };
        assert_eq!(message.id(&route), word(value, "id"));
    }
}

#[test]
fn legs_and_deals_hash_as_in_the_vectors() {
    let vectors = vectors();
    for deal in list(&vectors, "deals") {
        let id = word(deal, "id");
        let lock_by = number(deal, "lock_by");
        let mut hashes = Vec::new();
        for value in list(deal, "legs") {
            let leg = Leg {
                chain: number(value, "chain"),
                escrow: word(value, "escrow"),
                token: word(value, "token"),
                amount: number(value, "amount"),
                depositor: word(value, "depositor"),
                on_commit: word(value, "on_commit"),
                on_abort: word(value, "on_abort"),
                escape_at: number(value, "escape_at"),
                escape_window: number(value, "escape_window"),
                tip: number(value, "tip"),
            };
            let leg = LegRef { index: number(value, "index"), lock_by, leg };
            assert_eq!(leg.leg.packed(), bytes(value, "packed"));
            assert_eq!(leg.hash(), word(value, "hash"));
            assert_eq!(leg.lock_key(&id), word(value, "lock_key"));
            hashes.push(leg.hash());
        }
        let times = [lock_by, number(deal, "decide_by"), number(deal, "sign_by")];
        assert_eq!(deal_id(&word(&vectors, "hub_id"), &word(deal, "nonce"), times, &hashes), id);
    }
}

#[test]
fn leaves_hash_as_in_the_vectors() {
    for value in list(&vectors(), "leaves") {
        let hash = match text(value, "type") {
            "1" => leaf::message(&word(value, "id")),
            "2" => leaf::decision(&word(value, "id"), text(value, "bit") == "1"),
            "3" => leaf::expired(&word(value, "id")),
            "4" => leaf::rotate(number(value, "epoch"), &word(value, "valset_hash"), number(value, "expires_at")),
            other => panic!("leaves of type {other} are not tested"),
        };
        assert_eq!(hash, word(value, "hash"));
    }
}

#[test]
fn outboxes_have_the_roots_and_proofs_of_the_vectors() {
    for value in list(&vectors(), "outboxes") {
        let tree = Tree::new(&words(value, "leaves"));
        assert_eq!(tree.root(), word(value, "root"));
        for proof in list(value, "proofs") {
            let indices: Vec<u32> = list(proof, "indices")
                .iter()
                .map(|index| index.as_str().and_then(|text| text.parse().ok()).expect("a number"))
                .collect();
            let count = u32::try_from(list(value, "leaves").len()).expect("few");
            let expected = Multiproof { count, indices: indices.clone(), nodes: words(proof, "nodes") };
            assert_eq!(tree.proof(&indices), expected);
        }
    }
}

#[test]
fn certificates_of_the_vectors_are_judged_alike_by_the_program() {
    let vectors = vectors();
    for value in list(&vectors, "certificates") {
        let checkpoint = checkpoint(&value["checkpoint"]);
        let (set, certificate) = (bytes(value, "set"), bytes(value, "certificate"));
        assert_eq!(checkpoint.digest(), word(value, "digest"));
        assert_eq!(valset_hash(&set), word(value, "valset_hash"));

        let mut world = World::bare(Chain::new(checkpoint.time));
        let args = InitializeArgs {
            hub_id: word(&vectors, "hub_id"),
            min_validators: 1,
            epoch: checkpoint.epoch,
            expires_at: checkpoint.time + 1_000,
            valset_hash: checkpoint.valset_hash,
            ..initialize_args(&world.hub.set)
        };
        let authority = world.chain.upgrade_authority.insecure_clone();
        let initialize = calls::initialize(world.payer(), authority.pubkey(), Chain::program_data(), &args);
        world.chain.done(&[initialize], &[&authority]);
        let publish = calls::publish_set(world.payer(), checkpoint.epoch, &set);
        world.chain.done(&[publish], &[]);

        let verify = calls::verify_checkpoint(world.payer(), &checkpoint, &certificate[set.len()..]);
        let address = pda::checkpoint(&checkpoint.digest());
        if value["valid"] == true {
            world.chain.done(&[verify], &[]);
            assert!(world.chain.checkpoint(&address).expect("it was opened").is_verified);
        } else {
            let outcome = world.chain.try_send(&[verify], &[]);
            let is_verified = world.chain.checkpoint(&address).is_some_and(|account| account.is_verified);
            assert!(!is_verified, "a certificate that is none was taken: {outcome:?}");
        }
    }
}

#[test]
fn errors_are_numbered_without_gaps() {
    assert_eq!(Refusal::UnknownEpoch.code(), 6_000);
    assert_eq!(Refusal::Overflow.code(), 5_999 + Refusal::COUNT);
    assert_eq!(Refusal::COUNT, 78);
}

/// Adapters know these addresses by heart.
#[test]
fn addresses_are_those_of_the_interface() {
    let expected = [
        (pda::config(), "BPcNa6u4wazGBetq62Qfh5eCtxDoKfQe7F7Zb59EQC38"),
        (pda::escrow(), "Ca6Jz2ZmTmAfBoa43LyMw8rJ2uHfuPgqbFBKovLtkn6C"),
        (pda::bridge(), "Cjg9gCojr3MZropCjiNPqSHHrLgg82CMYAdwUXhq3shH"),
        (pda::fees(), "94V4Y1o3MSJMo8Tgu7dn4Wp87oZATmb3iMuCTnH93Ra9"),
        (pda::event_authority(), "8UkVTqKGZjNa6MdtgthcpiqvAst8EJMSArjh4KpXdAHS"),
    ];
    for (address, text) in expected {
        assert_eq!(address.to_string(), text);
    }
}
