//! Operations that are about calls, memory and panics rather than arithmetic.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    ptr,
};

const TABLE: [u128; 4] = [11, 22, 33, 44];

/// Reads a table of four.
pub(crate) fn index(a: u128, _: u128) -> u128 {
    TABLE[a as u64 as usize]
}

/// Calls a function that has more arguments and results than there are registers.
pub(crate) fn seven_arguments(a: u128, b: u128) -> u128 {
    let (sum, product, last) = seven(a as u64, b as u64, (a >> 64) as u64, (b >> 64) as u64, 5, 6, 7);
    u128::from(sum) ^ (u128::from(product) << 32) ^ (u128::from(last) << 64)
}

#[inline(never)]
fn seven(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> (u64, u64, u64) {
    let sum = a.wrapping_add(b).wrapping_add(c).wrapping_add(d);
    (sum ^ e, sum.wrapping_mul(f), a.rotate_left(9) ^ b ^ c ^ d ^ g)
}

/// Calls a function that calls itself and has a wide result.
pub(crate) fn calls_itself(a: u128, b: u128) -> u128 {
    power(a, (b % 24) as u32)
}

fn power(base: u128, exponent: u32) -> u128 {
    match exponent {
        0 => 1,
        even if even % 2 == 0 => power(base.wrapping_mul(base), even / 2),
        odd => base.wrapping_mul(power(base, odd - 1)),
    }
}

trait Weigh {
    fn weigh(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> (u64, u64);
}

struct Adds(u64);
struct Mixes(u64);

impl Weigh for Adds {
    fn weigh(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> (u64, u64) {
        (self.0.wrapping_add(a).wrapping_add(b), c.wrapping_add(d).wrapping_add(e).wrapping_add(f))
    }
}

impl Weigh for Mixes {
    fn weigh(&self, a: u64, b: u64, c: u64, d: u64, e: u64, f: u64) -> (u64, u64) {
        (self.0 ^ a.rotate_left(7) ^ b, c.wrapping_mul(31) ^ d ^ e ^ f)
    }
}

/// Calls methods whose implementations are known at run time only.
pub(crate) fn through_a_table(a: u128, b: u128) -> u128 {
    let mut methods: Vec<Box<dyn Weigh>> = Vec::new();
    for bit in 0..4 {
        let seed = (b >> (16 * bit)) as u64;
        methods.push(if (a >> bit) & 1 == 0 { Box::new(Adds(seed)) } else { Box::new(Mixes(seed)) });
    }
    methods.iter().fold(a, |sum, method| {
        let (x, y) = method.weigh(sum as u64, b as u64, 3, 4, (sum >> 64) as u64, 6);
        u128::from(x) | (u128::from(y) << 64)
    })
}

/// Counts in a hash map, whose seed is the one static that a program may have.
pub(crate) fn hash_map(a: u128, b: u128) -> u128 {
    let mut counts = HashMap::new();
    for step in 0..16 {
        *counts.entry((a >> (7 * step)) as u8 & 3).or_insert(0_u64) += (b >> step) as u64 & 0xFF;
    }
    counts.iter().map(|(key, count)| u128::from(*count) << (16 * key)).sum()
}

/// Writes numbers as text, which goes through core's formatting.
pub(crate) fn text(a: u128, b: u128) -> u128 {
    let text = format!("{}:{:>6}:{:x}", a as u64, b as i64, b as u32);
    text.bytes().fold(0_u128, |sum, byte| sum.wrapping_mul(257).wrapping_add(u128::from(byte)))
}

/// Calls itself up to 12 times with most of a frame in use.
pub(crate) fn deep_frames(a: u128, b: u128) -> u128 {
    u128::from(frame((a % 12) as u64, b as u64))
}

#[inline(never)]
fn frame(depth: u64, seed: u64) -> u64 {
    let mut room = [0_u64; 400];
    for (place, value) in room.iter_mut().zip(seed..=u64::MAX) {
        // SAFETY: a reference is always writable. Volatile, so that the room is really there.
        unsafe { ptr::write_volatile(place, value) };
    }
    let below = if depth == 0 { 0 } else { frame(depth - 1, seed.wrapping_mul(3)) };
    // The room is read after the call below, which must not have touched it.
    room.iter().fold(below, |sum, value| sum.rotate_left(1) ^ value)
}

/// Fills, copies and moves within one room, of sizes that the compiler knows: 32 bytes beside hundreds.
pub(crate) fn copies(a: u128, b: u128) -> u128 {
    let mut room = [a as u8; 512];
    room[..256].fill(b as u8);
    for (place, byte) in room[100..].iter_mut().zip(a.to_le_bytes().into_iter().chain(b.to_le_bytes())) {
        *place = byte;
    }
    // SAFETY: the offset keeps both ends of each move within the room.
    unsafe {
        let start = room.as_mut_ptr();
        let from = core::hint::black_box(start).add((a % 64) as usize);
        ptr::copy(from, start.add(90), 200);
        ptr::copy(start.add(90), from, 32);
        ptr::copy(core::hint::black_box(start), start, 300);
    }
    let held = core::hint::black_box(Held(room, b));
    let copy = held;
    copy.0.iter().fold(copy.1, |sum, byte| sum.rotate_left(7) ^ u128::from(*byte))
}

#[derive(Clone, Copy)]
struct Held([u8; 512], u128);

/// Panics for less than ten.
pub(crate) fn panics_below_ten(a: u128, _: u128) -> u128 {
    assert!(a >= 10, "below ten");
    a
}

/// Takes `a` blocks of `b` bytes, all at once, and adds what it wrote to their ends.
pub(crate) fn memory(a: u128, b: u128) -> u128 {
    let mut blocks: Vec<Vec<u8>> = (0..a as u8).map(|_| vec![0; b as u16 as usize]).collect();
    for (mark, block) in (1_u8..).zip(&mut blocks) {
        mark_ends(block, mark);
    }
    blocks.iter().map(|block| u128::from(block[0]) + u128::from(block[block.len() - 1])).sum()
}

/// Takes all memory there is, in blocks that get smaller, and then seeds a hasher: how many bytes there were, if the
/// seed left them as they were.
pub(crate) fn seed_beside_full_heap(_: u128, b: u128) -> u128 {
    const LARGEST: usize = 16 * 1024;
    const MARK: u8 = 0xA5;
    let mut blocks = [const { Vec::<u8>::new() }; 32];
    let (mut taken, mut size) = (0, LARGEST);
    for block in &mut blocks {
        while size > 0 && block.try_reserve_exact(size).is_err() {
            size /= 2;
        }
        // SAFETY: the room is reserved. `resize` would write byte by byte where code is to be small.
        unsafe {
            ptr::write_bytes(block.as_mut_ptr(), 0, size);
            block.set_len(size);
        }
        mark_ends(block, MARK);
        taken += size;
    }
    // The hash is used so that the seed is really made.
    let hash = RandomState::new().hash_one(b as u64);
    let kept = blocks.iter().filter(|block| !block.is_empty()).all(|block| has_ends(block, MARK));
    if kept && size == 0 { taken as u128 + u128::from(hash == 0) } else { 0 }
}

/// Volatile, so that the block is really there.
fn mark_ends(block: &mut [u8], mark: u8) {
    for end in [0, block.len().wrapping_sub(1)] {
        if let Some(byte) = block.get_mut(end) {
            // SAFETY: a reference is always writable.
            unsafe { ptr::write_volatile(byte, mark) };
        }
    }
}

fn has_ends(block: &[u8], mark: u8) -> bool {
    // SAFETY: a reference is always readable.
    [0, block.len() - 1].into_iter().all(|end| unsafe { ptr::read_volatile(&block[end]) } == mark)
}
