//! Jitter: what keeps relayers that failed together from trying again together.

use infrastrukt_ports::Clock;
use infrastrukt_types::keccak256;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Lane;

/// Steps of the sequence, from the golden ratio: every number comes once before one comes twice (SplitMix64).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers that differ between relayers. They are no secret, and follow from the accounts and the time of the start: a
/// relayer that is started with the same ones waits the same times.
pub(crate) struct Jitter(AtomicU64);

impl Jitter {
    pub(crate) fn new<'a>(clock: &dyn Clock, lanes: impl Iterator<Item = &'a Lane>) -> Self {
        let mut bytes = clock.now_ms().to_be_bytes().to_vec();
        lanes.for_each(|lane| bytes.extend_from_slice(lane.writer.account().as_ref()));
        let [first, second, third, fourth, fifth, sixth, seventh, eighth, ..] = keccak256(bytes).0;
        Self(AtomicU64::new(u64::from_be_bytes([first, second, third, fourth, fifth, sixth, seventh, eighth])))
    }

    fn next(&self) -> u64 {
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Exponential back-off: between half and the whole of `min · 2^failures`, capped.
    pub(crate) fn backoff_ms(&self, failures: u32, min_ms: u64, max_ms: u64) -> u64 {
        let full = min_ms.saturating_mul(1u64.checked_shl(failures.min(32)).unwrap_or(u64::MAX)).min(max_ms).max(1);
        let half = full.div_ceil(2);
        half + self.next() % (full - half).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_cap() {
        let jitter = Jitter(AtomicU64::new(7));
        for (failures, low, high) in [(0, 50, 100), (1, 100, 200), (3, 400, 800), (9, 500, 1_000), (90, 500, 1_000)] {
            let pauses: Vec<u64> = (0..50).map(|_| jitter.backoff_ms(failures, 100, 1_000)).collect();
            assert!(pauses.iter().all(|pause| (low..=high).contains(pause)), "{failures}: {pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{failures}: {pauses:?}");
        }
        assert_eq!(jitter.backoff_ms(0, 0, 0), 1);
        assert!(jitter.backoff_ms(u32::MAX, u64::MAX, u64::MAX) >= u64::MAX / 2);
    }

    #[test]
    fn the_same_start_leads_to_the_same_pauses() {
        let pauses = |start| {
            let jitter = Jitter(AtomicU64::new(start));
            (0..20).map(|_| jitter.backoff_ms(5, 100, 100_000)).collect::<Vec<_>>()
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }
}
