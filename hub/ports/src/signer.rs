//! Signing keys, so that a remote signer or KMS can hold them.

use async_trait::async_trait;
use infrastrukt_types::{Address, B256};

/// Signs digests with one secp256k1 key. It knows nothing of sign-once: the store is asked before.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The key's address.
    fn address(&self) -> Address;

    /// `r ‖ s ‖ v` with low `s` and `v` 27 or 28, over the digest itself.
    async fn sign(&self, digest: B256) -> Result<[u8; 65], SignerError>;
}

/// The key could not sign.
#[derive(Debug, thiserror::Error)]
#[error("the signer of {address} failed: {reason}")]
pub struct SignerError {
    /// Whose key it is.
    pub address: Address,
    /// What it said, without any key material.
    pub reason: String,
}
