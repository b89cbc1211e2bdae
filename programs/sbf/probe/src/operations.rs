//! The operations. Every one takes two numbers of 128 bits and gives one, or panics: where an operation overflows,
//! where it divides by zero, where an index is beyond its array.

use crate::shapes;

/// An operation and its name in the tests' messages.
pub struct Operation {
    /// What it is called.
    pub name: &'static str,
    /// What it computes.
    pub compute: fn(u128, u128) -> u128,
}

/// What a checked operation gives when the result does not fit.
const NONE: u128 = 0xDEAD_BEEF;

const fn operation(name: &'static str, compute: fn(u128, u128) -> u128) -> Operation {
    Operation { name, compute }
}

const fn low(number: u128) -> u64 {
    number as u64
}

const fn signed_low(number: u128) -> i64 {
    number as i64
}

/// All of them. The program is told the index.
pub const OPERATIONS: &[Operation] = &[
    operation("u128 wrapping *", |a, b| a.wrapping_mul(b)),
    operation("u128 *", |a, b| a * b),
    operation("u128 checked *", |a, b| a.checked_mul(b).unwrap_or(NONE)),
    operation("u128 /", |a, b| a / b),
    operation("u128 %", |a, b| a % b),
    operation("u128 +", |a, b| a + b),
    operation("u128 -", |a, b| a - b),
    operation("u128 <<", |a, b| a << (b & 127)),
    operation("u128 >>", |a, b| a >> (b & 127)),
    operation("u128 << 65", |a, _| a << 65),
    operation("u128 leading zeros", |a, b| u128::from(a.leading_zeros()) * 1000 + u128::from(b.trailing_zeros())),
    operation("u128 saturating *", |a, b| a.saturating_mul(b)),
    operation("i128 *", |a, b| (a as i128 * b as i128) as u128),
    operation("i128 checked *", |a, b| (a as i128).checked_mul(b as i128).map_or(NONE, |product| product as u128)),
    operation("i128 /", |a, b| (a as i128 / b as i128) as u128),
    operation("i128 %", |a, b| (a as i128 % b as i128) as u128),
    operation("i128 >>", |a, b| (a as i128 >> (b & 127)) as u128),
    operation("i128 <", |a, b| u128::from((a as i128) < (b as i128))),
    operation("i128 negated", |a, _| (-(a as i128)) as u128),
    operation("u64 *", |a, b| u128::from(low(a) * low(b))),
    operation("u64 checked *", |a, b| low(a).checked_mul(low(b)).map_or(NONE, u128::from)),
    operation("u64 saturating *", |a, b| u128::from(low(a).saturating_mul(low(b)))),
    operation("u64 full product", |a, b| u128::from(low(a)) * u128::from(low(b))),
    operation("u64 share of 10000", |a, b| u128::from(low(a)) * u128::from(low(b)) / 10_000),
    operation("u64 +", |a, b| u128::from(low(a) + low(b))),
    operation("u64 -", |a, b| u128::from(low(a) - low(b))),
    operation("u64 /", |a, b| u128::from(low(a) / low(b))),
    operation("u64 %", |a, b| u128::from(low(a) % low(b))),
    operation("i64 *", |a, b| (signed_low(a) * signed_low(b)) as u128),
    operation("i64 checked *", |a, b| signed_low(a).checked_mul(signed_low(b)).map_or(NONE, |product| product as u128)),
    operation("i64 /", |a, b| (signed_low(a) / signed_low(b)) as u128),
    operation("i64 %", |a, b| (signed_low(a) % signed_low(b)) as u128),
    operation("i64 >>", |a, b| (signed_low(a) >> (b & 63)) as u128),
    operation("u32 *", |a, b| u128::from(a as u32 * b as u32)),
    operation("i32 *", |a, b| (a as i32 * b as i32) as u128),
    operation("i32 /", |a, b| (a as i32 / b as i32) as u128),
    operation("i32 %", |a, b| (a as i32 % b as i32) as u128),
    operation("i16 /", |a, b| (a as i16 / b as i16) as u128),
    operation("u16 *", |a, b| u128::from(a as u16 * b as u16)),
    operation("i8 /", |a, b| (a as i8 / b as i8) as u128),
    operation("i8 %", |a, b| (a as i8 % b as i8) as u128),
    operation("u8 +", |a, b| u128::from(a as u8 + b as u8)),
    operation("an index", shapes::index),
    operation("seven arguments, three results", shapes::seven_arguments),
    operation("a call of itself with a wide result", shapes::calls_itself),
    operation("calls through a table of methods", shapes::through_a_table),
    operation("a hash map", shapes::hash_map),
    operation("numbers as text", shapes::text),
    operation("frames of 3.2 kB", shapes::deep_frames),
    operation("copies and fills", shapes::copies),
    operation("a panic", shapes::panics_below_ten),
    operation("memory", shapes::memory),
    operation("a hash seed beside a full heap", shapes::seed_beside_full_heap),
];
