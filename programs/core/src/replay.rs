//! One bit per nonce, in pages that are never closed.

/// Nonces in one page.
pub const PAGE_NONCES: u64 = 8_192;
/// Bytes of the bits of one page.
pub const PAGE_BYTES: usize = 1_024;

/// The page of a nonce.
pub fn page_of(nonce: u64) -> u64 {
    nonce / PAGE_NONCES
}

/// Whether the bit of `nonce` is set in its page.
pub fn is_set(bits: &[u8; PAGE_BYTES], nonce: u64) -> bool {
    let (byte, mask) = place(nonce);
    bits[byte] & mask != 0
}

/// Sets the bit of `nonce` in its page; false if it was set already.
pub fn set(bits: &mut [u8; PAGE_BYTES], nonce: u64) -> bool {
    let (byte, mask) = place(nonce);
    let is_new = bits[byte] & mask == 0;
    bits[byte] |= mask;
    is_new
}

fn place(nonce: u64) -> (usize, u8) {
    let bit = (nonce % PAGE_NONCES) as usize;
    (bit / 8, 1 << (bit % 8))
}
