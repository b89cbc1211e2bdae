//! Configurations in which every party sees every chain through three endpoints of its own, of which two must agree.
//!
//! They lie in a folder of their own beside what the devnet wrote, and name its keys, stores and genesis.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::{proxy::Views, side::Side};

/// Validators of the devnet's hub.
pub(crate) const VALIDATORS: usize = 4;
/// Endpoints of a view that must agree.
const QUORUM: usize = 2;
/// Short, so that an endpoint that stalls is noticed within a round.
const REQUEST_TIMEOUT_MS: i64 = 2_000;

/// Where the files of one run are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// The devnet's data directory.
    pub(crate) dir: PathBuf,
    hub_port: u16,
}

impl Files {
    pub(crate) fn new(dir: PathBuf, hub_port: u16) -> Result<Self> {
        let files = Self { dir, hub_port };
        fs::create_dir_all(files.folder())?;
        Ok(files)
    }

    fn folder(&self) -> PathBuf {
        self.dir.join("chaos")
    }

    pub(crate) fn relayer(&self) -> PathBuf {
        self.folder().join("relayer.toml")
    }

    pub(crate) fn hub(&self) -> PathBuf {
        self.folder().join("hub.toml")
    }

    /// What a running relayer writes about where it listens.
    pub(crate) fn endpoints(&self) -> PathBuf {
        self.dir.join("relayer.json")
    }

    pub(crate) fn hub_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.hub_port)
    }

    /// The chains' files and the relayer's configuration.
    pub(crate) fn write_relayer(&self, views: &Views) -> Result<()> {
        for side in Side::BOTH {
            self.write_chain(side, views.relayer_urls(side))?;
        }
        let config = read(&self.dir.join("config.toml"))?;
        let hub = config.get("hub").and_then(|hub| hub.get("id")).and_then(Value::as_str);
        let hub = hub.context("config.toml names the hub")?;
        let (url, chains) = (self.hub_url(), chain_files());
        let text = format!(
            r#"environment = "devnet"
chains = {chains:?}

[hub]
url = "{url}"
id = "{hub}"

[relayer]
key = "relayer"

[keystore]
dir = "../keystore"
password_file = "../password"
"#
        );
        Ok(fs::write(self.relayer(), text)?)
    }

    /// The chain's own file with other endpoints.
    fn write_chain(&self, side: Side, urls: Vec<String>) -> Result<()> {
        let mut chain = read(&self.dir.join("chains").join(chain_file(side)))?;
        let mut rpc = Table::new();
        rpc.insert("endpoints".into(), Value::from(urls));
        rpc.insert("quorum".into(), Value::from(i64::try_from(QUORUM)?));
        chain.insert("rpc".into(), Value::from(rpc));
        let mut limits = Table::new();
        limits.insert("request_timeout_ms".into(), Value::from(REQUEST_TIMEOUT_MS));
        chain.insert("limits".into(), Value::from(limits));
        Ok(fs::write(self.folder().join(chain_file(side)), toml::to_string(&chain)?)?)
    }

    /// The hub's configuration, with all validators but one.
    pub(crate) fn write_hub(&self, views: &Views, absent: Option<usize>) -> Result<()> {
        let (port, chains) = (self.hub_port, chain_files());
        let mut text = format!(
            r#"environment = "devnet"
data_dir = "../hub/data"
genesis = "../hub/genesis.json"
chains = {chains:?}

[api]
listen = "127.0.0.1:{port}"

[api.limits]
calls_per_second = 100000
calls_burst = 100000
registrations_per_minute = 100000
registrations_burst = 100000

[operator]
listen = "127.0.0.1:0"
"#
        );
        for validator in (0..VALIDATORS).filter(|validator| Some(*validator) != absent) {
            text += &format!(
                "\n[[validators]]\nkeystore = \"../hub/keystore/validator-{validator}.json\"\npassword_file = \
                 \"../password\"\n"
            );
            for side in Side::BOTH {
                let urls = views.validator_urls(validator, side);
                text += &format!("rpc.\"{side}\" = {{ endpoints = {urls:?}, quorum = {QUORUM} }}\n");
            }
        }
        Ok(fs::write(self.hub(), text)?)
    }
}

fn chain_file(side: Side) -> String {
    format!("{}.toml", side.name().replace(':', "-"))
}

fn chain_files() -> [String; 2] {
    Side::BOTH.map(chain_file)
}

fn read(file: &Path) -> Result<Table> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    toml::from_str(&text).with_context(|| file.display().to_string())
}
