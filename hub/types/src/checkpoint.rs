//! Checkpoints, and the leaves their outbox carries.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::{DealId, Decision, Epoch, Height, HubId, MessageId, Timestamp, packed::Packed};

/// What a checkpoint's outbox may hold. Kinds are certified apart, so that a refused COMMIT strands nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CheckpointKind {
    /// Messages, expiries and ABORT decisions.
    General,
    /// COMMIT decisions alone.
    Commits,
    /// One rotation of the validator set.
    Rotation,
}

impl CheckpointKind {
    /// All kinds, in the order of their bytes.
    pub const ALL: [Self; 3] = [Self::General, Self::Commits, Self::Rotation];

    /// The kind's byte on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Self::General => 0,
            Self::Commits => 1,
            Self::Rotation => 2,
        }
    }
}

/// The hub's statement about one decided hub block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checkpoint {
    /// Whose statement it is.
    pub hub_id: HubId,
    /// What the outbox holds.
    pub kind: CheckpointKind,
    /// The epoch whose set certifies it.
    pub epoch: Epoch,
    /// Hash of that set.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub valset_hash: B256,
    /// The block's height.
    pub height: Height,
    /// The block's time.
    pub time: Timestamp,
    /// Root of the outbox tree; never zero.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub outbox_root: B256,
    /// The hub's state after the block.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub state_root: B256,
}

impl Checkpoint {
    /// What validators sign.
    pub fn digest(&self) -> B256 {
        Packed::tagged("INFRASTRUKT/CHECKPOINT/v1")
            .bytes(self.hub_id)
            .u8(self.kind.byte())
            .u64(self.epoch.0)
            .bytes(self.valset_hash)
            .u64(self.height.0)
            .u64(self.time.0)
            .bytes(self.outbox_root)
            .bytes(self.state_root)
            .keccak()
    }
}

/// One statement in an outbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Leaf {
    /// The message may be delivered (or expired) on its target.
    Message(MessageId),
    /// The deal's one decision.
    Decision(DealId, Decision),
    /// The message expired on its target and may be refunded at its source.
    Expired(MessageId),
    /// The next epoch's validator set.
    Rotate {
        /// The epoch that begins.
        epoch: Epoch,
        /// Hash of its set.
        #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
        valset_hash: B256,
        /// When the set loses all power.
        expires_at: Timestamp,
    },
}

impl Leaf {
    /// The leaf's hash in the outbox tree.
    pub fn hash(&self) -> B256 {
        let leaf = |kind: u8| Packed::default().u8(0x00).u8(kind);
        match self {
            Self::Message(id) => leaf(1).bytes(id),
            Self::Decision(deal, decision) => leaf(2).bytes(deal).u8(decision.bit()),
            Self::Expired(id) => leaf(3).bytes(id),
            Self::Rotate { epoch, valset_hash, expires_at } => {
                leaf(4).u64(epoch.0).bytes(valset_hash).u64(expires_at.0)
            }
        }
        .keccak()
    }

    /// The kind of checkpoint that carries it.
    pub const fn kind(&self) -> CheckpointKind {
        match self {
            Self::Message(_) | Self::Expired(_) | Self::Decision(_, Decision::Abort) => CheckpointKind::General,
            Self::Decision(_, Decision::Commit) => CheckpointKind::Commits,
            Self::Rotate { .. } => CheckpointKind::Rotation,
        }
    }
}
