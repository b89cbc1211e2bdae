//! Validator sets: scheme u8 ‖ count u16 ‖ count × (address 20 ‖ weight u64), big-endian, addresses ascending.

use thiserror::Error;

use crate::{Bytes32, hash::keccak};

/// Signatures of secp256k1 keys.
pub const SCHEME_ECDSA: u8 = 1;
/// Bytes before the members.
pub const HEAD_BYTES: usize = 3;
/// Bytes of one member.
pub const MEMBER_BYTES: usize = 28;
/// Most members of a set: one transaction still holds a rotation to it, and one word the bits of who signed.
pub const MAX_MEMBERS: usize = 32;

const ADDRESS_BYTES: usize = 20;

/// Why a set is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ValsetError {
    /// The bytes are not as long as the head says.
    #[error("a set of {count} members does not have {bytes} bytes")]
    Length {
        /// Members by the head.
        count: usize,
        /// Bytes given.
        bytes: usize,
    },
    /// Another signature scheme.
    #[error("scheme {0} is not ECDSA over secp256k1")]
    Scheme(u8),
    /// More members than this chain takes.
    #[error("{0} members are more than {MAX_MEMBERS}")]
    TooMany(usize),
    /// No members, a weight of zero, or an address that is zero or not above the one before it.
    #[error("member {0} is missing, has no weight, or does not follow the one before it")]
    Member(usize),
}

/// keccak256 that names a set, of its whole encoding.
pub fn valset_hash(encoding: &[u8]) -> Bytes32 {
    keccak(&[b"INFRASTRUKT/VALSET/v1", encoding])
}

/// The members of a well-formed set.
#[derive(Clone, Copy, Debug)]
pub struct Members<'a>(&'a [u8]);

impl<'a> Members<'a> {
    /// Reads a whole encoding and checks every member.
    pub fn parse(encoding: &'a [u8]) -> Result<Self, ValsetError> {
        let bytes = encoding.len();
        let [scheme, high, low, members @ ..] = encoding else {
            return Err(ValsetError::Length { count: 0, bytes });
        };
        let count = usize::from(u16::from_be_bytes([*high, *low]));
        if *scheme != SCHEME_ECDSA {
            return Err(ValsetError::Scheme(*scheme));
        }
        if count > MAX_MEMBERS {
            return Err(ValsetError::TooMany(count));
        }
        if members.len() != count * MEMBER_BYTES {
            return Err(ValsetError::Length { count, bytes });
        }
        let members = Self(members);
        members.check()?;
        Ok(members)
    }

    /// Members whose bytes were checked by `parse` before they were stored.
    pub fn stored(members: &'a [u8]) -> Self {
        Self(members)
    }

    /// The members' bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len() / MEMBER_BYTES
    }

    /// Address and weight of each, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8; ADDRESS_BYTES], u64)> + use<'a> {
        self.0.chunks_exact(MEMBER_BYTES).filter_map(|member| {
            let (address, weight) = member.split_first_chunk::<ADDRESS_BYTES>()?;
            Some((address, u64::from_be_bytes(*weight.first_chunk()?)))
        })
    }

    /// The weight of all; at most `MAX_MEMBERS` times 2^64.
    pub fn total_weight(&self) -> u128 {
        self.iter().map(|(_, weight)| u128::from(weight)).sum()
    }

    fn check(&self) -> Result<(), ValsetError> {
        if self.0.is_empty() {
            return Err(ValsetError::Member(0));
        }
        // Ascending from zero: neither the zero address nor a second appearance gets past this.
        let mut previous = &[0; ADDRESS_BYTES];
        for (at, (address, weight)) in self.iter().enumerate() {
            if address <= previous || weight == 0 {
                return Err(ValsetError::Member(at));
            }
            previous = address;
        }
        Ok(())
    }
}

/// Whether `signed` is more than two thirds of `total`.
pub fn is_quorum(signed: u128, total: u128) -> bool {
    // Both are below 2^70.
    3 * signed > 2 * total
}
