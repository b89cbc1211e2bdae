//! When the next block is made and which time it carries.

use infrastrukt_types::Timestamp;

/// Block times in the hub's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds between blocks while entries wait.
    pub block_interval_ms: u64,
    /// Milliseconds between blocks while nothing waits, so that hub time advances and deadlines fire.
    pub heartbeat_ms: u64,
    /// Most seconds that hub time may be ahead of the clock. It never decreases, so a clock that was set back makes
    /// blocks wait only where it was set back by more than this.
    pub lead_max_s: u64,
}

impl Pace {
    /// The time of the next block after one of time `last`, or `None` where it is too early for one. Blocks may share a
    /// second: their heights say which is first.
    pub fn next_time(&self, last: Timestamp, now: Timestamp, waiting: bool) -> Option<Timestamp> {
        if now > last {
            return Some(now);
        }
        // A heartbeat is there to let time advance, and makes no second block of the same time.
        (waiting && last.0.saturating_sub(now.0) <= self.lead_max_s).then_some(last)
    }

    /// Milliseconds to wait after a block before the next one may be made.
    pub const fn interval_ms(&self, waiting: bool) -> u64 {
        if waiting { self.block_interval_ms } else { self.heartbeat_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { block_interval_ms: 200, heartbeat_ms: 1_000, lead_max_s: 3 };

    fn check(last: u64, now: u64, waiting: bool, expected: Option<u64>) {
        assert_eq!(PACE.next_time(Timestamp(last), Timestamp(now), waiting), expected.map(Timestamp));
    }

    #[test]
    fn time_follows_the_clock_and_blocks_share_a_second_under_load() {
        check(10, 15, false, Some(15));
        check(10, 15, true, Some(15));
        check(10, 10, true, Some(10));
        check(10, 10, false, None);
    }

    #[test]
    fn a_clock_set_back_stops_time_and_then_blocks_but_time_never_goes_back() {
        check(12, 10, true, Some(12));
        check(13, 10, true, Some(13));
        check(14, 10, true, None);
        check(12, 10, false, None);
        check(1_000, 10, true, None);
        check(1_000, 10, false, None);
    }
}
