//! Surfpool's cheatcodes set balances and clocks for anybody who asks. They are locked for the life of the process
//! before the node is called ready, by the one way there is: the call that locks all of them, itself included.

use crate::rpc::{self, RpcError};
use serde_json::json;
use std::net::SocketAddrV4;

/// Any cheatcode that only reads, to see that none answers any more.
const PROBE: &str = "surfnet_getSurfnetInfo";

/// Cheatcodes could not be locked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockoutError {
    /// The call that locks them failed.
    #[error("cannot lock the cheatcodes: {0}")]
    Call(#[from] RpcError),
    /// One still answers.
    #[error("{0} answers although all cheatcodes were locked: this version of surfpool locks them in another way")]
    StillOpen(&'static str),
}

/// Locks all cheatcodes, and looks whether they are.
///
/// # Errors
/// The node does not answer, or a cheatcode still does.
pub(crate) fn lock_cheatcodes(node: SocketAddrV4) -> Result<(), LockoutError> {
    rpc::call(node, "surfnet_disableCheatcode", &json!(["all", {"lockout": true}]))?;
    match rpc::call(node, PROBE, &json!([])) {
        Ok(_) => Err(LockoutError::StillOpen(PROBE)),
        Err(RpcError::Refused { .. }) => Ok(()),
        Err(error @ (RpcError::Io { .. } | RpcError::NotJson { .. })) => Err(error.into()),
    }
}
