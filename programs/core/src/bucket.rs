//! Limits how much of a token may flow out: a bucket that refills evenly, and not a fixed window, which would let twice
//! the limit pass around its boundary.

/// What has flowed out, as it was counted last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Used then.
    pub used: u64,
    /// When that was, Unix seconds.
    pub at: u64,
}

impl Bucket {
    /// The bucket counted `now`: what has flowed back in by then is no longer used. `window` is the seconds in which an
    /// empty bucket of `capacity` fills.
    pub fn synced(self, now: u64, capacity: u64, window: u64) -> Self {
        let elapsed = u128::from(now.saturating_sub(self.at));
        let refilled = elapsed * u128::from(capacity) / u128::from(window.max(1));
        let used = u64::try_from(refilled).map_or(0, |refilled| self.used.saturating_sub(refilled));
        Self { used, at: now.max(self.at) }
    }

    /// The bucket after `amount` more has flowed out, or `None` when it does not allow that.
    pub fn consume(self, now: u64, capacity: u64, window: u64, amount: u64) -> Option<Self> {
        let synced = self.synced(now, capacity, window);
        let used = synced.used.checked_add(amount)?;
        (used <= capacity).then_some(Self { used, at: synced.at })
    }
}
