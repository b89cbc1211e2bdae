//! From the configuration file to the parts of a node: genesis, chains, keys, stores.

mod independence;

use infrastrukt_ports::{FactVerifier, PortError, Signer, StoreError};
use infrastrukt_protocol::{ChainRecord, ChainTiming, Genesis, Hub};
use infrastrukt_registry::{
    ChainConfig, ConfigError as ChainFileError, Context, EcdsaSigner, Keystore, KeystoreError, verifier,
};
use infrastrukt_store::{CONSENSUS_COLUMNS, HUB_COLUMNS, HubStore, OpenError, RocksStore};
use infrastrukt_types::{Address, Caip2, Epoch, HubId};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    SystemClock,
    api::Render,
    config::{NodeConfig, ValidatorConfig},
    genesis_file::{self, GenesisFileError},
    node::{NodeParts, NodeSettings, ValidatorKit},
};

use independence::{check_custody, check_custody_of, check_views, own_view};

/// Bytes of a password file at most.
const PASSWORD_BYTES_MAX: u64 = 4_096;

/// Why the parts of a node do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The genesis.
    #[error(transparent)]
    Genesis(#[from] GenesisFileError),
    /// A chain's file.
    #[error(transparent)]
    ChainFile(#[from] ChainFileError),
    /// A chain that the genesis has and the configuration has not, or the other way round.
    #[error("chain {chain} is {present} but not {absent}: `chains` lists exactly the chains of the genesis")]
    ChainList {
        /// The chain.
        chain: Caip2,
        /// Where it is.
        present: &'static str,
        /// Where it is not.
        absent: &'static str,
    },
    /// Two truths about one chain.
    #[error("{}: contracts or timing of {chain} are not those of the genesis: a hub agrees on them once", file.display())]
    ChainDiffers {
        /// The chain's file.
        file: PathBuf,
        /// The chain.
        chain: Caip2,
    },
    /// An endpoint override for a chain that is not there, or a malformed one.
    #[error("rpc of validator {keystore}, chain {chain}: {reason}")]
    Endpoints {
        /// Whose.
        keystore: String,
        /// Which chain.
        chain: Caip2,
        /// What is wrong. Never repeats a URL.
        reason: String,
    },
    /// An adapter refused its chain.
    #[error("chain {chain}: {source}")]
    Adapter {
        /// The chain.
        chain: Caip2,
        /// Why.
        source: PortError,
    },
    /// A key.
    #[error("{}: {source}", file.display())]
    Key {
        /// Its file.
        file: PathBuf,
        /// Why.
        source: KeystoreError,
    },
    /// A password file.
    #[error("{}: {reason}", file.display())]
    Password {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Two validators that see a chain through the same endpoints are fooled together.
    #[error(
        "validators {one} and {other} have the same endpoints of {chain} ({hosts}): outside a devnet each has a view \
         of its own; give one of them others under `[validators.rpc.\"{chain}\"]`"
    )]
    SharedView {
        /// Keystore of one.
        one: String,
        /// Keystore of the other.
        other: String,
        /// The chain.
        chain: Caip2,
        /// Their hosts.
        hosts: String,
    },
    /// One operator would decide alone.
    #[error(
        "this node would hold {held} of {total} stake of epoch {epoch}, a quorum: on mainnet no operator may; host \
         fewer validators"
    )]
    Custody {
        /// Of which set.
        epoch: Epoch,
        /// Weight of the hosted validators.
        held: u128,
        /// Weight of the set.
        total: u128,
    },
    /// A validator's store is of another hub, or cannot be read.
    #[error("the store of validator {validator} is refused: {source}")]
    State {
        /// Whose.
        validator: Address,
        /// Why.
        source: OpenError,
    },
    /// The data directory.
    #[error("{}: {source}", path.display())]
    Directory {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A database.
    #[error("{}: {source}", path.display())]
    Store {
        /// Where.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
}

/// A validator's key and view, without its store.
pub struct PreparedValidator {
    /// Its key.
    pub signer: Arc<dyn Signer>,
    /// Its view of every chain.
    pub verifiers: Vec<Arc<dyn FactVerifier>>,
}

/// Everything but storage: what `hub config validate` checks.
pub struct Prepared {
    /// What all validators agreed on.
    pub genesis: Genesis,
    /// The hosted validators.
    pub validators: Vec<PreparedValidator>,
}

/// A chain's file in the words of the genesis.
pub fn chain_record(config: &ChainConfig) -> ChainRecord {
    let timing = config.timing;
    ChainRecord {
        id: config.id,
        name: config.caip2.clone(),
        gateway: config.contracts.gateway,
        escrow: config.contracts.escrow,
        verifier: config.contracts.verifier,
        token_bridge: config.contracts.token_bridge,
        timing: ChainTiming {
            finality_s: timing.finality_s,
            inclusion_s: timing.inclusion_s,
            skew_s: timing.skew_s,
            observe_s: timing.observe_s,
        },
    }
}

/// Decrypts a key with the password in a file that only its owner can read.
pub fn load_signer(keystore: &Path, password_file: &Path) -> Result<Arc<dyn Signer>, SetupError> {
    let failed = |source| SetupError::Key { file: keystore.to_path_buf(), source };
    let name = keystore.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let folder = keystore.parent().unwrap_or(Path::new("."));
    let password = read_password(password_file)?;
    let key = Keystore::new(folder).load(name, &password).map_err(failed)?;
    Ok(Arc::new(EcdsaSigner::new(&key)))
}

/// The first line of a password file.
pub fn read_password(file: &Path) -> Result<String, SetupError> {
    let failed = |reason: String| SetupError::Password { file: file.to_path_buf(), reason };
    let metadata = fs::metadata(file).map_err(|error| failed(error.to_string()))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(failed(format!("can be read by others (mode {mode:o}): run chmod 600 on it")));
    }
    if metadata.len() > PASSWORD_BYTES_MAX {
        return Err(failed(format!("{} bytes are more than a password has", metadata.len())));
    }
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Reads and checks everything a node needs, without touching its data. Whether it holds too much stake is checked for
/// the set of the genesis as long as there is no data, and by [`parts`] for the sets in force afterwards.
pub fn prepare(config: &NodeConfig) -> Result<Prepared, SetupError> {
    let genesis = genesis_file::read(config.genesis.get_ref())?;
    let chains = load_chains(config, &genesis)?;
    check_views(config, &chains)?;
    let hub_id = genesis.identity.hub_id();
    let mut validators = Vec::with_capacity(config.validators.len());
    for validator in &config.validators {
        let signer = load_signer(validator.keystore.get_ref(), validator.password_file.get_ref())?;
        let verifiers = connect(config, validator, hub_id, &chains)?;
        validators.push(PreparedValidator { signer, verifiers });
    }
    if !stores(config).exists() {
        let hosted: Vec<Address> = validators.iter().map(|validator| validator.signer.address()).collect();
        check_custody(config.environment, Epoch(1), &genesis.identity.validators, &hosted)?;
    }
    Ok(Prepared { genesis, validators })
}

/// Where the validators' stores live.
fn stores(config: &NodeConfig) -> PathBuf {
    config.data_dir.join("validators")
}

fn load_chains(config: &NodeConfig, genesis: &Genesis) -> Result<Vec<ChainConfig>, SetupError> {
    let mut loaded: Vec<ChainConfig> = Vec::with_capacity(config.chains.len());
    for file in &config.chains {
        let file = file.get_ref();
        let chain = ChainConfig::load(file, config.environment.into())?;
        let Some(record) = genesis.chain(chain.id) else {
            let (present, absent) = ("in `chains`", "in the genesis");
            return Err(SetupError::ChainList { chain: chain.caip2, present, absent });
        };
        if *record != chain_record(&chain) {
            return Err(SetupError::ChainDiffers { file: file.clone(), chain: chain.caip2 });
        }
        loaded.push(chain);
    }
    let missing = genesis.chains.iter().find(|record| !loaded.iter().any(|chain| chain.id == record.id));
    missing.map_or(Ok(loaded), |record| {
        let (present, absent) = ("in the genesis", "in `chains`");
        Err(SetupError::ChainList { chain: record.name.clone(), present, absent })
    })
}

fn keystore_name(validator: &ValidatorConfig) -> String {
    validator.keystore.get_ref().display().to_string()
}

fn connect(
    config: &NodeConfig,
    validator: &ValidatorConfig,
    hub_id: HubId,
    chains: &[ChainConfig],
) -> Result<Vec<Arc<dyn FactVerifier>>, SetupError> {
    if let Some(chain) = validator.rpc.keys().find(|name| !chains.iter().any(|chain| chain.caip2 == **name)) {
        let reason = "no such chain in `chains`".into();
        return Err(SetupError::Endpoints { keystore: keystore_name(validator), chain: chain.clone(), reason });
    }
    let context = Context {
        hub_id,
        environment: config.environment.into(),
        gateways: chains.iter().map(|chain| (chain.id, chain.contracts.gateway)).collect(),
        hub_epoch: None,
    };
    let view = |chain: &ChainConfig| {
        let own = own_view(validator, chain)?;
        verifier(&own, &context).map_err(|source| SetupError::Adapter { chain: chain.caip2.clone(), source })
    };
    chains.iter().map(view).collect()
}

/// The parts of the node that a configuration describes. Opens its stores.
pub fn parts(config: &NodeConfig, render: Option<Render>) -> Result<NodeParts, SetupError> {
    let Prepared { genesis, validators } = prepare(config)?;
    let log = open(&config.data_dir.join("log"), CONSENSUS_COLUMNS)?;
    let hosted: Vec<Address> = validators.iter().map(|validator| validator.signer.address()).collect();
    let hub = Hub::new(genesis);
    let mut kits = Vec::with_capacity(validators.len());
    for PreparedValidator { signer, verifiers } in validators {
        let validator = signer.address();
        let store = open(&stores(config).join(validator.to_string()), HUB_COLUMNS)?;
        // A validator may be behind the others, so each one's state is asked.
        let state = HubStore::open(store.clone(), &hub).map_err(|source| SetupError::State { validator, source })?;
        check_custody_of(config.environment, validator, &state, &hosted)?;
        kits.push(ValidatorKit { store, signer, verifiers });
    }
    let settings = NodeSettings {
        api_listen: config.api.listen,
        operator_listen: config.operator.listen,
        api: config.api.limits,
        evidence: config.evidence,
        consensus: config.consensus,
    };
    let genesis = hub.genesis;
    Ok(NodeParts { genesis, log, validators: kits, clock: Arc::new(SystemClock), settings, render })
}

fn open(path: &Path, columns: &[infrastrukt_ports::Column]) -> Result<Arc<RocksStore>, SetupError> {
    let failed = |source| SetupError::Directory { path: path.to_path_buf(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let store = RocksStore::open(path, columns);
    store.map(Arc::new).map_err(|source| SetupError::Store { path: path.to_path_buf(), source })
}
