//! The protocol's encodings, written from its page and not from the program: what both get wrong in the same way would
//! have to be misread twice.

mod checkpoint;
mod deal;
mod message;
mod tree;
mod validators;

pub use checkpoint::{Checkpoint, Kind, leaf};
pub use deal::{Leg, LegRef, deal_id};
pub use message::{Message, Route, TokenTransfer};
pub use tree::{Multiproof, Tree};
pub use validators::{Certificate, Validator, ValidatorSet, encode_members, high_s, valset_hash};

use sha3::{Digest, Keccak256};

/// 32 bytes: a hash, an id, an account.
pub type Word = [u8; 32];

/// keccak256 over the parts, one after the other.
pub fn keccak(parts: &[&[u8]]) -> Word {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
