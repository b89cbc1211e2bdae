//! Multiplication that tells of overflow: Rust's `checked_mul`, and every `*` with overflow checks.
//!
//! LLVM computes it in twice the bits. For 64 that is a 128-bit product, for which the back end wants a library
//! function that it then refuses to call; up to 32 bits it has instructions. Addition and subtraction need no such
//! thing.

use super::LegalizeError;
use crate::ir::Module;

const HELPERS: [(&str, &str); 4] = [
    ("llvm.umul.with.overflow.i64", "__sbf_umulo_i64"),
    ("llvm.smul.with.overflow.i64", "__sbf_smulo_i64"),
    ("llvm.umul.with.overflow.i128", "__sbf_umulo_i128"),
    ("llvm.smul.with.overflow.i128", "__sbf_smulo_i128"),
];
const INTRINSICS: [&str; 2] = ["llvm.umul.with.overflow.i", "llvm.smul.with.overflow.i"];
const WIDEST_NATIVE_BITS: u32 = 32;

/// Calls helpers instead of LLVM's intrinsics.
pub(super) fn replace(module: &Module) -> Result<(), LegalizeError> {
    for intrinsic in module.functions() {
        let name = intrinsic.name();
        let Some(bits) = INTRINSICS.iter().find_map(|prefix| name.strip_prefix(prefix)) else { continue };
        match HELPERS.iter().find(|(replaced, _)| *replaced == name) {
            Some((_, helper)) => {
                let helper = module.function(helper).expect("every helper of the table is linked before");
                intrinsic.replace_with(helper);
            }
            None if bits.parse().is_ok_and(|bits: u32| bits <= WIDEST_NATIVE_BITS) => {}
            None if intrinsic.users().is_empty() => {}
            None => return Err(LegalizeError::Overflow(name)),
        }
    }
    Ok(())
}
