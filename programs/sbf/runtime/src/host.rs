//! Functions that std's platform layer calls (it is the one of `target_os = "zkvm"`, a machine without operating system
//! as well). A program has no files, arguments or environment; what it prints goes to the log.

extern "C" {
    fn sol_log_(message: *const u8, length: u64);
    fn abort() -> !;
}

/// Words that std seeds its hash maps with. A program is deterministic and its maps are small and its own, so that any
/// number will do.
const SEED_WORD: u32 = 0x9E37_79B9;

/// Ends the program with a failure.
#[no_mangle]
pub extern "C" fn sys_halt() -> ! {
    // SAFETY: the syscall takes nothing and does not come back.
    unsafe { abort() }
}

/// Logs the message and ends the program with a failure.
///
/// # Safety
/// The message is readable.
#[no_mangle]
pub unsafe extern "C" fn sys_panic(message: *const u8, length: usize) -> ! {
    // SAFETY: by this function's own condition; the second syscall takes nothing.
    unsafe {
        sol_log_(message, length as u64);
        abort()
    }
}

/// Logs a message.
///
/// # Safety
/// The message is readable.
#[no_mangle]
pub unsafe extern "C" fn sys_log(message: *const u8, length: usize) {
    // SAFETY: by this function's own condition.
    unsafe { sol_log_(message, length as u64) };
}

/// Logs what is written to any file; line ends alone are left out.
///
/// # Safety
/// The bytes are readable.
#[no_mangle]
pub unsafe extern "C" fn sys_write(_file: u32, bytes: *const u8, length: usize) {
    if length > 1 {
        // SAFETY: by this function's own condition.
        unsafe { sol_log_(bytes, length as u64) };
    }
}

/// Reads nothing.
#[no_mangle]
pub extern "C" fn sys_read(_file: u32, _bytes: *mut u8, _length: usize) -> usize {
    0
}

/// Fills with the seed.
///
/// # Safety
/// The words are writable.
#[no_mangle]
pub unsafe extern "C" fn sys_rand(words: *mut u32, count: usize) {
    for index in 0..count {
        // SAFETY: by this function's own condition.
        unsafe { words.add(index).write(SEED_WORD) };
    }
}

/// No variable is set.
#[no_mangle]
pub extern "C" fn sys_getenv(_words: *mut u32, _count: usize, _name: *const u8, _length: usize) -> usize {
    usize::MAX
}

/// No argument is given.
#[no_mangle]
pub extern "C" fn sys_argc() -> usize {
    0
}

/// No argument is given.
#[no_mangle]
pub extern "C" fn sys_argv(_words: *mut u32, _count: usize, _index: usize) -> usize {
    0
}

/// std's own allocator has no memory: the heap of this crate stands in its place.
#[no_mangle]
pub extern "C" fn sys_alloc_aligned(_bytes: usize, _alignment: usize) -> *mut u8 {
    core::ptr::null_mut()
}
