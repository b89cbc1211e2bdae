//! One epoch of the hub.

use infrastrukt_types::{B256, Epoch, Height, Scheme, Timestamp, ValidatorSet};
use serde::{Deserialize, Serialize};

/// An epoch: pending until its rotation is certified, then current, then retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Its number, from 1.
    pub epoch: Epoch,
    /// Its set.
    pub set: ValidatorSet,
    /// Hash of the set under the scheme in use.
    pub valset_hash: B256,
    /// When the set loses all power.
    pub expires_at: Timestamp,
    /// Height of the checkpoint that carries the latest issue of its rotation; none for epoch 1.
    pub checkpoint: Option<Height>,
    /// Hub time at which it became current.
    pub started_at: Option<Timestamp>,
    /// Hub time at which the next one became current.
    pub retired_at: Option<Timestamp>,
}

impl EpochRecord {
    /// An epoch that is not current yet.
    pub fn pending(epoch: Epoch, set: ValidatorSet, expires_at: Timestamp) -> Self {
        let valset_hash = set.hash(Scheme::Ecdsa);
        Self { epoch, set, valset_hash, expires_at, checkpoint: None, started_at: None, retired_at: None }
    }
}

/// True when one member is a quorum by itself, so that one stolen key is enough.
pub(crate) fn is_sole_quorum(set: &ValidatorSet) -> bool {
    set.members().iter().any(|member| set.is_quorum(u128::from(member.weight)))
}
