//! Signs with the secret key 1 and the signing nonce 1: worthless as a key, valid as a signature, and nothing but an
//! addition modulo the group's order.

use infrastrukt_types::{Address, B256};

type Number = [u8; 32];

const ORDER: &str = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const GENERATOR_X: &str = "0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const HALF_ORDER: &str = "0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";

fn number(hex: &str) -> Number {
    hex.parse::<B256>().expect("a constant").0
}

/// The address of secret key 1.
pub(super) fn signer() -> Address {
    "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf".parse().expect("a constant")
}

fn add(left: &Number, right: &Number) -> (Number, bool) {
    let (mut sum, mut carry) = ([0; 32], 0u16);
    for place in (0..32).rev() {
        let digit = u16::from(left[place]) + u16::from(right[place]) + carry;
        (sum[place], carry) = ((digit & 0xff) as u8, digit >> 8);
    }
    (sum, carry > 0)
}

fn subtract(left: &Number, right: &Number) -> Number {
    let (mut difference, mut borrow) = ([0; 32], false);
    for place in (0..32).rev() {
        let (digit, first) = left[place].overflowing_sub(right[place]);
        let (digit, second) = digit.overflowing_sub(u8::from(borrow));
        (difference[place], borrow) = (digit, first || second);
    }
    difference
}

fn reduce((value, carry): (Number, bool)) -> Number {
    let order = number(ORDER);
    if carry || value >= order { subtract(&value, &order) } else { value }
}

/// `r ‖ s ‖ v` with low `s`.
pub(super) fn sign(digest: B256) -> [u8; 65] {
    let x = number(GENERATOR_X);
    let s = reduce(add(&reduce((digest.0, false)), &x));
    // The generator's y is even.
    let (s, v) = if s > number(HALF_ORDER) { (subtract(&number(ORDER), &s), 28) } else { (s, 27) };
    let mut signature = [v; 65];
    signature[..32].copy_from_slice(&x);
    signature[32..64].copy_from_slice(&s);
    signature
}
