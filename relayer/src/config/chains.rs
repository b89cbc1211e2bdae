//! The files of chains, one each, which the registry reads.

use std::path::{Path, PathBuf};

use infrastrukt_registry::{ChainConfig, Contracts};
use infrastrukt_types::{Caip2, ChainId};
use serde::Serialize;

use super::{Complaint, ConfigErrors, Environment, document::Document, read_bounded};

/// Largest chain file that is read.
const FILE_BYTES_MAX: u64 = 1 << 18;

/// A chain's file, read and checked.
#[derive(Clone, Debug, Serialize)]
pub struct ChainFile {
    /// Where it is.
    pub path: PathBuf,
    /// The chain's CAIP-2 name.
    pub name: Caip2,
    /// Its name for people.
    pub title: String,
    /// Hosts of its endpoints; the rest of their addresses may hold keys.
    pub endpoints: Vec<String>,
    /// How many of them must agree.
    pub quorum: usize,
    /// Its id on the wire.
    pub id: ChainId,
    /// The hub's contracts on it.
    #[serde(skip)]
    pub contracts: Contracts,
    /// What the registry connects it with.
    #[serde(skip)]
    pub config: ChainConfig,
}

impl ChainFile {
    /// Reads and checks a file; what is wrong names its line.
    pub fn load(path: &Path, environment: Environment) -> Result<Self, ConfigErrors> {
        let text = read_bounded(path, FILE_BYTES_MAX, "correct the path under `chains`")
            .map_err(|complaint| ConfigErrors(vec![complaint]))?;
        let complaints = Document::parse(path, &text).into_complaints();
        if !complaints.is_empty() {
            return Err(ConfigErrors(complaints));
        }
        let config = ChainConfig::parse(path, &text, environment.into()).map_err(|error| {
            let remedy = "correct the chain's file".into();
            ConfigErrors(vec![Complaint { file: error.file, line: error.line, reason: error.reason, remedy }])
        })?;
        Ok(Self {
            path: path.into(),
            name: config.caip2.clone(),
            title: config.name.clone(),
            endpoints: config.endpoints.iter().map(ToString::to_string).collect(),
            quorum: config.quorum,
            id: config.id,
            contracts: config.contracts,
            config,
        })
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
