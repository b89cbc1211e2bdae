//! Identifiers, heights and times, each its own type so that one cannot stand in for another.

use alloy_primitives::B256;
use core::fmt;
use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The following one, or `None` at the end of the range.
            pub const fn next(self) -> Option<Self> {
                match self.0.checked_add(1) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))] pub B256);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl core::str::FromStr for $name {
            type Err = alloy_primitives::hex::FromHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                self.0.as_slice()
            }
        }
    };
}

/// A chain on the wire: the EIP-155 id for EVM chains, hub-assigned ids from 2^63 on elsewhere.
///
/// People see CAIP-2; `Display` writes `eip155:56` where the id says so itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ChainId(pub u64);

impl ChainId {
    /// The first id that the hub assigns itself.
    pub const HUB_ASSIGNED_MIN: u64 = 1 << 63;
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Self::HUB_ASSIGNED_MIN { write!(f, "eip155:{}", self.0) } else { write!(f, "hub:{}", self.0) }
    }
}

number! {
    /// Height of a decided hub block, from 1.
    Height
}
number! {
    /// A term of one validator set, from 1.
    Epoch
}
number! {
    /// Counts messages per (source, target) from 1.
    Nonce
}
number! {
    /// Unix seconds.
    Timestamp
}

impl Timestamp {
    /// Later by `seconds`; saturates at the end of the range, which every deadline check then refuses.
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

hash! {
    /// Hash of the hub's genesis. Two hubs never accept each other's statements.
    HubId
}
hash! {
    /// Digest of a message with its two gateways.
    MessageId
}
hash! {
    /// Digest of a deal's terms.
    DealId
}
hash! {
    /// Digest that names one lock in one escrow.
    LockKey
}
hash! {
    /// Digest of a fact that validators attest to.
    FactId
}
