//! LLVM's C interface for one module at a time, as much of it as the legaliser needs.
//!
//! The only place of this crate that calls LLVM itself. Every [`Value`] and [`Type`] borrows the [`Module`] that owns
//! it. One rule is left to the caller: a value that was erased must not be used again.

mod builder;
mod module;
mod types;
mod value;

pub(crate) use builder::Builder;
pub(crate) use module::Module;
pub(crate) use types::{Shape, Type};
pub(crate) use value::{Attribute, Value};

use bpf_linker::llvm_sys::prelude::LLVMValueRef;

/// LLVM does not take a module.
#[derive(Debug, thiserror::Error)]
pub enum IrError {
    /// Bytes that are no bitcode of this LLVM.
    #[error("its bitcode is unreadable: it must come from a compiler with this LLVM")]
    Bitcode,
    /// Text that is no module.
    #[error("its text is no LLVM module: {0}")]
    Text(String),
    /// Two modules define the same symbol, or differ in their data layout.
    #[error("helper functions cannot be linked to it")]
    Link,
    /// A module that breaks LLVM's rules.
    #[error("the module is no longer valid, which is a mistake of the legaliser: {0}")]
    Invalid(String),
}

/// A list that LLVM links, taken at once so that the module may change while it is walked.
fn list<'m>(first: LLVMValueRef, next: impl Fn(LLVMValueRef) -> LLVMValueRef) -> Vec<Value<'m>> {
    let mut values = Vec::new();
    let mut value = first;
    while !value.is_null() {
        values.push(Value::of(value));
        value = next(value);
    }
    values
}

fn length<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("a signature has few parts")
}
