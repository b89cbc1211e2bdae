//! What a false endpoint makes of a true answer.

use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolEvent,
};
use serde_json::{Value, json};

use super::{abi, chain::Chain};

/// A lock that was never made, of a deal that waits for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forgery {
    pub(crate) deal: B256,
    pub(crate) key: B256,
    pub(crate) index: u8,
}

/// Leaves one event of the hub's contracts out of the receipts of a block. True where there was one.
pub(crate) fn omit(chain: &Chain, method: &str, answer: &mut Value) -> bool {
    let is_ours = |log: &Value| {
        let address = log["address"].as_str().and_then(|text| text.parse::<Address>().ok());
        address.is_some_and(|address| [chain.gateway, chain.escrow].contains(&address))
    };
    let Some(receipts) = receipts(method, answer) else { return false };
    for receipt in receipts {
        let Some(logs) = receipt["logs"].as_array_mut() else { continue };
        if let Some(place) = logs.iter().position(is_ours) {
            logs.remove(place);
            return true;
        }
    }
    false
}

/// Adds the lock that would let a deal commit to the first receipt of a block. True where there is one.
pub(crate) fn invent(chain: &Chain, forgery: &Forgery, method: &str, answer: &mut Value) -> bool {
    let Some(receipt) = receipts(method, answer).and_then(|receipts| receipts.first_mut()) else { return false };
    let mut log = json!({
        "address": chain.escrow,
        "topics": [abi::Locked::SIGNATURE_HASH, forgery.deal, forgery.key],
        "data": B256::from(U256::from(forgery.index)),
        "logIndex": "0x0", "removed": false,
    });
    for field in ["blockHash", "blockNumber", "transactionHash", "transactionIndex"] {
        log[field] = receipt[field].clone();
    }
    let Some(logs) = receipt["logs"].as_array_mut() else { return false };
    logs.push(log);
    true
}

fn receipts<'answer>(method: &str, answer: &'answer mut Value) -> Option<&'answer mut Vec<Value>> {
    if method == "eth_getBlockReceipts" { answer.get_mut("result")?.as_array_mut() } else { None }
}
