//! The pipeline: bounded loops, one file a stage, with all their state in the store.
//!
//! Per chain: [`observe`] reads final facts and stores their evidence ([`prove`] cuts it to size), [`submit`] offers it
//! to the hub until it is proven, [`deliver`] plans and sends transactions ([`draft`], [`verify`], [`expire`],
//! [`settle`] help), [`confirm`] follows them until they are final ([`lifecycle`] says what becomes of their items).
//! Once: [`take`] follows the hub's certified checkpoints ([`body`] checks what their leaves name), [`watch`] asks after
//! the hub and the wallets, [`supply`] whether the chains' token bridges are backed.

mod body;
pub(crate) mod confirm;
pub(crate) mod deliver;
mod draft;
mod expire;
pub mod hub;
mod jitter;
pub(crate) mod lane;
pub(crate) mod lifecycle;
pub(crate) mod observe;
mod prove;
mod question;
mod settle;
mod stage;
pub(crate) mod submit;
pub(crate) mod supply;
pub(crate) mod take;
#[cfg(test)]
mod tests;
mod verify;
pub(crate) mod watch;

pub(crate) use jitter::Jitter;
pub(crate) use lane::{HubInfo, Lane, Shared};
pub(crate) use stage::{Pause, Stage, StageError, StageName, drive};
