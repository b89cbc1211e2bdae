//! What validators sign, and the leaves under it.

use super::{Word, keccak};

/// What a checkpoint may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Messages, expiries and aborts.
    General,
    /// Commits alone.
    Commits,
    /// Rotations alone.
    Rotation,
}

impl Kind {
    /// Its byte on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Self::General => 0,
            Self::Commits => 1,
            Self::Rotation => 2,
        }
    }
}

/// The hub's statement about one decided block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The hub.
    pub hub_id: Word,
    /// A [`Kind`], or a byte that is none.
    pub kind: u8,
    /// Whose set signs.
    pub epoch: u64,
    /// Hash of that set.
    pub valset_hash: Word,
    /// Height of the block.
    pub height: u64,
    /// Time of the block, in seconds.
    pub time: u64,
    /// Root over the leaves.
    pub outbox_root: Word,
    /// Root of the hub's state.
    pub state_root: Word,
}

impl Checkpoint {
    /// What validators sign.
    pub fn digest(&self) -> Word {
        keccak(&[b"INFRASTRUKT/CHECKPOINT/v1", &self.packed()])
    }

    /// The fields as they are hashed, 153 bytes.
    pub fn packed(&self) -> Vec<u8> {
        [
            &self.hub_id[..],
            &[self.kind],
            &self.epoch.to_be_bytes(),
            &self.valset_hash,
            &self.height.to_be_bytes(),
            &self.time.to_be_bytes(),
            &self.outbox_root,
            &self.state_root,
        ]
        .concat()
    }
}

/// Hashes of leaves.
pub mod leaf {
    use super::{Word, keccak};

    const PREFIX: u8 = 0;

    /// A message may be delivered.
    pub fn message(id: &Word) -> Word {
        keccak(&[&[PREFIX, 1], id])
    }

    /// A deal commits or aborts.
    pub fn decision(deal: &Word, commit: bool) -> Word {
        keccak(&[&[PREFIX, 2], deal, &[u8::from(commit)]])
    }

    /// A message was not delivered and never will be.
    pub fn expired(id: &Word) -> Word {
        keccak(&[&[PREFIX, 3], id])
    }

    /// The next epoch's set.
    pub fn rotate(epoch: u64, valset_hash: &Word, expires_at: u64) -> Word {
        keccak(&[&[PREFIX, 4], &epoch.to_be_bytes(), valset_hash, &expires_at.to_be_bytes()])
    }
}
