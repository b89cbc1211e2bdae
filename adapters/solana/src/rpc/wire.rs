//! JSON of the Solana RPC interface, as little of it as is needed. Errors of transactions stay JSON values: their variants
//! grow with every release of the chain, and an unknown one must not make a whole block unreadable.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// An answer beside the slot it was given at, which is one endpoint's word and not used.
#[derive(Deserialize)]
pub(crate) struct Contextual<T> {
    pub(crate) value: T,
}

/// A block.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireBlock {
    pub(crate) blockhash: String,
    pub(crate) previous_blockhash: String,
    pub(crate) parent_slot: u64,
    #[serde(default)]
    pub(crate) block_time: Option<i64>,
    #[serde(default)]
    pub(crate) block_height: Option<u64>,
    /// There where transactions were asked for.
    #[serde(default)]
    pub(crate) transactions: Option<Vec<WireTransaction>>,
    /// There where signatures were asked for.
    #[serde(default)]
    pub(crate) signatures: Option<Vec<String>>,
}

/// A transaction of a block.
#[derive(Deserialize)]
pub(crate) struct WireTransaction {
    pub(crate) transaction: WireBody,
    #[serde(default)]
    pub(crate) meta: Option<WireMeta>,
}

/// What was signed.
#[derive(Deserialize)]
pub(crate) struct WireBody {
    pub(crate) signatures: Vec<String>,
    pub(crate) message: WireMessage,
}

/// The accounts that a transaction names itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireMessage {
    pub(crate) account_keys: Vec<String>,
}

/// What became of a transaction.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireMeta {
    #[serde(default)]
    pub(crate) err: Option<Box<RawValue>>,
    pub(crate) fee: u64,
    /// Lamports of the transaction's accounts before and after it; the first one pays.
    #[serde(default)]
    pub(crate) pre_balances: Vec<u64>,
    #[serde(default)]
    pub(crate) post_balances: Vec<u64>,
    #[serde(default)]
    pub(crate) inner_instructions: Option<Vec<WireInner>>,
    #[serde(default)]
    pub(crate) loaded_addresses: Option<WireLoaded>,
    #[serde(default)]
    pub(crate) compute_units_consumed: Option<u64>,
}

/// Accounts that a transaction took from lookup tables; they follow its own.
#[derive(Deserialize)]
pub(crate) struct WireLoaded {
    pub(crate) writable: Vec<String>,
    pub(crate) readonly: Vec<String>,
}

/// The calls that one instruction led to.
#[derive(Deserialize)]
pub(crate) struct WireInner {
    pub(crate) index: u8,
    pub(crate) instructions: Vec<WireInstruction>,
}

/// One call. Accounts are positions among the transaction's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireInstruction {
    pub(crate) program_id_index: u8,
    pub(crate) accounts: Vec<u8>,
    /// Base58.
    pub(crate) data: String,
}

/// A hash for new transactions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireBlockhash {
    pub(crate) blockhash: String,
    pub(crate) last_valid_block_height: u64,
}

/// What a node knows of a signature.
#[derive(Deserialize)]
pub(crate) struct WireStatus {
    pub(crate) slot: u64,
    #[serde(default)]
    pub(crate) err: Option<Value>,
}

/// An account; its data in base64, followed by the encoding's name.
#[derive(Deserialize)]
pub(crate) struct WireAccount {
    pub(crate) lamports: u64,
    pub(crate) owner: String,
    pub(crate) data: (String, String),
    pub(crate) executable: bool,
}

/// One of a program's accounts.
#[derive(Deserialize)]
pub(crate) struct WireOwned {
    pub(crate) account: WireAccount,
}

/// Outcome of a simulation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireSimulation {
    #[serde(default)]
    pub(crate) err: Option<Value>,
    #[serde(default)]
    pub(crate) logs: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) units_consumed: Option<u64>,
}

/// A recent priority fee.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireFee {
    pub(crate) prioritization_fee: u64,
}
