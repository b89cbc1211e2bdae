//! The adapters there are.

use infrastrukt_evm::{EvmChain, EvmConfig, Profile};
use infrastrukt_ports::PortError;
use infrastrukt_solana::{SolanaChain, SolanaConfig};
use infrastrukt_types::{Amount, Curve};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which crate reads and writes a chain. A new base chain adds one line here, and one to [`Adapter::spec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adapter {
    /// Ethereum and its test networks.
    Ethereum,
    /// BNB Smart Chain and its test networks.
    Bsc,
    /// Solana and its test networks.
    Solana,
}

/// How a chain writes accounts and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 20 bytes in hex, secp256k1 keys.
    Evm,
    /// 32 bytes in base58, ed25519 keys.
    Solana,
}

/// What a chain's crate offers, by its kind.
pub(crate) enum Spec {
    /// An EVM chain.
    Evm {
        /// What distinguishes it from others.
        profile: Profile,
        /// Puts it together.
        connect: fn(EvmConfig, infrastrukt_evm::Context) -> Result<EvmChain, PortError>,
    },
    /// A Solana chain.
    Solana {
        /// Puts it together.
        connect: fn(SolanaConfig, infrastrukt_evm::Context) -> Result<SolanaChain, PortError>,
    },
}

impl Adapter {
    /// The notation of its accounts and keys.
    pub const fn kind(self) -> Kind {
        match self.spec() {
            Spec::Evm { .. } => Kind::Evm,
            Spec::Solana { .. } => Kind::Solana,
        }
    }

    /// The one match on adapters.
    pub(crate) const fn spec(self) -> Spec {
        match self {
            Self::Ethereum => {
                Spec::Evm { profile: infrastrukt_ethereum::PROFILE, connect: infrastrukt_ethereum::connect }
            }
            Self::Bsc => Spec::Evm { profile: infrastrukt_bsc::PROFILE, connect: infrastrukt_bsc::connect },
            Self::Solana => Spec::Solana { connect: SolanaChain::new },
        }
    }
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Evm, Self::Solana];

    /// The word for it in configurations and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Evm => "evm",
            Self::Solana => "solana",
        }
    }

    /// The curve that its accounts sign on.
    pub const fn curve(self) -> Curve {
        match self {
            Self::Evm => Curve::Secp256k1,
            Self::Solana => Curve::Ed25519,
        }
    }

    /// Native coin, in its smallest unit, below which a relayer's wallet deserves a look: a hundredth of an ether, or a
    /// tenth of a SOL, of which accounts that are opened for others take rent.
    pub const fn low_balance(self) -> Amount {
        match self {
            Self::Evm => Amount(10_000_000_000_000_000),
            Self::Solana => Amount(100_000_000),
        }
    }

    /// The kind of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
