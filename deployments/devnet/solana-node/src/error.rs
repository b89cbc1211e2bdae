//! Why the node did not start, or did not end well. Every message names the value and what to do about it.

use crate::{args::ArgsError, folder::FolderError, genesis::GenesisError, lockout::LockoutError};
use std::{io, time::Duration};

/// What ends the process with exit code 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    /// Arguments that clap accepts one by one do not fit together.
    #[error(transparent)]
    Args(#[from] ArgsError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The accounts of the first slot are refused.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// Surfpool refused its own database.
    #[error("cannot open the chain: {0}; if the folder is of another version of this node, remove it")]
    Chain(String),
    /// The operating system refused a thread, a runtime or a signal handler.
    #[error("cannot start {what}: {source}")]
    Start {
        /// What was to be started.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The node did not say within the limit that it serves.
    #[error("the node did not start within {0:?}; a chain of many transactions needs longer, or the machine is busy")]
    StartTimedOut(Duration),
    /// SIGTERM or SIGINT came before the node served.
    #[error("stopped by a signal before the node had started")]
    StoppedWhileStarting,
    /// A server gave up.
    #[error("the node gave up: {0}")]
    Aborted(String),
    /// Block production ended with an error.
    #[error("block production failed: {0}")]
    Runloop(String),
    /// Block production ended unasked: somebody called the RPC method `exit`.
    #[error("the node ended without a signal; a client called the RPC method `exit`")]
    EndedUnasked,
    /// Cheatcodes could not be locked.
    #[error(transparent)]
    Lockout(#[from] LockoutError),
    /// Standard output is closed.
    #[error("cannot print the ready line: {0}")]
    Announce(io::Error),
    /// The node did not end within the limit.
    #[error("the node did not stop within {0:?}; its database recovers the last slots at the next start")]
    StopTimedOut(Duration),
}
