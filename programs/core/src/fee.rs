//! The price of a message.

/// What one byte of payload costs on the target, in gas: EIP-7623's floor.
pub const GAS_PER_PAYLOAD_BYTE: u64 = 40;

const MICRO: u128 = 1_000_000;

/// base + ⌈(gas limit + 40·payload bytes) · price / 10⁶⌉ in the source's smallest unit; `None` beyond 64 bits.
pub fn fee_up(base: u64, per_gas_micro: u64, gas_limit: u64, payload_bytes: u64) -> Option<u64> {
    let gas = u128::from(gas_limit) + u128::from(payload_bytes.checked_mul(GAS_PER_PAYLOAD_BYTE)?);
    let variable = gas.checked_mul(u128::from(per_gas_micro))?.div_ceil(MICRO);
    u64::try_from(variable).ok()?.checked_add(base)
}
