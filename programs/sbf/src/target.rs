//! What Solana's virtual machine is, as far as a linker must know: version 0 of its bytecode, which every cluster runs.

use sbpf_linker::SbpfArch;

/// Version of the bytecode.
pub const ARCH: SbpfArch = SbpfArch::V0;
/// The one function that the loader calls. Everything that it does not call is left out.
pub const ENTRYPOINT: &str = "entrypoint";
/// Bytes of stack that one call has. LLVM refuses a function that needs more.
pub const FRAME_BYTES: i32 = 4096;
/// Argument registers of a call.
pub const ARGUMENT_SLOTS: u64 = 5;
/// Registers that a call returns.
pub const RETURN_SLOTS: u64 = 1;
/// Where a program's heap begins. It is zero when an invocation begins.
pub const HEAP_START: u64 = 0x3_0000_0000;
/// Bytes at the start of the heap that the allocator of `infrastrukt-sbf-runtime` leaves alone.
pub const HEAP_RESERVED_BYTES: u64 = 64;
/// Symbol by which that allocator says so. Its name carries the number of bytes.
pub const HEAP_RESERVED_SYMBOL: &std::ffi::CStr = c"SBF_HEAP_RESERVED_64";

/// Arguments for LLVM: the stack of one call, and no instructions that version 0 lacks (loads and moves that extend the
/// sign, which BPF has from `v4` on).
pub fn llvm_args() -> Vec<std::ffi::CString> {
    let frame = format!("--bpf-stack-size={FRAME_BYTES}");
    [frame.as_str(), "--disable-movsx", "--disable-ldsx"]
        .into_iter()
        .map(|arg| std::ffi::CString::new(arg).expect("arguments of ours have no zero byte"))
        .collect()
}
