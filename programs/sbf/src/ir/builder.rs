//! Writing of instructions.

use super::{Module, Type, Value, length};
use bpf_linker::llvm_sys::{core::*, prelude::*};

/// Writes instructions at one place.
pub(crate) struct Builder<'m> {
    pub(super) raw: LLVMBuilderRef,
    module: &'m Module,
}

// SAFETY of every block below: builder, values and types are alive; the values and types are of one module.
#[expect(clippy::undocumented_unsafe_blocks, reason = "the one reason for all of them stands above")]
impl<'m> Builder<'m> {
    pub(super) fn new(module: &'m Module) -> Self {
        Self { raw: unsafe { LLVMCreateBuilderInContext(module.context) }, module }
    }

    /// Room on the stack.
    pub(crate) fn stack_slot(&self, of: Type<'m>) -> Value<'m> {
        Value::of(unsafe { LLVMBuildAlloca(self.raw, of.raw, c"record".as_ptr()) })
    }

    /// Address of a field of a record.
    pub(crate) fn field(&self, record: Type<'m>, at: Value<'m>, index: u32) -> Value<'m> {
        Value::of(unsafe { LLVMBuildStructGEP2(self.raw, record.raw, at.raw, index, c"".as_ptr()) })
    }

    /// Reads memory.
    pub(crate) fn load(&self, of: Type<'m>, from: Value<'m>) -> Value<'m> {
        Value::of(unsafe { LLVMBuildLoad2(self.raw, of.raw, from.raw, c"".as_ptr()) })
    }

    /// Writes memory.
    pub(crate) fn store(&self, value: Value<'m>, to: Value<'m>) {
        unsafe { LLVMBuildStore(self.raw, value.raw, to.raw) };
    }

    /// Calls a function by its type and, if it is one of the module's, its convention.
    pub(crate) fn call(&self, callee_type: Type<'m>, callee: Value<'m>, arguments: &[Value<'m>]) -> Value<'m> {
        let mut raw: Vec<_> = arguments.iter().map(|argument| argument.raw).collect();
        unsafe {
            let call =
                LLVMBuildCall2(self.raw, callee_type.raw, callee.raw, raw.as_mut_ptr(), length(&raw), c"".as_ptr());
            if callee.is_function() {
                LLVMSetInstructionCallConv(call, LLVMGetFunctionCallConv(callee.raw));
            }
            Value::of(call)
        }
    }

    /// An integer in more bits, with its sign or with zeros.
    pub(crate) fn widen(&self, value: Value<'m>, bits: u32, signed: bool) -> Value<'m> {
        let wide = self.module.integer(bits).raw;
        Value::of(unsafe {
            if signed {
                LLVMBuildSExt(self.raw, value.raw, wide, c"".as_ptr())
            } else {
                LLVMBuildZExt(self.raw, value.raw, wide, c"".as_ptr())
            }
        })
    }

    /// The low bits of an integer.
    pub(crate) fn narrow(&self, value: Value<'m>, to: Type<'m>) -> Value<'m> {
        Value::of(unsafe { LLVMBuildTrunc(self.raw, value.raw, to.raw, c"".as_ptr()) })
    }

    /// Ends a function that returns nothing.
    pub(crate) fn return_nothing(&self) {
        unsafe { LLVMBuildRetVoid(self.raw) };
    }
}

impl Drop for Builder<'_> {
    fn drop(&mut self) {
        // SAFETY: disposed once.
        unsafe { LLVMDisposeBuilder(self.raw) };
    }
}
