//! Evidence: what a relayer submits so that a validator can convince itself of facts.

use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::ChainId;

/// Evidence, tagged by verification scheme and never by chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Receipts proven by inclusion in a block's `receiptsRoot`; the chain's policy says which header is believed.
    Receipts(ReceiptEvidence),
}

impl Evidence {
    /// The chain it speaks of.
    pub const fn chain(&self) -> ChainId {
        match self {
            Self::Receipts(receipts) => receipts.chain,
        }
    }

    /// Number of the block it speaks of.
    pub const fn block_number(&self) -> u64 {
        match self {
            Self::Receipts(receipts) => receipts.block_number,
        }
    }
}

/// Receipts of one block with Merkle-Patricia proofs against its `receiptsRoot`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReceiptEvidence {
    /// The chain.
    pub chain: ChainId,
    /// Number of the block.
    pub block_number: u64,
    /// Hash of the block.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub block_hash: B256,
    /// One proof for each receipt, ascending by transaction.
    pub receipts: Vec<ReceiptProof>,
}

/// Inclusion of one receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReceiptProof {
    /// Position of the transaction; the trie key is its RLP.
    pub tx_index: u32,
    /// The receipt in its EIP-2718 encoding.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub receipt: Bytes,
    /// Trie nodes from the root down, none left over.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<alloc::string::String>"))]
    pub nodes: Vec<Bytes>,
}
