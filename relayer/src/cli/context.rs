//! What every command needs: where things are, and how to ask.

use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use infrastrukt_registry::Keys;
use infrastrukt_types::Timestamp;
use zeroize::Zeroizing;

use super::{args::Global, output::Out};
use crate::{
    config::{Config, Overrides},
    user::{Network, UserError, Wallet, unlock},
};

/// Folder below the home directory where nothing else is said.
const DATA_DIR_DEFAULT: &str = ".infrastrukt";
/// Longest password file.
const PASSWORD_BYTES_MAX: usize = 4096;

/// The options of this process.
pub(super) struct Context {
    pub(super) out: Out,
    data_dir: PathBuf,
    is_dir_named: bool,
    config_file: PathBuf,
    overrides: Overrides,
}

impl Context {
    pub(super) fn new(global: Global, out: Out) -> Result<Self, UserError> {
        let is_dir_named = global.data_dir.is_some();
        let data_dir = match global.data_dir {
            Some(dir) => dir,
            None => std::env::home_dir()
                .map(|home| home.join(DATA_DIR_DEFAULT))
                .ok_or_else(|| UserError::refused("there is no home directory", "pass --data-dir DIR"))?,
        };
        let config_file = global.config.unwrap_or_else(|| data_dir.join("config.toml"));
        let overrides = Overrides { hub_url: global.hub, password_file: global.password_file, ..Overrides::default() };
        Ok(Self { out, data_dir, is_dir_named, config_file, overrides })
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The data directory where the caller named one.
    pub(super) fn named_data_dir(&self) -> Option<PathBuf> {
        self.is_dir_named.then(|| self.data_dir.clone())
    }

    pub(super) fn config(&self) -> Result<Config, UserError> {
        self.config_with(self.overrides.clone())
    }

    /// The configuration under more than the options of every command.
    pub(super) fn config_with(&self, overrides: Overrides) -> Result<Config, UserError> {
        Ok(Config::load(&self.config_file, &overrides)?)
    }

    pub(super) const fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    pub(super) fn network(&self) -> Result<Network, UserError> {
        Network::open(self.config()?, &self.data_dir)
    }

    /// Opens a user's wallet; its password comes from the configured file or the terminal.
    pub(super) fn wallet<'network>(
        &self,
        network: &'network Network,
        name: &str,
    ) -> Result<Wallet<'network>, UserError> {
        let file = network.config.keystore.password_file.as_deref();
        let password = self.password(file, &format!("Password of the key `{name}`: "))?;
        Wallet::open(network, name, &password)
    }

    /// Decrypts a user's keys alone, for what is signed and not sent to a chain.
    pub(super) fn keys(&self, network: &Network, name: &str) -> Result<Keys, UserError> {
        let file = network.config.keystore.password_file.as_deref();
        let password = self.password(file, &format!("Password of the key `{name}`: "))?;
        unlock(&network.config, name, &password)
    }

    /// A password from the file, else from the terminal.
    pub(super) fn password(&self, file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, UserError> {
        if let Some(file) = file {
            return read_password(file);
        }
        if !std::io::stdin().is_terminal() {
            let remedy = "pass --password-file FILE, or set keystore.password_file";
            return Err(UserError::refused("there is no terminal to ask for the password on", remedy));
        }
        rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(UserError::file("/dev/tty"))
    }

    /// Asks on the terminal. Without one nothing is agreed to.
    pub(super) fn confirm(&self, question: &str) -> Result<bool, UserError> {
        if !std::io::stdin().is_terminal() {
            return Err(UserError::refused("there is no terminal to ask on", "pass --yes to agree beforehand"));
        }
        eprint!("{question} [y/N] ");
        std::io::stderr().flush().map_err(UserError::file("/dev/tty"))?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map_err(UserError::file("/dev/tty"))?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }

    /// This machine's time, for countdowns and records; rules compare with chain or hub time.
    pub(super) fn now(&self) -> Timestamp {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(elapsed.as_secs())
    }
}

/// The first line of a password file.
pub(super) fn read_password(file: &Path) -> Result<Zeroizing<String>, UserError> {
    let text = Zeroizing::new(std::fs::read_to_string(file).map_err(UserError::file(file))?);
    if text.len() > PASSWORD_BYTES_MAX {
        let reason = format!("more than {PASSWORD_BYTES_MAX} bytes are no password");
        return Err(UserError::Damaged { path: file.into(), reason });
    }
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
