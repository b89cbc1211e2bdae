//! The frozen vectors, read once, as material for seeds and as the truth that forgeries are held against.

use infrastrukt_types::{Account, Amount, B256, Bytes, ChainId, Deal, Fact, HubId, Leg, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::LazyLock;

/// `tests/vectors/wire.json`.
pub(super) static WIRE: LazyLock<Value> = LazyLock::new(|| parse(include_str!("../../vectors/wire.json")));
/// Proofs of receipts of a mainnet block, present ones and absent ones.
pub(super) static PROOFS: LazyLock<Value> =
    LazyLock::new(|| parse(include_str!("../../vectors/exec/proofs_mainnet_21854576.json")));
/// A mainnet block.
pub(super) static BLOCK: LazyLock<Value> =
    LazyLock::new(|| parse::<Value>(include_str!("../../vectors/exec/receipts_mainnet_21854576.json"))["block"].take());

fn parse<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("vectors are JSON of this shape")
}

/// A value as the type it stands for.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("vectors have this shape")
}

/// The items of a list.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().expect("vectors have a list here")
}

/// A number that stands there as decimal text.
pub(super) fn number<T: std::str::FromStr>(value: &Value) -> T {
    value.as_str().and_then(|text| text.parse().ok()).expect("vectors have decimal text here")
}

/// Bytes that stand there as hex.
pub(super) fn bytes(value: &Value) -> Bytes {
    read(value)
}

/// The hub of the vectors.
pub(super) fn hub() -> HubId {
    read(&WIRE["hub_id"])
}

/// The vectors' facts, one of each kind.
pub(super) fn facts() -> Vec<Fact> {
    list(&WIRE["facts"]).iter().map(|entry| read(&entry["fact"])).collect()
}

/// The vectors' deals.
pub(super) fn deals() -> Vec<Deal> {
    list(&WIRE["deals"]).iter().map(deal).collect()
}

fn deal(entry: &Value) -> Deal {
    let time = |name: &str| Timestamp(number(&entry[name]));
    let nonce: B256 = read(&entry["nonce"]);
    let legs = list(&entry["legs"]).iter().map(leg).collect();
    Deal { nonce, lock_by: time("lock_by"), decide_by: time("decide_by"), sign_by: time("sign_by"), legs }
}

fn leg(entry: &Value) -> Leg {
    let account = |name: &str| -> Account { read(&entry[name]) };
    Leg {
        chain: ChainId(number(&entry["chain"])),
        escrow: account("escrow"),
        token: account("token"),
        amount: Amount(number(&entry["amount"])),
        depositor: account("depositor"),
        on_commit: account("on_commit"),
        on_abort: account("on_abort"),
        escape_at: Timestamp(number(&entry["escape_at"])),
        escape_window: number(&entry["escape_window"]),
        tip: Amount(number(&entry["tip"])),
    }
}
