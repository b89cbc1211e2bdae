//! Types.

use super::Module;
use bpf_linker::llvm_sys::{LLVMTypeKind, core::*, prelude::*};
use std::{marker::PhantomData, ptr};

/// A type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Type<'m> {
    pub(super) raw: LLVMTypeRef,
    pub(super) module: PhantomData<&'m Module>,
}

/// What a type is made of, as far as registers go.
pub(crate) enum Shape<'m> {
    /// Nothing.
    Void,
    /// An integer of so many bits.
    Integer(u32),
    /// Parts one after the other.
    Struct(Vec<Type<'m>>),
    /// So many of one part.
    Array(u64, Type<'m>),
    /// Anything else, which takes whole registers for its size.
    Other,
}

// SAFETY of every block below: the type is alive, since it borrows the module whose context owns it.
#[expect(clippy::undocumented_unsafe_blocks, reason = "the one reason for all of them stands above")]
impl<'m> Type<'m> {
    pub(super) fn of(raw: LLVMTypeRef) -> Self {
        Self { raw, module: PhantomData }
    }

    /// What it is made of.
    pub(crate) fn shape(self) -> Shape<'m> {
        unsafe {
            match LLVMGetTypeKind(self.raw) {
                LLVMTypeKind::LLVMVoidTypeKind => Shape::Void,
                LLVMTypeKind::LLVMIntegerTypeKind => Shape::Integer(LLVMGetIntTypeWidth(self.raw)),
                LLVMTypeKind::LLVMStructTypeKind => {
                    let count = LLVMCountStructElementTypes(self.raw);
                    Shape::Struct((0..count).map(|i| Self::of(LLVMStructGetTypeAtIndex(self.raw, i))).collect())
                }
                LLVMTypeKind::LLVMArrayTypeKind => {
                    Shape::Array(LLVMGetArrayLength2(self.raw), Self::of(LLVMGetElementType(self.raw)))
                }
                _ => Shape::Other,
            }
        }
    }

    /// Bits of an integer; nothing for any other type.
    pub(crate) fn integer_bits(self) -> Option<u32> {
        match self.shape() {
            Shape::Integer(bits) => Some(bits),
            Shape::Void | Shape::Struct(_) | Shape::Array(..) | Shape::Other => None,
        }
    }

    /// Parameters of a function's type.
    pub(crate) fn parameters(self) -> Vec<Self> {
        unsafe {
            let count = LLVMCountParamTypes(self.raw) as usize;
            let mut raw = vec![ptr::null_mut(); count];
            LLVMGetParamTypes(self.raw, raw.as_mut_ptr());
            raw.into_iter().map(Self::of).collect()
        }
    }

    /// What a function of this type returns.
    pub(crate) fn returns(self) -> Self {
        Self::of(unsafe { LLVMGetReturnType(self.raw) })
    }
}
