//! The built program in LiteSVM.
//!
//! Owns a second implementation of the protocol's encodings ([`wire`]), builders of every instruction and readers of
//! every account after `programs/README.md` ([`calls`], [`accounts`]), a chain that runs the committed ELF
//! ([`Chain`]), and a world of people, tokens and validators on it ([`World`]). It never uses the program's crates, so
//! that a mistake there cannot hide behind the same mistake here. It is a library for the tests beside it and for
//! nothing else.

pub mod accounts;
pub mod calls;
mod chain;
mod codes;
mod data;
mod hub;
pub mod pda;
pub mod tokens;
pub mod wire;
mod world;

pub use chain::{Chain, Outcome, code, events, key_named};
pub use codes::{Refusal, framework};
pub use data::{Data, discriminator};
pub use hub::{Certified, Hub};
pub use pda::{CONSUMED, PROGRAM, Purse, REFUNDED, SOL, SYSTEM};
pub use tokens::{Extension, MintArgs, TOKEN_2022, TOKEN_LEGACY, TokenRef, associated};
pub use world::*;
