//! Digests of the hub's own state: tagged, big-endian, never seen by a chain.

use infrastrukt_types::{B256, keccak256};

/// Collects the preimage of a digest.
pub(crate) struct Preimage(Vec<u8>);

impl Preimage {
    /// Starts with a domain tag in ASCII.
    pub(crate) fn tagged(tag: &str) -> Self {
        Self(tag.as_bytes().to_vec())
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn u64(mut self, value: u64) -> Self {
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
}
