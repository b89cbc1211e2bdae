//! What the caller must do about a failure.

use std::{error::Error, fmt, time::Duration};

/// What to do about a failure. The caller never reads the text to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Passing: the same call may succeed after this time.
    Retry {
        /// How long to wait at least.
        after: Duration,
    },
    /// The chain below the cursor changed: go back to this block and read again.
    Rewind {
        /// First block to read again.
        block: u64,
    },
    /// The request itself is wrong and will always be: give it up and tell whoever made it.
    Reject,
    /// Something that must never happen did: stop this chain's work and call a person.
    Halt,
}

/// A failure at a port: what to do, what happened, and the cause.
#[derive(Debug)]
pub struct PortError {
    /// What the caller must do.
    pub remedy: Remedy,
    /// What happened and what a person can do about it.
    pub message: String,
    /// The cause, where there is one.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl PortError {
    /// A passing failure, to be tried again after `after`.
    pub fn retry(after: Duration, message: impl Into<String>) -> Self {
        Self { remedy: Remedy::Retry { after }, message: message.into(), source: None }
    }

    /// A request that can never succeed.
    pub fn reject(message: impl Into<String>) -> Self {
        Self { remedy: Remedy::Reject, message: message.into(), source: None }
    }

    /// A state that must never occur.
    pub fn halt(message: impl Into<String>) -> Self {
        Self { remedy: Remedy::Halt, message: message.into(), source: None }
    }

    /// The chain changed below the cursor.
    pub fn rewind(block: u64, message: impl Into<String>) -> Self {
        Self { remedy: Remedy::Rewind { block }, message: message.into(), source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn Error + 'static))
    }
}
