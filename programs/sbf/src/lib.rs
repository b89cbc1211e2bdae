//! The last step from Rust to a Solana program: bitcode of LLVM 22 in, an ELF for Solana's virtual machine out.
//!
//! It owns the legaliser, which brings bitcode into the form that LLVM 22's BPF back end takes ([`legalize`]), and the
//! order of the steps ([`link`]). Linking of bitcode, optimisation and code generation are `bpf-linker`'s, the form of
//! the ELF is `sbpf-linker`'s. It never changes what a program computes; what it cannot carry over, it refuses.

// The functions of LLVM are found in the compiler's own shared library at run time.
use aya_rustc_llvm_proxy as _;

pub mod args;
mod ir;
pub mod legalize;
pub mod link;
pub mod target;
