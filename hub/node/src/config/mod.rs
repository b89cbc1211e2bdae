//! The node's configuration file, with overrides from environment and flags.

mod limits;
mod overrides;
mod position;

pub use limits::{ApiLimits, EvidenceLimits};
pub use overrides::{Overrides, unknown_variable};
pub use position::ConfigError;

use infrastrukt_types::Caip2;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};
use toml::Spanned;

use crate::consensus::Pace;
use position::{Source, fail};

/// Most validators one node hosts.
pub const HOSTED_MAX: usize = 64;

/// How careful the node must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// One person's machine: a single RPC endpoint is allowed.
    Devnet,
    /// Public, without value.
    Testnet,
    /// Real money.
    Mainnet,
}

/// The configuration as its file has it; paths are relative to the file's folder until [`NodeConfig::load`] returns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// How careful the node must be.
    pub environment: Environment,
    /// Where the log and every validator's store live.
    pub data_dir: PathBuf,
    /// The hub's genesis.
    pub genesis: Spanned<PathBuf>,
    /// One file for each chain of the genesis.
    pub chains: Vec<Spanned<PathBuf>>,
    /// JSON-RPC.
    #[serde(default)]
    pub api: ApiConfig,
    /// Health and metrics.
    #[serde(default)]
    pub operator: OperatorConfig,
    /// Pace of blocks.
    #[serde(default)]
    pub consensus: ConsensusConfig,
    /// Bounds of evidence checking.
    #[serde(default)]
    pub evidence: EvidenceLimits,
    /// Validators this node runs.
    pub validators: Vec<ValidatorConfig>,
}

/// The JSON-RPC port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Address and port; loopback unless said otherwise.
    pub listen: SocketAddr,
    /// Bounds of calls.
    pub limits: ApiLimits,
}

/// The port of `/healthz`, `/readyz` and `/metrics`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperatorConfig {
    /// Address and port; loopback unless said otherwise.
    pub listen: SocketAddr,
}

/// Pace of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsensusConfig {
    /// Milliseconds between blocks while entries wait.
    pub block_interval_ms: u64,
    /// Milliseconds between blocks while nothing waits.
    pub heartbeat_ms: u64,
    /// Most seconds hub time may run ahead of the clock, and most a validator accepts.
    pub time_lead_max_s: u64,
}

/// One validator this node runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorConfig {
    /// Its encrypted key.
    pub keystore: Spanned<PathBuf>,
    /// A file that holds the key's password and nothing else.
    pub password_file: Spanned<PathBuf>,
    /// Its own RPC endpoints by chain, instead of those in the chain file: its own view of the chain.
    #[serde(default)]
    pub rpc: BTreeMap<Caip2, ValidatorRpc>,
}

/// One validator's own endpoints of one chain.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorRpc {
    /// Their URLs. They may hold keys, so they are never shown.
    pub endpoints: Spanned<Vec<String>>,
    /// How many must agree.
    pub quorum: usize,
}

impl fmt::Debug for ValidatorRpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} endpoints", self.quorum, self.endpoints.get_ref().len())
    }
}

impl From<Environment> for infrastrukt_registry::Environment {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Devnet => Self::Devnet,
            Environment::Testnet => Self::Testnet,
            Environment::Mainnet => Self::Mainnet,
        }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { listen: loopback(8_645), limits: ApiLimits::default() }
    }
}

impl Default for OperatorConfig {
    fn default() -> Self {
        Self { listen: loopback(9_645) }
    }
}

impl Default for ConsensusConfig {
    fn default() -> Self {
        Self { block_interval_ms: 200, heartbeat_ms: 1_000, time_lead_max_s: 3 }
    }
}

impl ConsensusConfig {
    /// The same in the words of the leader.
    pub const fn pace(&self) -> Pace {
        Pace {
            block_interval_ms: self.block_interval_ms,
            heartbeat_ms: self.heartbeat_ms,
            lead_max_s: self.time_lead_max_s,
        }
    }
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl NodeConfig {
    /// Reads and checks a file, then applies the overrides.
    pub fn load(file: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::Unreadable { file: file.to_path_buf(), reason: error.to_string() })?;
        let mut config = Self::parse(file, &text)?;
        overrides.apply(&mut config);
        config.check(&Source { file, text: &text })?;
        Ok(config)
    }

    fn parse(file: &Path, text: &str) -> Result<Self, ConfigError> {
        let source = Source { file, text };
        let mut config: Self =
            toml::from_str(text).map_err(|error| source.error(error.span(), error.message().to_owned()))?;
        let folder = file.parent().unwrap_or(Path::new("."));
        config.data_dir = folder.join(&config.data_dir);
        let validators = config.validators.iter_mut();
        let keys = validators.flat_map(|validator| [&mut validator.keystore, &mut validator.password_file]);
        for path in config.chains.iter_mut().chain([&mut config.genesis]).chain(keys) {
            *path.get_mut() = folder.join(path.get_ref());
        }
        Ok(config)
    }

    fn check(&self, source: &Source<'_>) -> Result<(), ConfigError> {
        self.check_counts(source)?;
        self.check_pace(source)?;
        self.api.limits.check().map_err(|reason| source.error(None, reason))?;
        self.evidence.check().map_err(|reason| source.error(None, reason))?;
        let keys = self.validators.iter().flat_map(|validator| [&validator.keystore, &validator.password_file]);
        for path in self.chains.iter().chain([&self.genesis]).chain(keys) {
            if !path.get_ref().is_file() {
                return fail(source, path.span(), format!("there is no file {}", path.get_ref().display()));
            }
        }
        Ok(())
    }

    fn check_counts(&self, source: &Source<'_>) -> Result<(), ConfigError> {
        if self.chains.is_empty() {
            return Err(source.error(None, "`chains` is empty: name one file for each chain of the genesis".into()));
        }
        if self.validators.is_empty() || self.validators.len() > HOSTED_MAX {
            let count = self.validators.len();
            let reason = format!("{count} [[validators]] are configured: a node hosts 1 to {HOSTED_MAX}");
            return Err(source.error(None, reason));
        }
        for (index, validator) in self.validators.iter().enumerate() {
            let others = &self.validators[..index];
            if others.iter().any(|other| other.keystore.get_ref() == validator.keystore.get_ref()) {
                let reason = "this keystore is listed twice: a key that signs in two places can sign two things";
                return fail(source, validator.keystore.span(), reason.into());
            }
        }
        Ok(())
    }

    fn check_pace(&self, source: &Source<'_>) -> Result<(), ConfigError> {
        let ConsensusConfig { block_interval_ms, heartbeat_ms, time_lead_max_s } = self.consensus;
        if !(10..=60_000).contains(&block_interval_ms) {
            let reason = format!("consensus.block_interval_ms = {block_interval_ms} is not within 10 to 60000");
            return Err(source.error(None, reason));
        }
        if !(block_interval_ms..=60_000).contains(&heartbeat_ms) {
            let reason = format!("consensus.heartbeat_ms = {heartbeat_ms} is not within block_interval_ms to 60000");
            return Err(source.error(None, reason));
        }
        if !(1..=60).contains(&time_lead_max_s) {
            let reason = format!("consensus.time_lead_max_s = {time_lead_max_s} is not within 1 to 60");
            return Err(source.error(None, reason));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
