//! What std expects of its host, answered with Solana's syscalls, and a heap that leaves room for std's hash seed.
//!
//! A program says `use infrastrukt_sbf_runtime as _;` where `target_arch` is `bpf`, and declares Anchor's feature
//! `custom-heap`, since this crate has the allocator. Only what survives link-time optimisation is in the program. For
//! any other target, the official tools' among them, this crate is empty: there std brings its own.

#![cfg_attr(target_arch = "bpf", no_std)]

#[cfg(target_arch = "bpf")]
mod heap;
#[cfg(target_arch = "bpf")]
mod host;
