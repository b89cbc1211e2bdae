//! What can come of asking a node, apart from an answer.

use alloy_primitives::Bytes;
use infrastrukt_ports::{PortError, Remedy};
use std::time::Duration;

use crate::errors;

/// How long to wait before an endpoint that failed is asked again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A question to a node that was not answered as hoped.
#[derive(Debug)]
pub enum CallError {
    /// The endpoint is away, answers nonsense or lies.
    Port(PortError),
    /// The contract reverted with this data: an answer, believed where k endpoints give it.
    Reverted(Bytes),
    /// The node refused for a reason of its own.
    Refused {
        /// Who.
        host: String,
        /// JSON-RPC error code.
        code: i64,
        /// What it said, cut to a bounded length. Shown, never judged.
        message: String,
    },
}

impl CallError {
    /// A lie or nonsense that a person must look at.
    pub fn halt(message: impl Into<String>) -> Self {
        Self::Port(PortError::halt(message))
    }

    /// A passing failure.
    pub fn retry(message: impl Into<String>) -> Self {
        Self::Port(PortError::retry(RETRY_AFTER, message))
    }

    /// True where the failure must not be waited out.
    pub fn is_halt(&self) -> bool {
        match self {
            Self::Port(error) => error.remedy == Remedy::Halt,
            Self::Reverted(_) | Self::Refused { .. } => false,
        }
    }

    /// True where the endpoint says that the request itself can never succeed. One endpoint's word is not enough to
    /// blame the request.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Port(error) => error.remedy == Remedy::Reject,
            Self::Reverted(_) => true,
            Self::Refused { .. } => false,
        }
    }

    /// What it comes to, for people.
    pub fn into_message(self) -> String {
        PortError::from(self).message
    }
}

impl From<PortError> for CallError {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl From<CallError> for PortError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Port(error) => error,
            CallError::Reverted(data) => Self::reject(errors::explain(&data)),
            CallError::Refused { host, code, message } => {
                Self::retry(RETRY_AFTER, format!("{host} refused the request: {message} (code {code})"))
            }
        }
    }
}
