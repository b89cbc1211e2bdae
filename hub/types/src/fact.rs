//! Facts: what happened on a chain, as validators attest to it.

use alloc::vec::Vec;
use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{Account, ChainId, DealId, Decision, FactId, LockKey, Message, MessageId, packed::Packed};

/// Where on its chain a fact was read: a final block and a log inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Origin {
    /// The chain.
    pub chain: ChainId,
    /// Number of the final block (slot on Solana).
    pub block_number: u64,
    /// Hash of that block.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub block_hash: B256,
    /// Position of the transaction in the block.
    pub tx_index: u32,
    /// Position of the event among the transaction's own events.
    pub event_index: u32,
}

/// What happened. Emitted by the hub's own contract on the origin chain, which the verifier checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// A message left its source gateway.
    Sent {
        /// The gateway that emitted it.
        gateway: Account,
        /// The message.
        message: Message,
    },
    /// A message reached its recipient.
    Delivered(MessageId),
    /// A message was marked as never to be delivered.
    Expired(MessageId),
    /// An expired message was given back at its source.
    Refunded(MessageId),
    /// A leg was locked.
    Locked {
        /// Its deal.
        deal: DealId,
        /// Its place in the deal.
        index: u8,
        /// Its lock key, which binds the leg's every field.
        lock_key: LockKey,
    },
    /// A leg was released or refunded under a certificate.
    Settled {
        /// Its deal.
        deal: DealId,
        /// Its place in the deal.
        index: u8,
        /// Its lock key.
        lock_key: LockKey,
        /// Released or refunded.
        decision: Decision,
    },
    /// A leg was refunded by the timer.
    Escaped {
        /// Its deal.
        deal: DealId,
        /// Its place in the deal.
        index: u8,
        /// Its lock key.
        lock_key: LockKey,
    },
}

/// A fact with its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fact {
    /// Where it was read.
    pub origin: Origin,
    /// What happened.
    pub kind: FactKind,
}

impl Fact {
    /// The digest under which attestations to this very fact are counted.
    pub fn id(&self) -> FactId {
        let origin = &self.origin;
        let head = Packed::tagged("INFRASTRUKT/FACT/v1")
            .u64(origin.chain.0)
            .u64(origin.block_number)
            .bytes(origin.block_hash)
            .u32(origin.tx_index)
            .u32(origin.event_index);
        FactId(head.bytes(self.kind.packed()).keccak())
    }
}

impl FactKind {
    fn packed(&self) -> Vec<u8> {
        let kind = |byte: u8| Packed::default().u8(byte);
        let leg = |byte: u8, deal: &DealId, index: u8, key: &LockKey| kind(byte).bytes(deal).u8(index).bytes(key);
        match self {
            Self::Sent { gateway, message } => message.append_to(kind(1).bytes(gateway)),
            Self::Delivered(id) => kind(2).bytes(id),
            Self::Expired(id) => kind(3).bytes(id),
            Self::Refunded(id) => kind(4).bytes(id),
            Self::Locked { deal, index, lock_key } => leg(5, deal, *index, lock_key),
            Self::Settled { deal, index, lock_key, decision } => leg(6, deal, *index, lock_key).u8(decision.bit()),
            Self::Escaped { deal, index, lock_key } => leg(7, deal, *index, lock_key),
        }
        .into_vec()
    }
}
