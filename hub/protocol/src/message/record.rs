//! A message with its life, as every validator holds it.

use infrastrukt_types::{Height, Leaf, Message, MessageId, Origin, Timestamp};
use serde::{Deserialize, Serialize};

/// Where a message is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MessageState {
    /// Attested by more than two thirds.
    Proven,
    /// Its leaf is in a certified checkpoint.
    Certified,
    /// Its delivery is proven.
    Delivered,
    /// Its expiry on the target is proven.
    Expired,
    /// Its refund at the source is proven.
    Refunded,
}

impl MessageState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Proven, Self::Certified, Self::Delivered, Self::Expired, Self::Refunded];

    /// True once nothing is left to be done.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Proven | Self::Certified | Self::Expired => false,
            Self::Delivered | Self::Refunded => true,
        }
    }
}

/// A proven message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// Its id.
    pub id: MessageId,
    /// Its place in the order of proof, from 0.
    pub seq: u64,
    /// The message.
    pub message: Message,
    /// Where it was sent.
    pub origin: Origin,
    /// Where it is.
    pub state: MessageState,
    /// Hub time at which it was proven.
    pub proven_at: Timestamp,
    /// Height of the checkpoint that carries the latest issue of its leaf; none while the leaf waits to be issued.
    pub checkpoint: Option<Height>,
    /// Height of the latest certified checkpoint that carries its leaf.
    pub certified: Option<Height>,
    /// The same for the leaf of its expiry, for the refund at the source.
    pub expired_checkpoint: Option<Height>,
}

impl MessageRecord {
    /// A message at its proof.
    pub const fn new(id: MessageId, seq: u64, message: Message, origin: Origin, now: Timestamp) -> Self {
        Self {
            id,
            seq,
            message,
            origin,
            state: MessageState::Proven,
            proven_at: now,
            checkpoint: None,
            certified: None,
            expired_checkpoint: None,
        }
    }

    /// The leaf that waits to be issued, if one does.
    pub fn wanted_leaf(&self) -> Option<Leaf> {
        let (leaf, checkpoint) = match self.state {
            MessageState::Proven | MessageState::Certified => (Leaf::Message(self.id), self.checkpoint),
            MessageState::Expired => (Leaf::Expired(self.id), self.expired_checkpoint),
            MessageState::Delivered | MessageState::Refunded => return None,
        };
        checkpoint.is_none().then_some(leaf)
    }

    /// The checkpoint to show: the certified one where there is one, else the latest that carries the leaf.
    pub fn shown_checkpoint(&self) -> Option<Height> {
        self.certified.or(self.checkpoint)
    }
}
