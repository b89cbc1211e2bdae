//! Reads the sections of a configuration file and collects everything that is wrong with them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use infrastrukt_types::{Caip2, HubId};
use serde::Deserialize;
use toml::Spanned;

use super::{
    ByChain, ChainFile, Complaint, Config, ConfigErrors, Environment, HubConfig, KeystoreConfig, NAME_REMEDY,
    Overrides, RelayerConfig, document::Document, is_name, redact_url,
};

/// Sections of the file, for the remedy of an unknown one.
const SECTIONS: [&str; 8] = ["environment", "chains", "hub", "relayer", "keystore", "accounts", "tokens", "inbox"];
/// Loopback with a port of the system's choice: `relayer.json` tells the others.
const LISTEN_DEFAULT: &str = "127.0.0.1:0";
/// Messages of one delivery where the file says nothing.
const BATCH_DEFAULT: u32 = 30;
/// Wait for a fuller batch where the file says nothing.
const BATCH_WAIT_MS_DEFAULT: u64 = 200;
/// Pause between two looks at a chain where the file says nothing.
const POLL_MS_DEFAULT: u64 = 500;
/// Failures before a dead letter where the file says nothing (the protocol's default).
const RETRIES_DEFAULT: u32 = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubSection {
    url: Option<Spanned<String>>,
    id: HubId,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RelayerSection {
    key: Option<Spanned<String>>,
    password_file: Option<Spanned<PathBuf>>,
    admin_listen: Option<Spanned<SocketAddr>>,
    health_listen: Option<Spanned<SocketAddr>>,
    batch_max: Option<Spanned<u32>>,
    batch_wait_ms: Option<Spanned<u64>>,
    poll_ms: Option<Spanned<u64>>,
    retries_max: Option<Spanned<u32>>,
    #[serde(default)]
    start_block: BTreeMap<Spanned<String>, u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeystoreSection {
    dir: Option<PathBuf>,
    password_file: Option<Spanned<PathBuf>>,
}

type BookSection = BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<String>>>;

/// Reads one configuration file and those it names.
pub(super) struct Reader<'text> {
    file: PathBuf,
    document: Document<'text>,
    /// Folder that relative paths start from.
    base: PathBuf,
    /// Complaints about the files that this one names.
    others: Vec<Complaint>,
}

impl<'text> Reader<'text> {
    pub(super) fn new(file: &Path, text: &'text str) -> Self {
        let base = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { file: file.into(), document: Document::parse(file, text), base: base.into(), others: Vec::new() }
    }

    pub(super) fn read(mut self, overrides: &Overrides) -> Result<Config, ConfigErrors> {
        let config = if self.document.is_toml() { self.config(overrides) } else { None };
        let mut complaints = self.document.finish(&SECTIONS);
        complaints.append(&mut self.others);
        match config {
            Some(config) if complaints.is_empty() => Ok(config),
            Some(_) | None => Err(ConfigErrors(complaints)),
        }
    }

    fn config(&mut self, overrides: &Overrides) -> Option<Config> {
        let environment: Environment = self.document.take("environment").unwrap_or_default();
        let hub = self.hub(overrides);
        let chains = self.chains(environment);
        let section = self.document.take("keystore").unwrap_or_default();
        let keystore = self.keystore(section, overrides);
        let relayer = self.relayer(overrides, &chains);
        let accounts = self.book("accounts", &chains);
        let tokens = self.book("tokens", &chains);
        let inbox = self.inbox(&chains);
        Some(Config {
            file: self.file.clone(),
            environment,
            hub: hub?,
            relayer,
            keystore,
            chains,
            accounts,
            tokens,
            inbox,
        })
    }

    fn hub(&mut self, overrides: &Overrides) -> Option<HubConfig> {
        if !self.document.has("hub") {
            let remedy = "add [hub] with url = \"http://HOST:PORT\" and id = \"0x…\"";
            self.document.complain(None, "the hub is not named".into(), remedy);
        }
        let section: HubSection = self.document.take("hub")?;
        let (span, in_file) = section.url.map_or((None, None), |url| (Some(url.span()), Some(url.into_inner())));
        let Some(url) = overrides.hub_url.clone().or(in_file) else {
            self.document.complain(None, "hub.url is missing".into(), "add it, or pass --hub URL");
            return None;
        };
        if !is_http_url(&url) {
            let reason = format!("hub.url: `{}` is not an HTTP address", redact_url(&url));
            let place = span.filter(|_| overrides.hub_url.is_none());
            self.document.complain(place, reason, "write http://HOST:PORT or https://HOST");
        }
        Some(HubConfig { url, id: section.id })
    }

    fn relayer(&mut self, overrides: &Overrides, chains: &[ChainFile]) -> RelayerConfig {
        let section: RelayerSection = self.document.take("relayer").unwrap_or_default();
        let listen = || LISTEN_DEFAULT.parse().expect("the default is an address");
        let counts = [("batch_max", &section.batch_max), ("retries_max", &section.retries_max)];
        for (name, count) in counts {
            if let Some(zero) = count.as_ref().filter(|count| *count.get_ref() == 0) {
                self.document.complain(Some(zero.span()), format!("relayer.{name} is 0"), "write 1 or more");
            }
        }
        let mut start_block = BTreeMap::new();
        for (chain, block) in section.start_block {
            start_block.extend(self.known_chain("relayer.start_block", &chain, chains).map(|name| (name, block)));
        }
        if let Some(key) = section.key.as_ref().filter(|key| !is_name(key.get_ref())) {
            let reason = format!("relayer.key: `{}` is not a key's name", key.get_ref());
            self.document.complain(Some(key.span()), reason, NAME_REMEDY);
        }
        let from_file = section.password_file.map(|path| self.base.join(path.into_inner()));
        RelayerConfig {
            key: overrides.relayer_key.clone().or(section.key.map(Spanned::into_inner)).unwrap_or("relayer".into()),
            password_file: overrides.password_file.clone().or(from_file),
            admin_listen: overrides
                .admin_listen
                .or(section.admin_listen.map(Spanned::into_inner))
                .unwrap_or_else(listen),
            health_listen: overrides
                .health_listen
                .or(section.health_listen.map(Spanned::into_inner))
                .unwrap_or_else(listen),
            batch_max: section.batch_max.map_or(BATCH_DEFAULT, Spanned::into_inner),
            batch_wait_ms: section.batch_wait_ms.map_or(BATCH_WAIT_MS_DEFAULT, Spanned::into_inner),
            poll_ms: section.poll_ms.map_or(POLL_MS_DEFAULT, Spanned::into_inner),
            retries_max: section.retries_max.map_or(RETRIES_DEFAULT, Spanned::into_inner),
            start_block,
        }
    }

    fn keystore(&self, section: KeystoreSection, overrides: &Overrides) -> KeystoreConfig {
        let dir = self.base.join(section.dir.unwrap_or("keystore".into()));
        let from_file = section.password_file.map(|path| self.base.join(path.into_inner()));
        KeystoreConfig { dir, password_file: overrides.password_file.clone().or(from_file) }
    }

    fn chains(&mut self, environment: Environment) -> Vec<ChainFile> {
        if !self.document.has("chains") {
            self.document.complain(None, "no chain is named".into(), "add chains = [\"chains/NAME.toml\", …]");
        }
        let files: Option<Spanned<Vec<Spanned<PathBuf>>>> = self.document.take("chains");
        if let Some(none) = files.as_ref().filter(|files| files.get_ref().is_empty()) {
            self.document.complain(Some(none.span()), "no chain is named".into(), "name at least one chain's file");
        }
        let mut chains: Vec<ChainFile> = Vec::new();
        for file in files.map(Spanned::into_inner).unwrap_or_default() {
            let path = self.base.join(file.get_ref());
            match ChainFile::load(&path, environment) {
                Ok(chain) if chains.iter().any(|other| other.id == chain.id) => {
                    let reason = format!("chain {} stands in two files, the second is {}", chain.name, path.display());
                    self.document.complain(Some(file.span()), reason, "name each chain once");
                }
                Ok(chain) => chains.push(chain),
                Err(ConfigErrors(mut complaints)) => self.others.append(&mut complaints),
            }
        }
        chains
    }

    fn book(&mut self, key: &str, chains: &[ChainFile]) -> BTreeMap<String, ByChain> {
        let section: BookSection = self.document.take(key).unwrap_or_default();
        let mut book = BTreeMap::new();
        for (name, entries) in section {
            if !is_name(name.get_ref()) {
                let reason = format!("{key}.{} is not a usable name", name.get_ref());
                self.document.complain(Some(name.span()), reason, NAME_REMEDY);
            }
            let path = format!("{key}.{}", name.get_ref());
            let by_chain = self.by_chain(&path, entries, chains);
            book.insert(name.into_inner(), by_chain);
        }
        book
    }

    fn inbox(&mut self, chains: &[ChainFile]) -> ByChain {
        let section = self.document.take("inbox").unwrap_or_default();
        self.by_chain("inbox", section, chains)
    }

    fn by_chain(
        &mut self,
        path: &str,
        entries: BTreeMap<Spanned<String>, Spanned<String>>,
        chains: &[ChainFile],
    ) -> ByChain {
        let mut by_chain = ByChain::new();
        for (chain, value) in entries {
            by_chain.extend(self.known_chain(path, &chain, chains).map(|name| (name, value.into_inner())));
        }
        by_chain
    }

    fn known_chain(&mut self, path: &str, chain: &Spanned<String>, chains: &[ChainFile]) -> Option<Caip2> {
        let known = chains.iter().find(|known| known.name.as_str() == chain.get_ref());
        // While a chain's own file is broken, nobody can tell whether its name is wrong here.
        if known.is_none() && self.others.is_empty() {
            let reason = format!("{path}: `{}` is not a chain of this configuration", chain.get_ref());
            self.document.complain(Some(chain.span()), reason, "write the CAIP-2 name of a file in `chains`");
        }
        known.map(|known| known.name.clone())
    }
}

fn is_http_url(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or(url.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with(['/', ':', '?']) && !rest.contains(char::is_whitespace)
    })
}
