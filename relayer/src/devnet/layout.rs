//! Where everything of a devnet lies in its data directory.

use std::path::{Path, PathBuf};

/// Paths of one data directory.
#[derive(Clone, Debug)]
pub struct Layout(PathBuf);

impl Layout {
    /// The layout of `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// What other programs read to find the devnet.
    pub fn devnet_json(&self) -> PathBuf {
        self.0.join("devnet.json")
    }

    /// Configuration of the relayer and of users' commands.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// One file a chain.
    pub fn chain_file(&self, name: &infrastrukt_types::Caip2) -> PathBuf {
        self.0.join("chains").join(format!("{}.toml", name.as_str().replace(':', "-")))
    }

    /// Encrypted keys of users and the relayer.
    pub fn keystore(&self) -> PathBuf {
        self.0.join("keystore")
    }

    /// Password of all keys of the devnet.
    pub fn password(&self) -> PathBuf {
        self.0.join("password")
    }

    /// State and logs of the chains' nodes.
    pub fn nodes(&self) -> PathBuf {
        self.0.join("nodes")
    }

    /// Everything of the hub.
    pub fn hub(&self) -> PathBuf {
        self.0.join("hub")
    }

    /// The hub's configuration.
    pub fn hub_config(&self) -> PathBuf {
        self.hub().join("hub.toml")
    }

    /// The hub's genesis.
    pub fn genesis(&self) -> PathBuf {
        self.hub().join("genesis.json")
    }

    /// The hub's log file.
    pub fn hub_log(&self) -> PathBuf {
        self.hub().join("hub.log")
    }

    /// The hub's process id, while it runs.
    pub fn hub_pid(&self) -> PathBuf {
        self.hub().join("pid")
    }

    /// Encrypted keys of the validators.
    pub fn hub_keystore(&self) -> PathBuf {
        self.hub().join("keystore")
    }
}
