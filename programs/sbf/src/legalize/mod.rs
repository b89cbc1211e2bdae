//! Brings bitcode into the form that LLVM 22's BPF back end takes.
//!
//! rustc writes bitcode for a machine that has as many arguments and results as it likes, 128-bit arithmetic, signed
//! division and writable statics. Solana's virtual machine has none of these, and LLVM 22 refuses them (LLVM 23 does
//! better). These passes run before any optimisation, in this order:
//!
//! 1. `helpers`: link functions that compute in 64 bits what the machine cannot;
//! 2. `overflow`: call them for multiplication that tells of overflow;
//! 3. `arithmetic`: call them for wide and for signed operations, in the helpers themselves too;
//! 4. `calls`: functions with too many arguments or results are inlined, or called with one packed record;
//! 5. `statics`: the one writable static there may be moves to the heap.
//!
//! One runs after it, when all copies that can be avoided have been: `copies`, which makes large ones syscalls.

mod arithmetic;
mod calls;
mod copies;
mod helpers;
mod overflow;
mod record;
mod statics;

pub use crate::ir::IrError;

use crate::ir::{Attribute, Module, Value};

/// Bitcode that the virtual machine cannot run.
#[derive(Debug, thiserror::Error)]
pub enum LegalizeError {
    /// LLVM does not take a module.
    #[error(transparent)]
    Ir(#[from] IrError),
    /// A multiplication that tells of overflow in a width without helper.
    #[error("{0} has no helper: multiply in 8, 16, 32, 64 or 128 bits")]
    Overflow(String),
    /// A call that may go on elsewhere.
    #[error("{function} catches panics (invoke): compile with -C panic=immediate-abort")]
    Unwinds {
        /// The function with the call.
        function: String,
    },
    /// Nothing that a transaction could call.
    #[error("the program has no function `{0}`: use solana_program::entrypoint!, and build its cdylib")]
    NoEntrypoint(&'static str),
    /// A call that takes a function for another type.
    #[error("{callee} is called as a function of another type in {caller}")]
    CalleeType {
        /// Who calls.
        caller: String,
        /// Who is called.
        callee: String,
    },
    /// A static that changes.
    #[error(
        "the static {0} can change, and a program has no memory for it between or during calls: make it a constant or \
         keep it in an account"
    )]
    MutableStatic(String),
    /// std's hash seed with a value from the compiler.
    #[error("the static {0} does not begin with zeros, which is all that a heap begins with")]
    InitialisedStatic(String),
    /// More statics than the heap has room for.
    #[error("the static {symbol} needs the heap's bytes up to {end}, and {reserved} are reserved")]
    StaticsTooLarge {
        /// The static that no longer fits.
        symbol: String,
        /// Where it would end, from the start of the heap.
        end: u64,
        /// Bytes there are.
        reserved: u64,
    },
    /// No allocator that leaves those bytes alone.
    #[error(
        "the static {0} needs room at the start of the heap: use the allocator of infrastrukt-sbf-runtime (feature \
         custom-heap of the program, `use infrastrukt_sbf_runtime as _`)"
    )]
    HeapNotReserved(String),
}

/// Legalises an input, if it is bitcode (or its textual form): other inputs are none of this crate's.
///
/// # Errors
/// The input has something that the virtual machine cannot run.
pub fn legalize(input: &[u8]) -> Result<Option<Vec<u8>>, LegalizeError> {
    let Some(module) = read(input)? else { return Ok(None) };
    let added = helpers::link(&module)?;
    overflow::replace(&module)?;
    arithmetic::replace(&module);
    helpers::hide(&module, &added);
    calls::lower(&module)?;
    statics::move_to_heap(&module)?;
    module.verify()?;
    Ok(Some(module.to_bitcode()))
}

/// Makes large copies of an optimised program syscalls. What is not inlined by now stays so.
///
/// # Errors
/// The program has no entry point, or takes a syscall for something else.
pub fn finish(optimised: &[u8], entrypoint: &'static str) -> Result<Vec<u8>, LegalizeError> {
    let module = Module::from_bitcode(optimised)?;
    if module.function(entrypoint).is_none_or(Value::is_declaration) {
        return Err(LegalizeError::NoEntrypoint(entrypoint));
    }
    copies::lower(&module)?;
    let (always, never) = (Attribute::named("alwaysinline"), Attribute::named("noinline"));
    for function in module.functions().into_iter().filter(|function| !function.has(always)) {
        function.add(never);
    }
    module.verify()?;
    Ok(module.to_bitcode())
}

fn read(input: &[u8]) -> Result<Option<Module>, IrError> {
    const BITCODE: [&[u8]; 2] = [b"BC\xC0\xDE", b"\xDE\xC0\x17\x0B"];
    const TEXT: &str = "; ModuleID";
    if BITCODE.iter().any(|magic| input.starts_with(magic)) {
        return Module::from_bitcode(input).map(Some);
    }
    match std::str::from_utf8(input) {
        Ok(text) if text.starts_with(TEXT) => Module::from_text(text).map(Some),
        Ok(_) | Err(_) => Ok(None),
    }
}
