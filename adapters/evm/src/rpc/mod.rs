//! Asking nodes: one endpoint with bounds, and a quorum of them.

mod ballot;
mod endpoint;
mod failure;
mod quorum;
mod wire;

pub use endpoint::Endpoint;
pub(crate) use endpoint::{decode_answer, quantity, raw};
pub use failure::CallError;
pub(crate) use failure::RETRY_AFTER;
pub use quorum::{Quorum, Voter};
pub(crate) use wire::{RpcBlock, RpcHeader, RpcLog, RpcReceipt};
