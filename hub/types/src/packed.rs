//! The one byte writer behind every digest: fixed-width big-endian fields, no padding.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};

/// Collects the preimage of a digest.
#[derive(Default)]
pub(crate) struct Packed(Vec<u8>);

impl Packed {
    /// Starts with a domain tag in ASCII, without terminator.
    pub(crate) fn tagged(tag: &str) -> Self {
        Self(tag.as_bytes().to_vec())
    }

    pub(crate) fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u16(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn u128(mut self, value: u128) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn bytes(mut self, value: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(value.as_ref());
        self
    }

    pub(crate) fn keccak(&self) -> B256 {
        keccak256(&self.0)
    }

    pub(crate) fn into_vec(self) -> Vec<u8> {
        self.0
    }
}
