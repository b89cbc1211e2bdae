//! The relayer: carries proofs into the INFRASTRUKT hub and certificates out of it.
//!
//! Owns the pipeline (one file a stage), its durable records, dead letters, metrics, health and its own loopback
//! interface, plus the command line around them. It is trusted with nothing: it can delay, never forge. It never names
//! a chain; chains reach it as ports.

pub mod admin;
pub mod cli;
pub mod clock;
pub mod config;
pub mod devnet;
pub mod dlq;
pub mod health;
pub mod metrics;
mod parts;
pub mod pipeline;
mod relayer;
pub mod store;
mod supply;
pub mod user;

pub use parts::{ChainParts, LanePolicy, Limits, Parts, PipelineParts};
pub use relayer::{Pipeline, Relayer, RunningRelayer, StartError};
pub use store::COLUMNS;
