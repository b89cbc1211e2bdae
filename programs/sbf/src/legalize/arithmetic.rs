//! Wide operations (multiplication, division, remainder and shifts by a variable number of bits, beyond 64 bits) and
//! signed division and remainder become calls of helpers. Wide addition, comparison, logic and fixed shifts are left:
//! the back end has instructions for their halves.

use crate::ir::{Module, Value};
use bpf_linker::llvm_sys::LLVMOpcode;

/// What stands for an operation.
struct Helper {
    name: &'static str,
    /// Bits that it computes in; narrower operations are widened.
    bits: u32,
    /// Whether widening keeps the sign.
    signed: bool,
}

const WORD_BITS: u32 = 64;
const WIDE_BITS: u32 = 128;

/// Calls helpers instead of operations, in every function.
pub(super) fn replace(module: &Module) {
    for function in module.functions() {
        for instruction in function.instructions() {
            if let Some(bits) = instruction.ty().integer_bits()
                && let Some(helper) = helper(instruction, bits)
            {
                call(module, instruction, bits, &helper);
            }
        }
    }
}

fn helper(instruction: Value<'_>, bits: u32) -> Option<Helper> {
    let wide = bits > WORD_BITS && bits <= WIDE_BITS;
    let word = bits <= WORD_BITS;
    let shifts_variably = || !instruction.operand(1).is_constant_integer();
    let unsigned = |name| Some(Helper { name, bits: WIDE_BITS, signed: false });
    let signed = |name, bits| Some(Helper { name, bits, signed: true });
    match instruction.opcode() {
        LLVMOpcode::LLVMMul if wide => unsigned("__sbf_mul_i128"),
        LLVMOpcode::LLVMUDiv if wide => unsigned("__sbf_udiv_i128"),
        LLVMOpcode::LLVMURem if wide => unsigned("__sbf_urem_i128"),
        LLVMOpcode::LLVMSDiv if wide => signed("__sbf_sdiv_i128", WIDE_BITS),
        LLVMOpcode::LLVMSRem if wide => signed("__sbf_srem_i128", WIDE_BITS),
        LLVMOpcode::LLVMShl if wide && shifts_variably() => unsigned("__sbf_shl_i128"),
        LLVMOpcode::LLVMLShr if wide && shifts_variably() => unsigned("__sbf_lshr_i128"),
        LLVMOpcode::LLVMAShr if wide && shifts_variably() => signed("__sbf_ashr_i128", WIDE_BITS),
        LLVMOpcode::LLVMSDiv if word => signed("__sbf_sdiv_i64", WORD_BITS),
        LLVMOpcode::LLVMSRem if word => signed("__sbf_srem_i64", WORD_BITS),
        _ => None,
    }
}

fn call(module: &Module, instruction: Value<'_>, bits: u32, helper: &Helper) {
    let function = module.function(helper.name).expect("every helper is linked before");
    let builder = module.before(instruction);
    let fit = |value| if bits == helper.bits { value } else { builder.widen(value, helper.bits, helper.signed) };
    let arguments = [fit(instruction.operand(0)), fit(instruction.operand(1))];
    let full = builder.call(function.value_type(), function, &arguments);
    let result = if bits == helper.bits { full } else { builder.narrow(full, instruction.ty()) };
    instruction.replace_with(result);
    instruction.erase();
}
