//! One test suite that every adapter passes.
//!
//! Owns the cases, the test validators that certify for them and the [`Harness`] through which they reach a chain. It
//! names no chain and is a dependency of tests only. [`run_all`] takes a factory, since every case begins on a fresh
//! chain, and reports every case that failed.

mod cases;
mod failure;
mod harness;
mod run;
mod steps;
mod validators;

pub use failure::Failure;
pub use harness::{Harness, Party, World};
pub use run::run_all;
pub use validators::TestValidators;
