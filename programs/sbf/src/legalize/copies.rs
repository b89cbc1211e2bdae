//! Copies and fills of many bytes become syscalls.
//!
//! The back end writes out up to 128 loads and stores for one, which is code for every move of a large value. A syscall
//! is six instructions and ten compute units: half the code from six words on, and cheaper from eight. LLVM lets a
//! copy's ends be the same place, which `sol_memcpy_` refuses and `sol_memmove_` does not.

use super::LegalizeError;
use crate::ir::{Module, Value};

/// Bytes from which a copy is a syscall.
const COPY_BYTES: u64 = 48;
/// Bytes from which a fill is one: it has no loads.
const FILL_BYTES: u64 = 128;
const COPIES: [&str; 2] = ["llvm.memcpy.p0.p0.i64", "llvm.memmove.p0.p0.i64"];
const FILL: &str = "llvm.memset.p0.i64";

/// Calls syscalls instead of LLVM's intrinsics, where the number of bytes is known and large.
pub(super) fn lower(module: &Module) -> Result<(), LegalizeError> {
    for copy in COPIES.iter().filter_map(|name| module.function(name)) {
        replace(module, copy, COPY_BYTES, "sol_memmove_")?;
    }
    module.function(FILL).map_or(Ok(()), |fill| replace(module, fill, FILL_BYTES, "sol_memset_"))
}

/// Both intrinsics take two values and a number of bytes, as the syscalls do, and then whether they are volatile. A fill's
/// byte is one for a program that declares the syscall so, and a word otherwise.
fn replace(module: &Module, intrinsic: Value<'_>, bytes: u64, syscall: &str) -> Result<(), LegalizeError> {
    let [place, what, length] = [0, 1, 2].map(|index| intrinsic.parameter(index).ty());
    let as_word = what.integer_bits().map_or(what, |_| module.integer(64));
    let types = [what, as_word].map(|what| module.procedure(&[place, what, length]));
    for call in intrinsic.users() {
        let is_large = call.operand(2).constant_integer().is_some_and(|length| length >= bytes);
        let is_volatile = call.operand(3).constant_integer() != Some(0);
        if !call.is_call() || !is_large || is_volatile {
            continue;
        }
        let function = module.function(syscall).unwrap_or_else(|| module.declare(syscall, types[1]));
        let ty = function.value_type();
        if !function.is_declaration() || !types.contains(&ty) {
            let caller = call.parent_function().name();
            return Err(LegalizeError::CalleeType { caller, callee: syscall.to_owned() });
        }
        let builder = module.before(call);
        let what = call.operand(1);
        let what = if what.ty() == ty.parameters()[1] { what } else { builder.widen(what, 64, false) };
        builder.call(ty, function, &[call.operand(0), what, call.operand(2)]);
        call.erase();
    }
    Ok(())
}
