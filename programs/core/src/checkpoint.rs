//! The hub's statement about one decided block.

use crate::{Bytes32, hash::keccak};

/// Messages, expiries and ABORT decisions.
pub const GENERAL: u8 = 0;
/// COMMIT decisions and nothing else.
pub const COMMITS: u8 = 1;
/// Rotations and nothing else.
pub const ROTATION: u8 = 2;

/// A checkpoint without the hub's id and the set's hash, which its reader knows.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// `GENERAL`, `COMMITS` or `ROTATION`.
    pub kind: u8,
    /// The validator set that speaks.
    pub epoch: u64,
    /// Height of the hub's block.
    pub height: u64,
    /// Hub time, Unix seconds.
    pub time: u64,
    /// Root of the leaves.
    pub outbox_root: &'a Bytes32,
    /// Root of the hub's state.
    pub state_root: &'a Bytes32,
}

impl Header<'_> {
    /// What validators sign.
    pub fn digest(&self, hub_id: &Bytes32, valset_hash: &Bytes32) -> Bytes32 {
        keccak(&[
            b"INFRASTRUKT/CHECKPOINT/v1",
            hub_id,
            &[self.kind],
            &self.epoch.to_be_bytes(),
            valset_hash,
            &self.height.to_be_bytes(),
            &self.time.to_be_bytes(),
            self.outbox_root,
            self.state_root,
        ])
    }
}
