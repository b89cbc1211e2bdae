//! Error codes of the interface.

use jsonrpsee::types::ErrorObjectOwned;
use serde::{Deserialize, Serialize};

/// Codes beside those of JSON-RPC itself; they never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(i32)]
pub enum ErrorCode {
    /// The request breaks a rule of the protocol; the text says which and what to do.
    Refused = -32_001,
    /// The queue is full or the caller is too fast: try again later.
    Busy = -32_002,
    /// Not decided within the time limit; offering it again does no harm.
    Timeout = -32_003,
    /// The hub stopped certifying and says why.
    Halted = -32_004,
    /// Storage or another part of the hub failed.
    Internal = -32_005,
}

/// An error object with one of the codes.
pub fn refusal(code: ErrorCode, message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(code as i32, message, None::<()>)
}
