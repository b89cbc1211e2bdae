//! One chain's configuration, checked.

use infrastrukt_evm::{EndpointUrl, Environment, EvmConfig, FeePolicy, Limits, Profile};
use infrastrukt_solana::{ExpectedProgram, SolanaConfig};
use infrastrukt_types::{Account, AccountError, Address, Caip2, ChainId};
use std::{fs, path::Path};

use crate::{Adapter, ConfigError, file};

/// The hub's contracts on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// Messages.
    pub gateway: Account,
    /// Deals.
    pub escrow: Account,
    /// Certificates.
    pub verifier: Account,
    /// Tokens.
    pub token_bridge: Account,
}

/// Bounds of a chain's times, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From inclusion to finality.
    pub finality_s: u64,
    /// From broadcast to inclusion, under censorship.
    pub inclusion_s: u64,
    /// Difference between chain time and hub time, drift over a deal's length included.
    pub skew_s: u64,
    /// From finality to a proven fact in the hub.
    pub observe_s: u64,
}

/// One chain. Its endpoints show host and port only, whatever prints it.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// Name for people.
    pub name: String,
    /// Name as CAIP-2.
    pub caip2: Caip2,
    /// Id on the wire.
    pub id: ChainId,
    /// Who reads and writes it.
    pub adapter: Adapter,
    /// Ticker of the native coin.
    pub symbol: String,
    /// Where to ask.
    pub endpoints: Vec<EndpointUrl>,
    /// How many must agree.
    pub quorum: usize,
    /// The hub's contracts.
    pub contracts: Contracts,
    /// First block that can hold anything of them; zero where it is not known.
    pub start_block: u64,
    /// Bounds of its times.
    pub timing: Timing,
    /// What only chains of its kind have.
    pub settings: Settings,
}

/// What only chains of one kind have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settings {
    /// An EVM chain.
    Evm {
        /// What transactions may cost.
        fees: FeePolicy,
        /// Bounds of memory and requests.
        limits: Limits,
    },
    /// A Solana chain.
    Solana {
        /// What transactions may offer above the fee for their signature.
        fees: infrastrukt_solana::FeePolicy,
        /// Bounds of memory and requests.
        limits: infrastrukt_solana::Limits,
        /// What the program should be.
        expected: ExpectedProgram,
    },
}

impl ChainConfig {
    /// Reads and checks a file.
    pub fn load(path: &Path, environment: Environment) -> Result<Self, ConfigError> {
        let unreadable = |error: std::io::Error| ConfigError::at(path, "", None, format!("cannot be read: {error}"));
        Self::parse(path, &fs::read_to_string(path).map_err(unreadable)?, environment)
    }

    /// Reads and checks a text; `path` is for errors only.
    pub fn parse(path: &Path, text: &str, environment: Environment) -> Result<Self, ConfigError> {
        file::parse(path, text, environment)
    }

    /// The same chain through other endpoints: every validator has its own view.
    #[must_use]
    pub fn with_endpoints(mut self, endpoints: Vec<EndpointUrl>, quorum: usize) -> Self {
        (self.endpoints, self.quorum) = (endpoints, quorum);
        self
    }

    /// What the EVM adapters take. Not validated.
    pub(crate) fn evm(
        &self,
        profile: Profile,
        fees: FeePolicy,
        limits: Limits,
        environment: Environment,
    ) -> Result<EvmConfig, AccountError> {
        let address = |account: Account| -> Result<Address, AccountError> { account.to_evm() };
        Ok(EvmConfig {
            chain: self.id,
            name: self.caip2.clone(),
            native_symbol: self.symbol.clone(),
            endpoints: self.endpoints.clone(),
            quorum: self.quorum,
            contracts: infrastrukt_evm::Contracts {
                gateway: address(self.contracts.gateway)?,
                escrow: address(self.contracts.escrow)?,
                verifier: address(self.contracts.verifier)?,
                token_bridge: address(self.contracts.token_bridge)?,
            },
            start_block: self.start_block,
            profile,
            limits,
            fees,
            environment,
        })
    }

    /// What the Solana adapter takes. Not validated.
    pub(crate) fn solana(
        &self,
        fees: infrastrukt_solana::FeePolicy,
        limits: infrastrukt_solana::Limits,
        environment: Environment,
    ) -> SolanaConfig {
        SolanaConfig {
            chain: self.id,
            name: self.caip2.clone(),
            native_symbol: self.symbol.clone(),
            endpoints: self.endpoints.clone(),
            quorum: self.quorum,
            program: infrastrukt_solana::pubkey_of(self.contracts.gateway),
            start_slot: self.start_block,
            limits,
            fees,
            environment,
        }
    }
}
