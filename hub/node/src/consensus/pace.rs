//! When the next block is made and which time it carries.

use infrastrukt_types::Timestamp;

/// Block times in the hub's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Milliseconds between blocks while entries wait.
    pub block_interval_ms: u64,
    /// Milliseconds between blocks while nothing waits, so that hub time advances and deadlines fire.
    pub heartbeat_ms: u64,
    /// Most seconds that hub time may run ahead of the clock. Time has whole seconds and increases strictly, so blocks
    /// closer than a second apart borrow from the future, and idle seconds pay it back.
    pub lead_max_s: u64,
}

impl Pace {
    /// The time of the next block after one of time `last`, or `None` where it is too early for one.
    pub fn next_time(&self, last: Timestamp, now: Timestamp, waiting: bool) -> Option<Timestamp> {
        if now > last {
            return Some(now);
        }
        let next = last.plus(1);
        let lead = next.0.saturating_sub(now.0);
        // A heartbeat never borrows: idle time is when the debt is paid.
        (waiting && lead <= self.lead_max_s).then_some(next)
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
    fn time_follows_the_clock_and_borrows_within_the_lead() {
        check(10, 15, false, Some(15));
        check(10, 15, true, Some(15));
        check(10, 10, true, Some(11));
        check(12, 10, true, Some(13));
        check(13, 10, true, None);
        check(10, 10, false, None);
    }

    #[test]
    fn a_clock_set_back_stops_blocks_instead_of_time_going_back() {
        check(1_000, 10, true, None);
        check(1_000, 10, false, None);
    }
}
