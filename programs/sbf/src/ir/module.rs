//! A module: reading, writing, what it holds, and what can be made in it.

use super::{Builder, IrError, Type, Value, length, list};
use bpf_linker::llvm_sys::{
    analysis::{LLVMVerifierFailureAction, LLVMVerifyModule},
    bit_reader::LLVMParseBitcodeInContext2,
    bit_writer::LLVMWriteBitcodeToMemoryBuffer,
    core::*,
    ir_reader::LLVMParseIRInContext2,
    linker::LLVMLinkModules2,
    prelude::*,
    target::{LLVMABIAlignmentOfType, LLVMABISizeOfType, LLVMGetModuleDataLayout},
};
use std::{
    ffi::{CStr, CString, c_char, c_void},
    ptr,
};

/// A module and the context that owns its types.
pub(crate) struct Module {
    pub(super) context: LLVMContextRef,
    pub(super) module: LLVMModuleRef,
}

extern "C" fn ignore_diagnostic(_: LLVMDiagnosticInfoRef, _: *mut c_void) {}

impl Module {
    /// Reads bitcode.
    pub(crate) fn from_bitcode(bytes: &[u8]) -> Result<Self, IrError> {
        let mut read = Self::empty_context();
        // SAFETY: the buffer is a copy and lives until it is disposed; the module is read from it in full before that.
        let failed = unsafe {
            let buffer =
                LLVMCreateMemoryBufferWithMemoryRangeCopy(bytes.as_ptr().cast(), bytes.len(), c"input".as_ptr());
            let failed = LLVMParseBitcodeInContext2(read.context, buffer, &mut read.module);
            LLVMDisposeMemoryBuffer(buffer);
            failed != 0
        };
        if failed {
            read.module = ptr::null_mut();
            return Err(IrError::Bitcode);
        }
        Ok(read)
    }

    /// Reads LLVM's textual form.
    pub(crate) fn from_text(text: &str) -> Result<Self, IrError> {
        let mut read = Self::empty_context();
        read.module = read.parse_text(text)?;
        Ok(read)
    }

    /// Links functions given as text into this module, and returns the names of those that the text defines.
    pub(crate) fn link_text(&self, text: &str) -> Result<Vec<String>, IrError> {
        let helpers = self.parse_text(text)?;
        // SAFETY: both modules are of this context; linking takes the second one over, whether it succeeds or not.
        unsafe {
            LLVMSetTarget(helpers, LLVMGetTarget(self.module));
            LLVMSetDataLayout(helpers, LLVMGetDataLayoutStr(self.module));
            let defined = functions_of(helpers).iter().filter(|f| !f.is_declaration()).map(|f| f.name()).collect();
            if LLVMLinkModules2(self.module, helpers) == 0 { Ok(defined) } else { Err(IrError::Link) }
        }
    }

    /// The module as bitcode.
    pub(crate) fn to_bitcode(&self) -> Vec<u8> {
        // SAFETY: the buffer's bytes are copied before it is disposed.
        unsafe {
            let buffer = LLVMWriteBitcodeToMemoryBuffer(self.module);
            let (start, size) = (LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
            let bytes = std::slice::from_raw_parts(start.cast::<u8>(), size).to_vec();
            LLVMDisposeMemoryBuffer(buffer);
            bytes
        }
    }

    /// Whether the module keeps LLVM's rules.
    pub(crate) fn verify(&self) -> Result<(), IrError> {
        let mut message = ptr::null_mut();
        // SAFETY: the module is alive, and the message is taken over.
        let broken = unsafe {
            LLVMVerifyModule(self.module, LLVMVerifierFailureAction::LLVMReturnStatusAction, &mut message) != 0
        };
        let message = take_message(message);
        if broken { Err(IrError::Invalid(message)) } else { Ok(()) }
    }

    /// All functions, declarations too.
    pub(crate) fn functions(&self) -> Vec<Value<'_>> {
        functions_of(self.module)
    }

    /// All global variables.
    pub(crate) fn globals(&self) -> Vec<Value<'_>> {
        // SAFETY: the module is alive.
        unsafe { list(LLVMGetFirstGlobal(self.module), |global| LLVMGetNextGlobal(global)) }
    }

    /// The function of that name.
    pub(crate) fn function(&self, name: &str) -> Option<Value<'_>> {
        let name = c_string(name);
        // SAFETY: the module is alive.
        Value::some(unsafe { LLVMGetNamedFunction(self.module, name.as_ptr()) })
    }

    /// Whether a global variable of that name is defined.
    pub(crate) fn defines_global(&self, name: &CStr) -> bool {
        // SAFETY: the module is alive.
        Value::some(unsafe { LLVMGetNamedGlobal(self.module, name.as_ptr()) }).is_some_and(|g| !g.is_declaration())
    }

    /// A new function without a body that no other module sees.
    pub(crate) fn add_internal_function(&self, name: &str, function_type: Type<'_>) -> Value<'_> {
        let function = self.declare(name, function_type);
        function.make_internal();
        function
    }

    /// A function that is defined elsewhere.
    pub(crate) fn declare(&self, name: &str, function_type: Type<'_>) -> Value<'_> {
        let name = c_string(name);
        // SAFETY: the module is alive, and so is the type.
        Value::of(unsafe { LLVMAddFunction(self.module, name.as_ptr(), function_type.raw) })
    }

    /// An integer of so many bits.
    pub(crate) fn integer(&self, bits: u32) -> Type<'_> {
        // SAFETY: the context is alive.
        Type::of(unsafe { LLVMIntTypeInContext(self.context, bits) })
    }

    /// An address.
    pub(crate) fn pointer(&self) -> Type<'_> {
        // SAFETY: the context is alive.
        Type::of(unsafe { LLVMPointerTypeInContext(self.context, 0) })
    }

    /// A record of these fields.
    pub(crate) fn record(&self, fields: &[Type<'_>]) -> Type<'_> {
        let mut raw: Vec<_> = fields.iter().map(|field| field.raw).collect();
        // SAFETY: the context is alive, and the fields are of it.
        Type::of(unsafe { LLVMStructTypeInContext(self.context, raw.as_mut_ptr(), length(&raw), 0) })
    }

    /// A function that takes these parameters and returns nothing.
    pub(crate) fn procedure(&self, parameters: &[Type<'_>]) -> Type<'_> {
        let mut raw: Vec<_> = parameters.iter().map(|parameter| parameter.raw).collect();
        // SAFETY: the context is alive, and the parameters are of it.
        Type::of(unsafe { LLVMFunctionType(LLVMVoidTypeInContext(self.context), raw.as_mut_ptr(), length(&raw), 0) })
    }

    /// A fixed address.
    pub(crate) fn address(&self, address: u64) -> Value<'_> {
        let number = self.integer(64);
        // SAFETY: both types are of this context.
        Value::of(unsafe { LLVMConstIntToPtr(LLVMConstInt(number.raw, address, 0), self.pointer().raw) })
    }

    /// Size and alignment in bytes of a type in memory.
    pub(crate) fn layout(&self, of: Type<'_>) -> (u64, u64) {
        // SAFETY: the module is alive and owns its data layout; the type has a size, since something is of it.
        unsafe {
            let layout = LLVMGetModuleDataLayout(self.module);
            (LLVMABISizeOfType(layout, of.raw), u64::from(LLVMABIAlignmentOfType(layout, of.raw)))
        }
    }

    /// Writes instructions before one that is there.
    pub(crate) fn before<'m>(&'m self, instruction: Value<'m>) -> Builder<'m> {
        let builder = Builder::new(self);
        // SAFETY: builder and instruction are alive.
        unsafe { LLVMPositionBuilderBefore(builder.raw, instruction.raw) };
        builder
    }

    /// Writes instructions into the first block of a function that has none yet.
    pub(crate) fn body_of<'m>(&'m self, function: Value<'m>) -> Builder<'m> {
        let builder = Builder::new(self);
        // SAFETY: builder and function are alive.
        unsafe {
            let block = LLVMAppendBasicBlockInContext(self.context, function.raw, c"start".as_ptr());
            LLVMPositionBuilderAtEnd(builder.raw, block);
        }
        builder
    }

    fn empty_context() -> Self {
        // SAFETY: the handler has no state. LLVM's own would end the process on bad input.
        let context = unsafe {
            let context = LLVMContextCreate();
            LLVMContextSetDiagnosticHandler(context, Some(ignore_diagnostic), ptr::null_mut());
            context
        };
        Self { context, module: ptr::null_mut() }
    }

    fn parse_text(&self, text: &str) -> Result<LLVMModuleRef, IrError> {
        let (mut module, mut message) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the buffer is a copy that ends with a zero byte, as the parser wants it, and is disposed after use.
        let failed = unsafe {
            let buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(text.as_ptr().cast(), text.len(), c"text".as_ptr());
            let failed = LLVMParseIRInContext2(self.context, buffer, &mut module, &mut message);
            LLVMDisposeMemoryBuffer(buffer);
            failed != 0
        };
        let message = take_message(message);
        if failed { Err(IrError::Text(message)) } else { Ok(module) }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: each is disposed once, and no value outlives the module.
        unsafe {
            if !self.module.is_null() {
                LLVMDisposeModule(self.module);
            }
            LLVMContextDispose(self.context);
        }
    }
}

fn functions_of<'m>(module: LLVMModuleRef) -> Vec<Value<'m>> {
    // SAFETY: callers give a module that is alive for 'm or drop the list before it goes.
    unsafe { list(LLVMGetFirstFunction(module), |function| LLVMGetNextFunction(function)) }
}

fn take_message(message: *mut c_char) -> String {
    if message.is_null() {
        return String::new();
    }
    // SAFETY: LLVM made the message and hands it over; it is copied before it is disposed.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        LLVMDisposeMessage(message);
        text
    }
}

fn c_string(name: &str) -> CString {
    CString::new(name).expect("symbols have no zero byte")
}
