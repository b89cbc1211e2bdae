//! Blocks, receipts and the events in them, with their hashes.

use infrastrukt_types::{Account, Amount, B256, Bytes, FactKind, LockKey, MessageId, Timestamp, codec, keccak256};
use serde::{Deserialize, Serialize};

use crate::SimTx;

/// What a contract reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Something that the hub cares about.
    Fact(FactKind),
    /// A recipient refused a message, which stays deliverable.
    DeliveryFailed {
        /// The message.
        id: MessageId,
        /// What the recipient returned.
        reason: Bytes,
    },
    /// The first step of an escape.
    EscapeRequested {
        /// The lock.
        lock_key: LockKey,
        /// When the second step may follow.
        executable_at: Timestamp,
    },
    /// A payout failed and is owed now.
    Credited {
        /// To whom.
        account: Account,
        /// In which token.
        token: Account,
        /// How much.
        amount: Amount,
    },
    /// A debt was paid.
    CreditWithdrawn {
        /// To whom.
        account: Account,
        /// In which token.
        token: Account,
        /// How much.
        amount: Amount,
    },
    /// A new validator set took over.
    Rotated,
}

/// An event with the contract that emitted it. Anyone may deploy a contract that emits the hub's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The contract.
    pub emitter: Account,
    /// What it reported.
    pub event: Event,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimReceipt {
    /// The transaction's hash.
    pub tx: B256,
    /// Why it was undone, if it was.
    pub revert: Option<String>,
    /// Gas it used.
    pub gas_used: u64,
    /// What its sender paid for that.
    pub fee: Amount,
    /// Id of the message it sent, where it sent one.
    pub message_id: Option<MessageId>,
    /// Its events in order.
    pub logs: Vec<Log>,
}

/// What a block's hash covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Number, from 0.
    pub number: u64,
    /// Hash of the block before.
    pub parent: B256,
    /// Chain time.
    pub time: Timestamp,
    /// Commits to all receipts.
    pub receipts_root: B256,
    /// Sets the blocks of different forks and seeds apart.
    pub salt: u64,
}

/// A block with the receipts of its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimBlock {
    /// Its header.
    pub header: Header,
    /// Its transactions.
    pub txs: Vec<SimTx>,
    /// Their receipts in order.
    pub receipts: Vec<SimReceipt>,
}

impl Header {
    /// The block's hash.
    pub fn hash(&self) -> B256 {
        keccak256(codec::encode(self))
    }
}

impl SimReceipt {
    /// The bytes that evidence carries.
    pub fn encoded(&self) -> Bytes {
        codec::encode(self).into()
    }
}

/// What a header commits to: the digests of all receipts, their number included.
pub fn receipts_root(digests: &[B256]) -> B256 {
    let mut bytes = (digests.len() as u64).to_be_bytes().to_vec();
    digests.iter().for_each(|digest| bytes.extend_from_slice(digest.as_slice()));
    keccak256(bytes)
}

/// The digests of a block's receipts.
pub(crate) fn receipt_digests(receipts: &[SimReceipt]) -> Vec<B256> {
    receipts.iter().map(|receipt| keccak256(receipt.encoded())).collect()
}
