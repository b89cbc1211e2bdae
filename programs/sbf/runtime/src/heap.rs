//! The heap: 32 KiB that are zero when a call begins and go when it ends. Memory is given from the top down and never
//! taken back, as Solana's own allocator does it. The word that says how much lies after the bytes that the linker may
//! use.

use core::alloc::{GlobalAlloc, Layout};

/// Where the heap begins.
const START: usize = 0x3_0000_0000;
/// Bytes that every call has. A larger heap that a transaction asks for is not used.
const BYTES: usize = 32 * 1024;
/// Bytes at the start that the linker moves std's hash seed to.
const RESERVED: usize = 64;
/// Where the heap ends, and from where on memory is given downwards.
const END: usize = START + BYTES;
/// Where the bytes given away are counted; zero when a call begins.
const GIVEN: *mut usize = (START + RESERVED) as *mut usize;
/// No memory is given below.
const FLOOR: usize = START + RESERVED + core::mem::size_of::<usize>();

/// Tells the linker that the first 64 bytes are its own. Change name and `RESERVED` together, and the linker's
/// `HEAP_RESERVED_SYMBOL`.
#[no_mangle]
pub static SBF_HEAP_RESERVED_64: u8 = 1;

struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: a program has one thread. Blocks never overlap, because each ends where the one before begins or lower, and
// none is given twice, because none comes back.
unsafe impl GlobalAlloc for Heap {
    // Every box, vector and string would have a copy of these instructions.
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the address is aligned, within the heap, and nobody else's.
        let given = unsafe { GIVEN.read() };
        // A layout's size and alignment stay below 2^63 together, so that the difference is a signed number.
        let block = END.wrapping_sub(given.wrapping_add(layout.size())) & layout.align().wrapping_neg();
        if (block as isize) < FLOOR as isize {
            return core::ptr::null_mut();
        }
        // SAFETY: as above.
        unsafe { GIVEN.write(END.wrapping_sub(block)) };
        block as *mut u8
    }

    #[inline]
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
