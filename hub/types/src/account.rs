//! A 32-byte account, wide enough for every chain.

use alloy_primitives::{Address, B256};
use core::fmt;
use serde::{Deserialize, Serialize};

/// An account or contract on some chain. An EVM address is 12 zero bytes followed by its 20.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Account(#[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))] pub B256);

/// Why an account cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The upper 12 bytes are not zero.
    #[error("{0} is not an EVM address: its upper 12 bytes must be zero")]
    DirtyUpperBytes(Account),
    /// The zero account receives nothing.
    #[error("the zero account is refused: name a recipient")]
    Zero,
}

impl Account {
    /// Zero: the native coin where a token is named, refused as a recipient.
    pub const ZERO: Self = Self(B256::ZERO);

    /// True for the zero account.
    pub fn is_zero(&self) -> bool {
        self.0 == B256::ZERO
    }

    /// The EVM address, refused when upper bytes are dirty. Zero is allowed: it names the native coin.
    pub fn to_evm(self) -> Result<Address, AccountError> {
        if self.0[..12].iter().any(|byte| *byte != 0) {
            return Err(AccountError::DirtyUpperBytes(self));
        }
        Ok(Address::from_slice(&self.0[12..]))
    }
}

impl From<Address> for Account {
    fn from(address: Address) -> Self {
        Self(address.into_word())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AsRef<[u8]> for Account {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}
