//! What a block changes, and the hash chain over it.

use infrastrukt_types::{B256, ChainId, Epoch, FactId, Origin, codec, keccak256};
use serde::{Deserialize, Serialize};

use super::{tally::Tally, view::Tip};
use crate::{
    checkpoint::CheckpointRecord,
    deal::DealRecord,
    digest::Preimage,
    message::MessageRecord,
    valset::{EpochRecord, RotationTally},
};

/// A change of state: the whole new value, so that storing it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A message's record.
    Message(MessageRecord),
    /// A deal's record.
    Deal(DealRecord),
    /// Votes on a fact; none once it is proven, or forgotten.
    Tally {
        /// The fact.
        id: FactId,
        /// Its votes.
        tally: Option<Tally>,
    },
    /// A fact is proven.
    Fact {
        /// Where.
        origin: Origin,
        /// Which.
        id: FactId,
    },
    /// An earlier checkpoint was certified or superseded.
    Checkpoint(CheckpointRecord),
    /// An epoch's record.
    Epoch(EpochRecord),
    /// Votes for an epoch's set; none once it is decided.
    Rotation {
        /// The epoch.
        epoch: Epoch,
        /// Its votes.
        tally: Option<RotationTally>,
    },
    /// A chain is frozen.
    Frozen {
        /// The chain.
        chain: ChainId,
        /// Why.
        evidence: String,
    },
    /// The tip itself; only at genesis, since later ones follow from the block.
    Tip(Tip),
}

/// The state root after `changes`: a hash chain over every change since genesis.
pub fn apply_root(previous: B256, changes: &[Change]) -> B256 {
    Preimage::tagged("INFRASTRUKT/STATE/v1").bytes(previous).bytes(keccak256(codec::encode(changes))).keccak()
}
