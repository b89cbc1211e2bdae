//! How people name chains and accounts: CAIP-2 and CAIP-10.

use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};

use crate::ChainId;

/// A chain's name: `namespace:reference` (CAIP-2), such as `eip155:56`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Caip2(String);

/// An account's name: `namespace:reference:account` (CAIP-10). The account part is the chain's own notation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caip10 {
    /// The chain the account is on.
    pub chain: Caip2,
    /// The account in the chain's own notation.
    pub account: String,
}

/// Why a text names no chain or account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaipError {
    /// Not `namespace:reference`.
    #[error("`{0}` is not a chain name: write CAIP-2 such as eip155:56 or solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1")]
    Chain(String),
    /// Not `namespace:reference:account`.
    #[error("`{0}` is not an account name: write CAIP-10, CHAIN:ADDRESS, such as eip155:56:0x…")]
    Account(String),
}

impl Caip2 {
    /// The wire id where the name itself says it: `eip155` with a decimal reference below 2^63.
    pub fn eip155(&self) -> Option<ChainId> {
        let id: u64 = self.0.strip_prefix("eip155:")?.parse().ok()?;
        (0 < id && id < ChainId::HUB_ASSIGNED_MIN).then_some(ChainId(id))
    }

    /// The part before the colon: the family of the chain.
    pub fn namespace(&self) -> &str {
        self.0.split_once(':').map_or("", |(namespace, _)| namespace)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// CAIP-2: namespace of 3 to 8 characters `[-a-z0-9]`, reference of 1 to 32 characters `[-_a-zA-Z0-9]`.
fn is_chain_name(text: &str) -> bool {
    let Some((namespace, reference)) = text.split_once(':') else { return false };
    (3..=8).contains(&namespace.len())
        && namespace.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
        && (1..=32).contains(&reference.len())
        && reference.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

impl FromStr for Caip2 {
    type Err = CaipError;

    fn from_str(text: &str) -> Result<Self, CaipError> {
        if is_chain_name(text) { Ok(Self(text.to_string())) } else { Err(CaipError::Chain(text.to_string())) }
    }
}

impl TryFrom<String> for Caip2 {
    type Error = CaipError;

    fn try_from(text: String) -> Result<Self, CaipError> {
        text.parse()
    }
}

impl From<Caip2> for String {
    fn from(name: Caip2) -> Self {
        name.0
    }
}

impl fmt::Display for Caip2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Caip10 {
    type Err = CaipError;

    fn from_str(text: &str) -> Result<Self, CaipError> {
        let malformed = || CaipError::Account(text.to_string());
        let (chain, account) = text.rsplit_once(':').ok_or_else(malformed)?;
        let well_formed = (1..=128).contains(&account.len())
            && account.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'%'));
        if !well_formed {
            return Err(malformed());
        }
        Ok(Self { chain: chain.parse().map_err(|_| malformed())?, account: account.to_string() })
    }
}

impl fmt::Display for Caip10 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.chain, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_chains() {
        assert_eq!("eip155:56".parse::<Caip2>().expect("valid").eip155(), Some(ChainId(56)));
        assert_eq!("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp".parse::<Caip2>().expect("valid").eip155(), None);
        for text in ["", "56", "eip155:", "EIP155:1", "eip155:1:2", "eip155: 1"] {
            assert!(text.parse::<Caip2>().is_err(), "{text}");
        }
        assert_eq!("eip155:0".parse::<Caip2>().expect("well formed").eip155(), None);
    }

    #[test]
    fn names_accounts() {
        let text = "eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb";
        assert_eq!(text.parse::<Caip10>().expect("valid").to_string(), text);
        let text = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv";
        assert_eq!(text.parse::<Caip10>().expect("valid").to_string(), text);
        assert!("eip155:1:".parse::<Caip10>().is_err());
        assert!("0xab16".parse::<Caip10>().is_err());
    }
}
