//! Asking Solana nodes: one endpoint with bounds. The vote among several is the one all chains share.

mod endpoint;
mod sender;
pub(crate) mod wire;

pub use endpoint::Endpoint;
pub(crate) use endpoint::{AccountState, Commitment, RETRY_AFTER, Simulation, Status};
