//! The program.

use crate::{DATA_BYTES, OPERATIONS};
use infrastrukt_sbf_runtime as _;
use solana_compiler_builtins as _;

unsafe extern "C" {
    fn sol_set_return_data(data: *const u8, length: u64);
}

const SUCCESS: u64 = 0;
const ACCOUNTS_GIVEN: u64 = 1;
const DATA_TOO_SHORT: u64 = 2;
const UNKNOWN_OPERATION: u64 = 3;

/// Called by the virtual machine.
///
/// # Safety
/// `input` is what Solana gives: the number of accounts, of which there must be none, then length and bytes of the
/// instruction data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrypoint(input: *const u8) -> u64 {
    // SAFETY: Solana writes both numbers in any case, the second one here since there are no accounts between.
    let (accounts, length) =
        unsafe { (input.cast::<u64>().read_unaligned(), input.add(8).cast::<u64>().read_unaligned()) };
    if accounts != 0 {
        return ACCOUNTS_GIVEN;
    }
    // SAFETY: so many bytes follow.
    let data = unsafe { core::slice::from_raw_parts(input.add(16), length as usize) };
    let Some(data) = data.first_chunk::<DATA_BYTES>() else { return DATA_TOO_SHORT };
    let Some(operation) = OPERATIONS.get(usize::from(data[0])) else { return UNKNOWN_OPERATION };
    let number = |from: usize| {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&data[from..from + 16]);
        u128::from_le_bytes(bytes)
    };
    let result = (operation.compute)(number(1), number(17)).to_le_bytes();
    // SAFETY: the bytes are readable.
    unsafe { sol_set_return_data(result.as_ptr(), result.len() as u64) };
    SUCCESS
}
