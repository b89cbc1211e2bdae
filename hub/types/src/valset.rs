//! Validator sets: who signs for an epoch, with what weight.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use crate::packed::Packed;

/// Signature scheme of a set; the byte leaves room for BN254 aggregates (2) and BLS12-381.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// One secp256k1 signature a signer.
    Ecdsa,
}

impl Scheme {
    /// The scheme's byte on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ecdsa => 1,
        }
    }
}

/// One member of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Validator {
    /// Address of its signing key.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub address: Address,
    /// Stake weight, above zero.
    pub weight: u64,
}

/// A well-formed set: not empty, ascending distinct addresses, no zero address, no zero weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Vec<Validator>", into = "Vec<Validator>")]
pub struct ValidatorSet(Vec<Validator>);

/// Why a set is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// A set has 1 to 65,535 members.
    #[error("a validator set has 1 to 65535 members, not {0}")]
    Size(usize),
    /// Zero address or weight.
    #[error("validator {0} has a zero address or a zero weight")]
    Zero(Address),
    /// Unsorted or repeated.
    #[error("validator {0} is repeated or out of ascending order")]
    Order(Address),
}

impl ValidatorSet {
    /// Most members of a set, from its `u16` count.
    pub const SIZE_MAX: usize = u16::MAX as usize;

    /// Sorts the members; refuses repeated ones.
    pub fn new(mut members: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        members.sort_unstable();
        members.try_into()
    }

    /// The members in ascending order of address.
    pub fn members(&self) -> &[Validator] {
        &self.0
    }

    /// The member with this address.
    pub fn find(&self, address: Address) -> Option<&Validator> {
        self.0.binary_search_by_key(&address, |member| member.address).ok().map(|index| &self.0[index])
    }

    /// Sum of all weights.
    pub fn total(&self) -> u128 {
        self.0.iter().map(|member| u128::from(member.weight)).sum()
    }

    /// True when `signed` weight is more than two thirds of the whole.
    pub fn is_quorum(&self, signed: u128) -> bool {
        // 65,535 weights of 64 bits stay far below 2^126: tripling cannot overflow.
        3 * signed > 2 * self.total()
    }

    /// `scheme ‖ count ‖ (address ‖ weight)…`, as it opens every certificate.
    pub fn encode(&self, scheme: Scheme) -> Vec<u8> {
        let count = u16::try_from(self.0.len()).expect("a set is at most SIZE_MAX");
        let head = Packed::default().u8(scheme.byte()).u16(count);
        self.0.iter().fold(head, |packed, member| packed.bytes(member.address).u64(member.weight)).into_vec()
    }

    /// The hash a verifier stores for an epoch.
    pub fn hash(&self, scheme: Scheme) -> B256 {
        Packed::tagged("INFRASTRUKT/VALSET/v1").bytes(self.encode(scheme)).keccak()
    }
}

impl TryFrom<Vec<Validator>> for ValidatorSet {
    type Error = ValidatorSetError;

    fn try_from(members: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        if members.is_empty() || members.len() > Self::SIZE_MAX {
            return Err(ValidatorSetError::Size(members.len()));
        }
        if let Some(zero) = members.iter().find(|member| member.address.is_zero() || member.weight == 0) {
            return Err(ValidatorSetError::Zero(zero.address));
        }
        if let Some(pair) = members.windows(2).find(|pair| pair[0].address >= pair[1].address) {
            return Err(ValidatorSetError::Order(pair[1].address));
        }
        Ok(Self(members))
    }
}

impl From<ValidatorSet> for Vec<Validator> {
    fn from(set: ValidatorSet) -> Self {
        set.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(byte: u8, weight: u64) -> Validator {
        Validator { address: Address::repeat_byte(byte), weight }
    }

    #[test]
    fn quorum_is_strictly_above_two_thirds() {
        let set = ValidatorSet::new([1, 2, 3].map(|byte| member(byte, 1)).to_vec()).expect("well formed");
        assert!(!set.is_quorum(2));
        assert!(set.is_quorum(3));
        let heavy = ValidatorSet::new([1, 2, 3].map(|byte| member(byte, u64::MAX)).to_vec()).expect("well formed");
        assert!(!heavy.is_quorum(2 * u128::from(u64::MAX)));
    }

    #[test]
    fn bsc_precompile_duplicate_validators_refused() {
        let twice = ValidatorSet::new([member(1, 1), member(1, 5)].to_vec());
        assert_eq!(twice, Err(ValidatorSetError::Order(Address::repeat_byte(1))));
        assert_eq!(ValidatorSet::new(Vec::new()), Err(ValidatorSetError::Size(0)));
        assert!(matches!(ValidatorSet::new([member(0, 1)].to_vec()), Err(ValidatorSetError::Zero(_))));
        assert!(matches!(ValidatorSet::new([member(1, 0)].to_vec()), Err(ValidatorSetError::Zero(_))));
    }
}
