//! Receipts of a block: their trie, proofs of single ones and the check of such proofs.

use alloy::{
    consensus::{Eip658Value, Receipt, ReceiptWithBloom},
    rlp::{Decodable, Encodable},
};
use alloy_primitives::{B256, Bytes, Log, keccak256};
use alloy_trie::{
    EMPTY_ROOT_HASH, HashBuilder, Nibbles,
    nodes::{RlpNode, TrieNode},
    proof::{ProofRetainer, verify_proof},
};
use infrastrukt_types::ReceiptProof;

use crate::rpc::{RpcLog, RpcReceipt};

/// Transactions of one block at most: far above what any gas limit allows.
pub const BLOCK_RECEIPTS_MAX: usize = 100_000;

/// Trie nodes of one proof at most: a key has at most five bytes, ten nibbles.
pub const PROOF_NODES_MAX: usize = 11;

/// First byte from which a receipt is an RLP list, so untyped; typed ones start with their type.
const UNTYPED_FROM: u8 = 0xc0;

/// Highest transaction type (EIP-2718).
const TYPE_MAX: u8 = 0x7f;

/// A receipt that a proof was checked for, without what no contract wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenReceipt {
    /// Position of its transaction.
    pub tx_index: u32,
    /// Its logs.
    pub logs: Vec<Log>,
}

/// Why a receipt or its proof is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The trie over the receipts has another root than the header names.
    #[error("the receipts hash to {computed} and not to the header's {expected}: one was changed, left out or added")]
    Root {
        /// Root of what was given.
        computed: B256,
        /// Root of the header.
        expected: B256,
    },
    /// More receipts than a block can hold.
    #[error("{0} receipts are more than a block can hold ({BLOCK_RECEIPTS_MAX})")]
    TooMany(usize),
    /// An index without a receipt.
    #[error("transaction {index} is asked for, but the block has {count}")]
    NoSuchTransaction {
        /// The index.
        index: u32,
        /// Receipts there are.
        count: usize,
    },
    /// No node, or more than any key needs.
    #[error("a proof has 1 to {PROOF_NODES_MAX} nodes, not {0}")]
    NodeCount(usize),
    /// The nodes do not lead from the root to exactly this receipt at this index, or some are left over.
    #[error("the proof does not lead from root {root} to this receipt of transaction {index}: {reason}")]
    Proof {
        /// The root.
        root: B256,
        /// The transaction.
        index: u32,
        /// What the trie said.
        reason: String,
    },
    /// Not a receipt.
    #[error("the receipt of transaction {0} does not decode: it is no EIP-2718 receipt")]
    Malformed(u32),
    /// Type byte out of range.
    #[error("receipt type {0:#x} is out of range")]
    Kind(u8),
}

/// All receipts of one block, encoded, with a root that equals the header's.
#[derive(Debug)]
pub struct BlockReceipts {
    encoded: Vec<Bytes>,
}

impl BlockReceipts {
    /// Checks encoded receipts, in the order of their transactions, against the header's root.
    pub fn new(encoded: Vec<Bytes>, receipts_root: B256) -> Result<Self, ReceiptError> {
        if encoded.len() > BLOCK_RECEIPTS_MAX {
            return Err(ReceiptError::TooMany(encoded.len()));
        }
        let (computed, _) = build(&encoded, Vec::new());
        if computed != receipts_root {
            return Err(ReceiptError::Root { computed, expected: receipts_root });
        }
        Ok(Self { encoded })
    }

    /// Proofs for these transactions, in the given order.
    pub fn prove(&self, tx_indices: &[u32]) -> Result<Vec<ReceiptProof>, ReceiptError> {
        let count = self.encoded.len();
        if let Some(index) = tx_indices.iter().find(|index| **index as usize >= count) {
            return Err(ReceiptError::NoSuchTransaction { index: *index, count });
        }
        let (_, nodes) = build(&self.encoded, tx_indices.iter().map(|index| trie_key(*index)).collect());
        let prove = |index: &u32| ReceiptProof {
            tx_index: *index,
            receipt: self.encoded[*index as usize].clone(),
            nodes: nodes.matching_nodes_sorted(&trie_key(*index)).into_iter().map(|(_, node)| node).collect(),
        };
        Ok(tx_indices.iter().map(prove).collect())
    }

    /// The logs of every transaction.
    pub fn decode(&self) -> Result<Vec<ProvenReceipt>, ReceiptError> {
        (0u32..).zip(&self.encoded).map(|(index, receipt)| decode(index, receipt)).collect()
    }
}

/// Checks that `proof` leads from `root` to its receipt, every node used, and returns the receipt.
pub fn verify(root: B256, proof: &ReceiptProof) -> Result<ProvenReceipt, ReceiptError> {
    let index = proof.tx_index;
    if !(1..=PROOF_NODES_MAX).contains(&proof.nodes.len()) {
        return Err(ReceiptError::NodeCount(proof.nodes.len()));
    }
    // An empty value is how the trie says that nothing is there; no receipt is empty.
    if proof.receipt.is_empty() {
        return Err(ReceiptError::Malformed(index));
    }
    check_path(root, trie_key(index), &proof.receipt, &proof.nodes).map_err(|reason| ReceiptError::Proof {
        root,
        index,
        reason,
    })?;
    decode(index, &proof.receipt)
}

/// The root that a proof starts from by its own account: the hash of its first node.
pub(crate) fn claimed_root(proof: &ReceiptProof) -> Result<B256, ReceiptError> {
    proof.nodes.first().map(keccak256).ok_or(ReceiptError::NodeCount(0))
}

/// Walks from `root` along `key` to exactly `value`, through exactly `nodes`.
fn check_path(root: B256, key: Nibbles, value: &[u8], nodes: &[Bytes]) -> Result<(), String> {
    if root.is_zero() || root == EMPTY_ROOT_HASH {
        return Err("a zero or empty root proves nothing".into());
    }
    check_shape(key.len(), nodes)?;
    verify_proof(root, key, Some(value.to_vec()), nodes).map_err(|error| describe(&error))
}

/// Refuses nodes that no receipt trie has: a path longer than its key, which the trie library takes for a fault of its
/// caller's, and children inside their parent, for which a receipt with its bloom of 256 bytes is too long.
fn check_shape(key_nibbles: usize, nodes: &[Bytes]) -> Result<(), String> {
    let mut depth = 0;
    for bytes in nodes {
        let mut rest: &[u8] = bytes;
        let node = TrieNode::decode(&mut rest).map_err(|error| format!("a node is malformed ({error})"))?;
        if !rest.is_empty() {
            return Err("bytes follow a node".into());
        }
        let (steps, is_linked) = match node {
            TrieNode::EmptyRoot => return Err("an empty node lies on the path".into()),
            TrieNode::Branch(branch) => (1, branch.stack.iter().all(RlpNode::is_hash)),
            TrieNode::Extension(extension) => (extension.key.len(), extension.child.is_hash()),
            TrieNode::Leaf(leaf) => (leaf.key.len(), true),
        };
        if !is_linked {
            return Err("a node holds its child instead of the hash of it".into());
        }
        depth += steps;
    }
    if depth > key_nibbles {
        return Err(format!("the path has {depth} nibbles, its key {key_nibbles}"));
    }
    Ok(())
}

/// The EIP-2718 encoding of a receipt as a node shows it.
pub(crate) fn encode(receipt: &RpcReceipt) -> Result<Bytes, ReceiptError> {
    let status = match receipt.root {
        Some(root) if receipt.status.is_none() => Eip658Value::PostState(root),
        Some(_) | None => Eip658Value::Eip658(receipt.status.is_some_and(|status| !status.is_zero())),
    };
    let logs = receipt.logs.iter().map(to_log).collect();
    let body = Receipt { status, cumulative_gas_used: receipt.cumulative_gas_used.to(), logs };
    let body = ReceiptWithBloom { receipt: body, logs_bloom: receipt.logs_bloom };
    let mut bytes = Vec::with_capacity(body.length() + 1);
    match receipt.kind.to::<u8>() {
        0 => {}
        kind @ 1..=TYPE_MAX => bytes.push(kind),
        kind => return Err(ReceiptError::Kind(kind)),
    }
    body.encode(&mut bytes);
    Ok(bytes.into())
}

fn to_log(log: &RpcLog) -> Log {
    Log::new_unchecked(log.address, log.topics.clone(), log.data.clone())
}

fn decode(tx_index: u32, receipt: &Bytes) -> Result<ProvenReceipt, ReceiptError> {
    let malformed = || ReceiptError::Malformed(tx_index);
    let mut rest: &[u8] = receipt;
    match rest.first() {
        Some(kind) if (1..=TYPE_MAX).contains(kind) => rest = &rest[1..],
        Some(first) if *first >= UNTYPED_FROM => {}
        Some(_) | None => return Err(malformed()),
    }
    let decoded = ReceiptWithBloom::<Receipt>::decode(&mut rest).map_err(|_| malformed())?;
    if !rest.is_empty() {
        return Err(malformed());
    }
    Ok(ProvenReceipt { tx_index, logs: decoded.receipt.logs })
}

/// Position of a receipt in the trie: the RLP of its index.
fn trie_key(index: u32) -> Nibbles {
    let mut key = Vec::with_capacity(5);
    index.encode(&mut key);
    Nibbles::unpack(&key)
}

fn build(encoded: &[Bytes], targets: Vec<Nibbles>) -> (B256, alloy_trie::proof::ProofNodes) {
    let mut leaves: Vec<(Nibbles, &Bytes)> = (0u32..).zip(encoded).map(|(i, receipt)| (trie_key(i), receipt)).collect();
    leaves.sort_unstable_by_key(|(key, _)| *key);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets));
    for (key, receipt) in leaves {
        builder.add_leaf(key, receipt);
    }
    let root = builder.root();
    (root, builder.take_proof_nodes())
}

/// The trie's error without the megabytes of values it carries.
fn describe(error: &alloy_trie::proof::ProofVerificationError) -> String {
    use alloy_trie::proof::ProofVerificationError as E;
    match error {
        E::RootMismatch { got, .. } => format!("it starts at {got}"),
        E::ValueMismatch { path, .. } => format!("it breaks off, is left over or differs at {path:?}"),
        E::UnexpectedEmptyRoot => "an empty node lies on the path".into(),
        E::Rlp(error) => format!("a node is malformed ({error})"),
    }
}

#[cfg(test)]
mod tests;
