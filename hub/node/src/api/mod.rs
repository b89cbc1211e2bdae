//! The interface to relayers and tools: JSON-RPC over HTTP and WebSocket, and the operator's port.

mod connections;
mod guard;
mod methods;
mod offers;
pub(crate) mod operator;
mod push;
pub mod rate;
mod server;
mod views;

pub use operator::{Readiness, Render};

pub(crate) use guard::Limits;
pub(crate) use methods::Methods;
pub(crate) use server::serve;
