//! Operations that a compiler for Solana's virtual machine must get right, in a program and on the host alike.
//!
//! The program takes instruction data (number of an operation, two 128-bit numbers, anything) and returns the result as
//! return data. `../differential` runs the built program and this crate side by side.

#[cfg(target_arch = "bpf")]
mod entry;
mod operations;
mod shapes;

pub use operations::{OPERATIONS, Operation};

/// Instruction data that the program reads: one byte and twice sixteen, little-endian.
pub const DATA_BYTES: usize = 33;
