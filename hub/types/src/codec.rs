//! The encoding of what is stored or gossiped, never of what is hashed on a chain: postcard, by field order.
//!
//! Stored bytes outlive a release. A change of a stored type needs a migration and keeps its old-bytes fixture.

use alloc::vec::Vec;
use serde::{Serialize, de::DeserializeOwned};

/// Why stored or received bytes are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not an encoding of the expected type.
    #[error("the bytes are not a {0}: they come from another version or are damaged")]
    Malformed(&'static str),
    /// Bytes follow the value.
    #[error("{1} bytes follow the {0}: they come from another version or are damaged")]
    LeftOver(&'static str, usize),
}

/// Encodes a value.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("wire types have no unsized sequences and no failing serializer")
}

/// Decodes a value that fills `bytes` exactly.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let name = core::any::type_name::<T>();
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|_| CodecError::Malformed(name))?;
    if rest.is_empty() { Ok(value) } else { Err(CodecError::LeftOver(name, rest.len())) }
}
