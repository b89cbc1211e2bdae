//! A message: bytes sent from one chain to another, delivered at most once.

use alloy_primitives::{Bytes, keccak256};
use serde::{Deserialize, Serialize};

use crate::{Account, ChainId, HubId, MessageId, Nonce, Timestamp, packed::Packed};

/// The only message version there is.
pub const MESSAGE_VERSION: u8 = 1;

/// A message as its source gateway emitted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    /// [`MESSAGE_VERSION`].
    pub version: u8,
    /// Where it was sent.
    pub source: ChainId,
    /// Where it is to be delivered.
    pub target: ChainId,
    /// Counts per (source, target) from 1.
    pub nonce: Nonce,
    /// Who sent it, on the source.
    pub sender: Account,
    /// Who receives it, on the target.
    pub recipient: Account,
    /// Source time at sending.
    pub timestamp: Timestamp,
    /// Gas (or compute units) the recipient's handler is given.
    pub gas_limit: u64,
    /// Last second of target time at which it may be delivered; zero never expires.
    pub deadline: Timestamp,
    /// What the recipient gets.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub payload: Bytes,
}

/// The two gateways a message travels between; part of its id, so that a redeployed gateway replays nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Gateway on the source chain.
    pub source_gateway: Account,
    /// Gateway on the target chain.
    pub target_gateway: Account,
}

impl Message {
    /// The message's id under `hub` and `route`.
    pub fn id(&self, hub: HubId, route: &Route) -> MessageId {
        let head =
            Packed::tagged("INFRASTRUKT/MESSAGE/v1").bytes(hub).bytes(route.source_gateway).bytes(route.target_gateway);
        MessageId(self.append_to(head).keccak())
    }

    /// The nine fixed fields and the hash of the payload.
    pub(crate) fn append_to(&self, packed: Packed) -> Packed {
        packed
            .u8(self.version)
            .u64(self.source.0)
            .u64(self.target.0)
            .u64(self.nonce.0)
            .bytes(self.sender)
            .bytes(self.recipient)
            .u64(self.timestamp.0)
            .u64(self.gas_limit)
            .u64(self.deadline.0)
            .bytes(keccak256(&self.payload))
    }
}
