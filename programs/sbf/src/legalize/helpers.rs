//! Functions in LLVM's own language that compute with 64-bit words what the machine has no instruction for.
//!
//! Those that do the work are `noinline optnone`: LLVM would recognise what they compute and put the very operation
//! back that they stand for. The others only part wide numbers into words, and are inlined.

use crate::ir::{IrError, Module};

const TEXT: &str =
    concat!(include_str!("helpers/multiply.ll"), include_str!("helpers/divide.ll"), include_str!("helpers/shift.ll"));

/// Links all helpers into the module and returns their names.
pub(super) fn link(module: &Module) -> Result<Vec<String>, IrError> {
    module.link_text(TEXT)
}

/// Hides the helpers from other modules, each of which has its own. Unused ones vanish with that.
pub(super) fn hide(module: &Module, names: &[String]) {
    for function in names.iter().filter_map(|name| module.function(name)) {
        function.make_internal();
    }
}
