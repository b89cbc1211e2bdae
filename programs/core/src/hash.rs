//! The two primitives that everything rests on. On SBF each is one system call.

use crate::Bytes32;

/// keccak256 of the parts, one after another.
pub fn keccak(parts: &[&[u8]]) -> Bytes32 {
    solana_keccak_hasher::hashv(parts).to_bytes()
}

/// The 20-byte address whose key signed `digest`, as EVM's `ecrecover` gives it. `None` when nothing can be recovered or
/// `parity` is neither 0 nor 1. Does not judge whether s is low: the caller does.
pub fn recover(digest: &Bytes32, parity: u8, signature: &[u8; 64]) -> Option<[u8; 20]> {
    if parity > 1 {
        return None;
    }
    let key = solana_secp256k1_recover::secp256k1_recover(digest, parity, signature).ok()?;
    let hash = keccak(&[&key.to_bytes()]);
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    Some(address)
}
