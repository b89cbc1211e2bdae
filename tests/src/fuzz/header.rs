//! A node's answer with a block header. Whatever passes has the fields that its hash stands for.

use alloy::rpc::types::Header;
use infrastrukt_evm::check_header;
use serde_json::Value;
use std::sync::LazyLock;

use super::{
    Seed,
    vectors::{BLOCK, read},
};

static GENUINE: LazyLock<Header> = LazyLock::new(|| read(&BLOCK));

pub(super) fn run(data: &[u8]) {
    let Ok(header) = serde_json::from_slice::<Header>(data) else { return };
    let claimed = header.hash;
    let Ok(checked) = check_header("node", header) else { return };
    assert_eq!(checked.hash(), claimed);
    if claimed == GENUINE.hash {
        assert_eq!(checked.fields(), &GENUINE.inner, "other fields passed under a known hash");
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let mut small = BLOCK.clone();
    if let Some(fields) = small.as_object_mut() {
        fields.retain(|name, _| name != "withdrawals" && name != "uncles");
    }
    let mut old = small.clone();
    old["baseFeePerGas"] = Value::Null;
    old["withdrawalsRoot"] = Value::Null;
    [("mainnet", small), ("without_forks", old)]
        .map(|(name, value)| (name.into(), value.to_string().into_bytes()))
        .into()
}
