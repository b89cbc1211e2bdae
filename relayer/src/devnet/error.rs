//! What can go wrong with the devnet.

use std::{io, path::PathBuf};

/// Why the devnet does not run, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// A file of the data directory.
    #[error("cannot use {path}: {source}; choose another --data-dir or correct its permissions")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that an earlier run wrote is damaged.
    #[error("{path} is damaged ({reason}); delete the data directory to begin anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A program that must be there is not.
    #[error(
        "no `{name}` beside this program, in {variable} or on the PATH; build it (`make demo` does) or set {variable}"
    )]
    Missing {
        /// The program.
        name: &'static str,
        /// Environment variable that names it.
        variable: &'static str,
    },
    /// A chain.
    #[error(transparent)]
    Chain(#[from] infrastrukt_registry::devnet::DevnetError),
    /// The genesis breaks a rule.
    #[error(transparent)]
    Genesis(#[from] infrastrukt_protocol::GenesisError),
    /// A key cannot be stored.
    #[error("cannot store the key `{name}`: {reason}")]
    Key {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The hub did not come up.
    #[error("the hub did not answer within {seconds}s; see {log}")]
    HubStart {
        /// How long it was waited for.
        seconds: u64,
        /// Its log.
        log: PathBuf,
    },
    /// The hub ended while it started.
    #[error("the hub ended while it started; {log} says why")]
    HubEnded {
        /// Its log.
        log: PathBuf,
    },
    /// Somebody else runs a hub on the same data.
    #[error("process {pid} is a hub of this devnet already; end it first (kill {pid})")]
    HubRuns {
        /// Which process.
        pid: i32,
    },
    /// Another devnet runs in the same directory.
    #[error("a devnet runs in {dir} already; use it, or choose another --data-dir")]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// The relayer did not start.
    #[error("the relayer did not start: {0}")]
    Relayer(String),
}

impl DevnetError {
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
