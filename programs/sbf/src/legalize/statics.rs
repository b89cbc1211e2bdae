//! Writable statics. A program has no memory that outlives a call and none that can be written but stack and heap, so
//! that a static which changes is refused.
//!
//! The one exception is the seed of std's hash maps, which Anchor uses: it is written before it is read, within one
//! call, and any value will do. It lies at the start of the heap, which is zero when a call begins, in bytes that the
//! allocator of `infrastrukt-sbf-runtime` leaves alone.

use super::LegalizeError;
use crate::{
    ir::{Module, Value},
    target::{HEAP_RESERVED_BYTES, HEAP_RESERVED_SYMBOL, HEAP_START},
};

/// Part of the mangled name of std's `std::hash::random::RandomState::new::KEYS`.
const HASH_SEED: &str = "RandomState";
/// LLVM's own lists, which are not in the program.
const LLVM_PREFIX: &str = "llvm.";

/// Moves the hash seed to the heap.
pub(super) fn move_to_heap(module: &Module) -> Result<(), LegalizeError> {
    let mut used = 0;
    for global in module.globals().into_iter().filter(|global| is_static(*global)) {
        let symbol = global.name();
        if !symbol.contains(HASH_SEED) {
            return Err(LegalizeError::MutableStatic(symbol));
        }
        if !global.initializer().is_some_and(Value::is_zero) {
            return Err(LegalizeError::InitialisedStatic(symbol));
        }
        if !module.defines_global(HEAP_RESERVED_SYMBOL) {
            return Err(LegalizeError::HeapNotReserved(symbol));
        }
        let (size, alignment) = module.layout(global.value_type());
        let at = u64::next_multiple_of(used, alignment);
        used = at.saturating_add(size);
        if used > HEAP_RESERVED_BYTES {
            return Err(LegalizeError::StaticsTooLarge { symbol, end: used, reserved: HEAP_RESERVED_BYTES });
        }
        global.replace_with(module.address(HEAP_START + at));
    }
    Ok(())
}

fn is_static(global: Value<'_>) -> bool {
    global.is_mutable()
        && !global.is_declaration()
        && !global.name().starts_with(LLVM_PREFIX)
        && !global.users().is_empty()
}
