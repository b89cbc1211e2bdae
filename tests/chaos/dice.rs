//! A seeded source of chance: the same seed makes the same choices, on every machine and in every version.

use std::{ops::Range, time::Duration};

use alloy::primitives::B256;

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number of the range, which must not be empty. That some come out a little more often is of no matter here.
    pub(crate) fn number(&mut self, range: Range<u64>) -> u64 {
        range.start + self.draw() % (range.end - range.start)
    }

    /// A place in a list of so many.
    pub(crate) fn place(&mut self, count: usize) -> usize {
        usize::try_from(self.draw() % count as u64).expect("it is below a usize")
    }

    /// A time between two numbers of milliseconds.
    pub(crate) fn pause(&mut self, range_ms: Range<u64>) -> Duration {
        Duration::from_millis(self.number(range_ms))
    }

    /// 32 bytes.
    pub(crate) fn word(&mut self) -> B256 {
        let mut bytes = [0; 32];
        for part in bytes.as_chunks_mut().0 {
            *part = self.draw().to_be_bytes();
        }
        B256::from(bytes)
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.place(last + 1));
        }
    }
}
