//! The adapters there are.

use infrastrukt_evm::{EvmChain, EvmConfig, Profile};
use infrastrukt_ports::PortError;
use serde::{Deserialize, Serialize};

/// Which crate reads and writes a chain. A new base chain adds one line here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adapter {
    /// Ethereum and its test networks.
    Ethereum,
    /// BNB Smart Chain and its test networks.
    Bsc,
}

/// How a chain writes accounts and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 20 bytes in hex, secp256k1 keys.
    Evm,
}

/// What a chain's crate offers.
pub(crate) struct Spec {
    pub(crate) kind: Kind,
    pub(crate) profile: Profile,
    pub(crate) connect: fn(EvmConfig, infrastrukt_evm::Context) -> Result<EvmChain, PortError>,
}

impl Adapter {
    /// The notation of its accounts and keys.
    pub const fn kind(self) -> Kind {
        self.spec().kind
    }

    /// The one match on adapters.
    pub(crate) const fn spec(self) -> Spec {
        let kind = Kind::Evm;
        match self {
            Self::Ethereum => {
                Spec { kind, profile: infrastrukt_ethereum::PROFILE, connect: infrastrukt_ethereum::connect }
            }
            Self::Bsc => Spec { kind, profile: infrastrukt_bsc::PROFILE, connect: infrastrukt_bsc::connect },
        }
    }
}
