//! JSON of the Ethereum JSON-RPC interface, as little of it as is needed.

use alloy_primitives::{Address, B256, Bloom, Bytes, U8, U64, U128};
use serde::{Deserialize, Deserializer, Serialize};

/// A request.
#[derive(Serialize)]
pub(crate) struct Request<'a> {
    pub(crate) jsonrpc: &'static str,
    pub(crate) id: u64,
    pub(crate) method: &'a str,
    pub(crate) params: &'a serde_json::Value,
}

/// A response: `result` is there, even as null, or `error` is.
#[derive(Deserialize)]
#[serde(bound = "R: Deserialize<'de>")]
pub(crate) struct Response<R> {
    #[serde(default)]
    pub(crate) id: Option<u64>,
    #[serde(default = "Option::default", deserialize_with = "present")]
    pub(crate) result: Option<R>,
    #[serde(default)]
    pub(crate) error: Option<ErrorBody>,
}

/// What a node says when it refuses.
#[derive(Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) data: Option<serde_json::Value>,
}

impl ErrorBody {
    /// Revert data, where the node attached some.
    pub(crate) fn revert_data(&self) -> Option<Bytes> {
        self.data.as_ref()?.as_str()?.parse().ok()
    }
}

/// Tells `"result": null` from a missing result.
fn present<'de, D: Deserializer<'de>, R: Deserialize<'de>>(deserializer: D) -> Result<Option<R>, D::Error> {
    R::deserialize(deserializer).map(Some)
}

/// A block header with the hash the node claims for it.
pub(crate) type RpcHeader = alloy::rpc::types::eth::Header;

/// A log inside a receipt.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RpcLog {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
}

/// A receipt.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RpcReceipt {
    pub(crate) transaction_hash: B256,
    pub(crate) block_number: U64,
    pub(crate) block_hash: B256,
    #[serde(rename = "type", default)]
    pub(crate) kind: U8,
    #[serde(default)]
    pub(crate) status: Option<U64>,
    #[serde(default)]
    pub(crate) root: Option<B256>,
    pub(crate) cumulative_gas_used: U64,
    pub(crate) gas_used: U64,
    #[serde(default)]
    pub(crate) effective_gas_price: Option<U128>,
    pub(crate) logs_bloom: Bloom,
    pub(crate) logs: Vec<RpcLog>,
}

/// The transactions of a block.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RpcBlock {
    pub(crate) transactions: Vec<RpcSpend>,
}

/// Who used which nonce.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RpcSpend {
    pub(crate) hash: B256,
    pub(crate) from: Address,
    pub(crate) nonce: U64,
}

/// What a node says about a transaction it knows.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RpcTransaction {
    pub(crate) hash: B256,
}
