//! Values: functions, global variables, instructions and constants, and the attributes of functions.

use super::{Module, Type, list};
use bpf_linker::llvm_sys::{LLVMAttributeFunctionIndex, LLVMLinkage, LLVMOpcode, core::*, prelude::*};
use std::{ffi::c_char, marker::PhantomData};

/// A function, global variable, instruction or constant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value<'m> {
    pub(super) raw: LLVMValueRef,
    pub(super) module: PhantomData<&'m Module>,
}

/// A kind of attribute without a value.
#[derive(Clone, Copy)]
pub(crate) struct Attribute(u32);

// SAFETY of every block below: the value is alive, since it borrows its module and erased values are not used again.
#[expect(clippy::undocumented_unsafe_blocks, reason = "the one reason for all of them stands above")]
impl<'m> Value<'m> {
    pub(super) fn of(raw: LLVMValueRef) -> Self {
        Self { raw, module: PhantomData }
    }

    pub(super) fn some(raw: LLVMValueRef) -> Option<Self> {
        if raw.is_null() { None } else { Some(Self::of(raw)) }
    }

    /// The symbol, or nothing for most instructions.
    pub(crate) fn name(self) -> String {
        let mut length = 0;
        let name = unsafe {
            let start = LLVMGetValueName2(self.raw, &mut length);
            std::slice::from_raw_parts(start.cast::<u8>(), length)
        };
        String::from_utf8_lossy(name).into_owned()
    }

    /// The type of the value; of a function or global variable, that of its address.
    pub(crate) fn ty(self) -> Type<'m> {
        Type::of(unsafe { LLVMTypeOf(self.raw) })
    }

    /// The type of what a function or global variable is.
    pub(crate) fn value_type(self) -> Type<'m> {
        Type::of(unsafe { LLVMGlobalGetValueType(self.raw) })
    }

    /// Whether it is defined elsewhere.
    pub(crate) fn is_declaration(self) -> bool {
        unsafe { LLVMIsDeclaration(self.raw) != 0 }
    }

    /// Whether it is a function.
    pub(crate) fn is_function(self) -> bool {
        unsafe { !LLVMIsAFunction(self.raw).is_null() }
    }

    /// Whether it is assembly text.
    pub(crate) fn is_assembly(self) -> bool {
        unsafe { !LLVMIsAInlineAsm(self.raw).is_null() }
    }

    /// Whether it is a number that is known.
    pub(crate) fn is_constant_integer(self) -> bool {
        unsafe { !LLVMIsAConstantInt(self.raw).is_null() }
    }

    /// A number that is known, of at most 64 bits.
    pub(crate) fn constant_integer(self) -> Option<u64> {
        let fits = self.is_constant_integer() && self.ty().integer_bits().is_some_and(|bits| bits <= u64::BITS);
        fits.then(|| unsafe { LLVMConstIntGetZExtValue(self.raw) })
    }

    /// Whether a global variable may change.
    pub(crate) fn is_mutable(self) -> bool {
        unsafe { LLVMIsGlobalConstant(self.raw) == 0 }
    }

    /// What a global variable begins with.
    pub(crate) fn initializer(self) -> Option<Self> {
        Self::some(unsafe { LLVMGetInitializer(self.raw) })
    }

    /// Whether a constant is zero wherever it says anything.
    pub(crate) fn is_zero(self) -> bool {
        unsafe {
            if LLVMIsNull(self.raw) != 0 || LLVMIsUndef(self.raw) != 0 {
                return true;
            }
            let has_parts = !LLVMIsAConstantStruct(self.raw).is_null() || !LLVMIsAConstantArray(self.raw).is_null();
            has_parts && self.operands().all(Self::is_zero)
        }
    }

    /// Every use's user, once for each use.
    pub(crate) fn users(self) -> Vec<Self> {
        let mut users = Vec::new();
        unsafe {
            let mut use_ = LLVMGetFirstUse(self.raw);
            while !use_.is_null() {
                users.push(Self::of(LLVMGetUser(use_)));
                use_ = LLVMGetNextUse(use_);
            }
        }
        users
    }

    /// The instructions of a function in order.
    pub(crate) fn instructions(self) -> Vec<Self> {
        let mut instructions = Vec::new();
        unsafe {
            let mut block = LLVMGetFirstBasicBlock(self.raw);
            while !block.is_null() {
                instructions
                    .extend(list(LLVMGetFirstInstruction(block), |instruction| LLVMGetNextInstruction(instruction)));
                block = LLVMGetNextBasicBlock(block);
            }
        }
        instructions
    }

    /// What an instruction does.
    pub(crate) fn opcode(self) -> LLVMOpcode {
        unsafe { LLVMGetInstructionOpcode(self.raw) }
    }

    /// What an instruction works on, or a constant is made of.
    pub(crate) fn operand(self, index: u32) -> Self {
        Self::of(unsafe { LLVMGetOperand(self.raw, index) })
    }

    fn operands(self) -> impl Iterator<Item = Self> {
        let count = unsafe { LLVMGetNumOperands(self.raw) };
        (0..u32::try_from(count).unwrap_or(0)).map(move |index| self.operand(index))
    }

    /// Whether it is a plain call.
    pub(crate) fn is_call(self) -> bool {
        unsafe { !LLVMIsACallInst(self.raw).is_null() }
    }

    /// Whether it is a call that may also go on elsewhere.
    pub(crate) fn is_branching_call(self) -> bool {
        unsafe { !LLVMIsAInvokeInst(self.raw).is_null() || !LLVMIsACallBrInst(self.raw).is_null() }
    }

    /// Whom a call calls.
    pub(crate) fn callee(self) -> Self {
        Self::of(unsafe { LLVMGetCalledValue(self.raw) })
    }

    /// What a call takes its callee for.
    pub(crate) fn callee_type(self) -> Type<'m> {
        Type::of(unsafe { LLVMGetCalledFunctionType(self.raw) })
    }

    /// Arguments of a call.
    pub(crate) fn arguments(self) -> impl Iterator<Item = Self> {
        let count = unsafe { LLVMGetNumArgOperands(self.raw) };
        (0..count).map(move |index| self.operand(index))
    }

    /// The function that an instruction is in.
    pub(crate) fn parent_function(self) -> Self {
        Self::of(unsafe { LLVMGetBasicBlockParent(LLVMGetInstructionParent(self.raw)) })
    }

    /// The first instruction of the function that an instruction is in.
    pub(crate) fn function_start(self) -> Self {
        Self::of(unsafe { LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(self.parent_function().raw)) })
    }

    /// A parameter of a function.
    pub(crate) fn parameter(self, index: u32) -> Self {
        Self::of(unsafe { LLVMGetParam(self.raw, index) })
    }

    /// How many parameters a function has.
    pub(crate) fn parameter_count(self) -> u32 {
        unsafe { LLVMCountParams(self.raw) }
    }

    /// Puts another value wherever this one is used.
    pub(crate) fn replace_with(self, other: Self) {
        unsafe { LLVMReplaceAllUsesWith(self.raw, other.raw) };
    }

    /// Removes an instruction that nothing uses. Not to be used again.
    pub(crate) fn erase(self) {
        unsafe { LLVMInstructionEraseFromParent(self.raw) };
    }

    /// Hides a symbol from other modules.
    pub(crate) fn make_internal(self) {
        unsafe { LLVMSetLinkage(self.raw, LLVMLinkage::LLVMInternalLinkage) };
    }

    /// Whether a function has an attribute.
    pub(crate) fn has(self, attribute: Attribute) -> bool {
        unsafe { !LLVMGetEnumAttributeAtIndex(self.raw, LLVMAttributeFunctionIndex, attribute.0).is_null() }
    }

    /// Gives a function an attribute.
    pub(crate) fn add(self, attribute: Attribute) {
        unsafe {
            let context = LLVMGetTypeContext(LLVMTypeOf(self.raw));
            LLVMAddAttributeAtIndex(
                self.raw,
                LLVMAttributeFunctionIndex,
                LLVMCreateEnumAttribute(context, attribute.0, 0),
            );
        }
    }

    /// Takes an attribute off a function.
    pub(crate) fn remove(self, attribute: Attribute) {
        unsafe { LLVMRemoveEnumAttributeAtIndex(self.raw, LLVMAttributeFunctionIndex, attribute.0) };
    }

    /// Takes an attribute off a parameter of a function, counted from 1.
    pub(crate) fn remove_from_parameter(self, index: u32, attribute: Attribute) {
        unsafe { LLVMRemoveEnumAttributeAtIndex(self.raw, index, attribute.0) };
    }

    /// Takes an attribute off a call.
    pub(crate) fn remove_from_call(self, attribute: Attribute) {
        unsafe { LLVMRemoveCallSiteEnumAttribute(self.raw, LLVMAttributeFunctionIndex, attribute.0) };
    }

    /// Takes an attribute off an argument of a call, counted from 1.
    pub(crate) fn remove_from_argument(self, index: u32, attribute: Attribute) {
        unsafe { LLVMRemoveCallSiteEnumAttribute(self.raw, index, attribute.0) };
    }

    /// Compiles this function for the same processor as another.
    pub(crate) fn take_processor_of(self, other: Self) {
        for name in ["target-cpu", "target-features"] {
            unsafe {
                let attribute = LLVMGetStringAttributeAtIndex(
                    other.raw,
                    LLVMAttributeFunctionIndex,
                    name.as_ptr().cast::<c_char>(),
                    u32::try_from(name.len()).expect("the names are short"),
                );
                if !attribute.is_null() {
                    LLVMAddAttributeAtIndex(self.raw, LLVMAttributeFunctionIndex, attribute);
                }
            }
        }
    }
}

impl Attribute {
    /// The attribute that LLVM calls so.
    pub(crate) fn named(name: &'static str) -> Self {
        // SAFETY: the name and its length belong together.
        Self(unsafe { LLVMGetEnumAttributeKindForName(name.as_ptr().cast(), name.len()) })
    }
}
