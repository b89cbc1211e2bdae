//! The configuration of the relayer and of users' commands.
//!
//! One TOML file names the hub, the chains' own files, the keystore and the address book. What the environment and
//! flags set comes in as [`Overrides`]. Everything that is wrong is reported at once, each with file, line, reason and
//! remedy.

mod chains;
mod complaint;
mod document;
mod reader;

use std::{
    collections::BTreeMap,
    io::Read as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use infrastrukt_registry::{Context, Keyring, Kind};
use infrastrukt_types::{Caip2, HubId};
use serde::{Deserialize, Serialize};

pub use chains::ChainFile;
pub use complaint::{Complaint, ConfigErrors};
pub use document::PLACEHOLDER;
use reader::Reader;

/// Largest configuration file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;
const MISSING_REMEDY: &str =
    "name the right --data-dir or --config, or write one after deployments/testnet/config.toml";

/// Values by chain, in the chain's own notation.
pub type ByChain = BTreeMap<Caip2, String>;

/// A complete, checked configuration. All paths are absolute or relative to the working directory.
#[derive(Clone, Debug, Serialize)]
pub struct Config {
    /// The file it was read from.
    #[serde(skip)]
    pub file: PathBuf,
    /// How much is at stake.
    pub environment: Environment,
    /// The hub.
    pub hub: HubConfig,
    /// The relayer itself.
    pub relayer: RelayerConfig,
    /// Where keys are.
    pub keystore: KeystoreConfig,
    /// Chains, in the order of the file.
    pub chains: Vec<ChainFile>,
    /// Address book: name → chain → account.
    pub accounts: BTreeMap<String, ByChain>,
    /// Tokens by symbol → chain → address.
    pub tokens: BTreeMap<String, ByChain>,
    /// Contracts that take messages which name no recipient.
    pub inbox: ByChain,
}

/// How the hub is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HubConfig {
    /// JSON-RPC address, `http://` or `https://`.
    pub url: String,
    /// The hub's identity. No other hub is ever believed.
    pub id: HubId,
}

/// How much is at stake: rules that are relaxed on a devnet hold everywhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Local nodes, no value.
    Devnet,
    /// Public test networks.
    Testnet,
    /// Real money; also where the file says nothing.
    #[default]
    Mainnet,
}

/// The relayer's own settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelayerConfig {
    /// Name of its key in the keystore.
    pub key: String,
    /// File with the key's password; the keystore's where it is absent.
    pub password_file: Option<PathBuf>,
    /// Where the admin interface listens. It has no authentication: keep it on loopback.
    pub admin_listen: SocketAddr,
    /// Where metrics and health are served.
    pub health_listen: SocketAddr,
    /// Most messages of one delivery.
    pub batch_max: u32,
    /// Milliseconds a batch waits to fill.
    pub batch_wait_ms: u64,
    /// Milliseconds between two looks at a chain's final head: each costs a call to every endpoint asked.
    pub poll_ms: u64,
    /// Deterministic failures of a message before it becomes a dead letter.
    pub retries_max: u32,
    /// First block of a chain that can hold anything of ours: where its contracts were deployed. 0 where it is absent.
    pub start_block: BTreeMap<Caip2, u64>,
}

/// Where encrypted keys are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeystoreConfig {
    /// Folder of key files.
    pub dir: PathBuf,
    /// File with the password of these keys; asked for on the terminal where it is absent.
    pub password_file: Option<PathBuf>,
}

/// What flags and environment set above the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// In place of `hub.url`.
    pub hub_url: Option<String>,
    /// In place of `relayer.key`.
    pub relayer_key: Option<String>,
    /// In place of every password file.
    pub password_file: Option<PathBuf>,
    /// In place of `relayer.admin_listen`.
    pub admin_listen: Option<SocketAddr>,
    /// In place of `relayer.health_listen`.
    pub health_listen: Option<SocketAddr>,
}

impl Config {
    /// Reads the file and everything it names.
    pub fn load(file: &Path, overrides: &Overrides) -> Result<Self, ConfigErrors> {
        let text = read_bounded(file, FILE_BYTES_MAX, MISSING_REMEDY).map_err(|one| ConfigErrors(vec![one]))?;
        Self::parse(file, &text, overrides)
    }

    /// Reads the text of a file that lies, or would lie, at `file`, and everything it names.
    pub fn parse(file: &Path, text: &str, overrides: &Overrides) -> Result<Self, ConfigErrors> {
        Reader::new(file, text).read(overrides)
    }

    /// The key files.
    pub fn keyring(&self) -> Keyring {
        Keyring::new(&self.keystore.dir)
    }

    /// The kinds of the chains, that of the first one first: a name has one key of each.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = Vec::new();
        for kind in self.chains.iter().map(|chain| chain.config.adapter.kind()) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// What the registry connects chains with.
    pub fn chain_context(&self) -> Context {
        Context {
            hub_id: self.hub.id,
            environment: self.environment.into(),
            gateways: self.chains.iter().map(|chain| (chain.id, chain.contracts.gateway)).collect(),
            hub_epoch: None,
        }
    }

    /// What `start` needs beyond a readable configuration: the relayer's key and a password file nobody else can read.
    pub fn check_for_start(&self) -> Result<(), ConfigErrors> {
        let mut complaints = Vec::new();
        for chain in &self.chains {
            if self.environment != Environment::Devnet && !self.relayer.start_block.contains_key(&chain.name) {
                let remedy = format!("write the block of the deployment: \"{}\" = NUMBER", chain.name);
                complaints.push(self.complaint(format!("relayer.start_block lacks {}", chain.name), remedy));
            }
        }
        let (keyring, name) = (self.keyring(), &self.relayer.key);
        for kind in self.kinds().into_iter().filter(|kind| !keyring.has(*kind, name)) {
            let remedy = format!("create it with `relayer keys new {name}` or set relayer.key");
            let file = keyring.file(kind, name);
            complaints.push(self.complaint(format!("the relayer's key {} does not exist", file.display()), remedy));
        }
        if let Some(password) = self.relayer.password_file.as_ref().or(self.keystore.password_file.as_ref()) {
            complaints.extend(
                secret_file_complaint(password).map(|reason| {
                    self.complaint(reason, format!("create it and run `chmod 600 {}`", password.display()))
                }),
            );
        }
        if complaints.is_empty() { Ok(()) } else { Err(ConfigErrors(complaints)) }
    }

    /// The same without what a stranger must not see: keys in URLs.
    pub fn redacted(&self) -> Self {
        let mut shown = self.clone();
        shown.hub.url = redact_url(&self.hub.url);
        shown
    }

    fn complaint(&self, reason: String, remedy: String) -> Complaint {
        Complaint { file: self.file.clone(), line: None, reason, remedy }
    }
}

/// Longest name of an account or key.
const NAME_LEN_MAX: usize = 32;

/// Names become file names and words of a command line.
pub fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=NAME_LEN_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

const NAME_REMEDY: &str = "use 1 to 32 of a-z, A-Z, 0-9, - and _";

/// A URL without user, path and query, where access keys hide.
pub fn redact_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "…".into() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let hidden = if tail.trim_matches('/').is_empty() { "" } else { "/…" };
    format!("{scheme}://{host}{hidden}")
}

/// Reads a small text file. What is no regular file says nothing true about its length, so the reading itself is cut off.
pub(crate) fn read_bounded(file: &Path, bytes_max: u64, remedy_missing: &str) -> Result<String, Complaint> {
    let complain =
        |reason: String, remedy: &str| Complaint { file: file.into(), line: None, reason, remedy: remedy.into() };
    let opened = std::fs::File::open(file).map_err(|error| complain(error.to_string(), remedy_missing))?;
    let mut text = String::new();
    let length = opened
        .take(bytes_max.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(|error| complain(error.to_string(), "make it readable UTF-8 text"))?;
    if length as u64 > bytes_max {
        return Err(complain(format!("more than {bytes_max} bytes are too many"), "name the right file"));
    }
    Ok(text)
}

/// Why a file cannot hold a secret.
fn secret_file_complaint(file: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    match std::fs::metadata(file) {
        Err(error) => Some(format!("the password file {} cannot be read: {error}", file.display())),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            Some(format!("the password file {} can be read by other users", file.display()))
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests;
