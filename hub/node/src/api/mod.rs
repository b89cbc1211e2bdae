//! The interface to relayers and tools: JSON-RPC over HTTP and WebSocket, and the operator's port.

mod certificates;
mod guard;
mod idle;
mod interface;
mod lists;
mod methods;
mod offers;
pub(crate) mod operator;
mod push;
pub mod rate;
mod reads;
mod rotations;
mod server;
mod views;

pub use interface::Interface;
pub use methods::Methods;
pub use operator::{Readiness, Render};

pub(crate) use guard::{LIST_COST, Limits};
pub(crate) use server::serve;
