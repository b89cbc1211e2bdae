//! Leaves of an outbox: what the hub says in a checkpoint.

use crate::{Bytes32, hash::keccak};

const PREFIX: u8 = 0;

/// A message may be delivered.
pub fn message(id: &Bytes32) -> Bytes32 {
    keccak(&[&[PREFIX, 1], id])
}

/// A deal is decided.
pub fn decision(deal_id: &Bytes32, commit: bool) -> Bytes32 {
    keccak(&[&[PREFIX, 2], deal_id, &[u8::from(commit)]])
}

/// A message expired on its target.
pub fn expired(id: &Bytes32) -> Bytes32 {
    keccak(&[&[PREFIX, 3], id])
}

/// The next validator set takes over.
pub fn rotate(epoch: u64, valset_hash: &Bytes32, expires_at: u64) -> Bytes32 {
    keccak(&[&[PREFIX, 4], &epoch.to_be_bytes(), valset_hash, &expires_at.to_be_bytes()])
}
