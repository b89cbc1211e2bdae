//! Token buckets, one for each caller.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::quota::Caller;

/// Most callers remembered. Past it, full buckets are forgotten, and where none is full new callers wait.
pub const CALLERS_MAX: usize = 50_000;

/// Parts of a token: at one token a minute, a millisecond gives one part.
const PARTS: u64 = 60_000;

/// How often a caller may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens a minute in the long run.
    pub per_minute: u32,
    /// Tokens at once after a silence.
    pub burst: u32,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Tokens, in parts.
    parts: u64,
    filled_at_ms: u64,
}

/// Why a caller has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooFast {
    /// Enough tokens come in time.
    #[error("too much from this address: wait {wait_ms} ms")]
    Wait {
        /// Milliseconds until then.
        wait_ms: u64,
    },
    /// More than a full bucket holds.
    #[error("{cost} tokens at once are more than the {burst} of a full bucket: split the batch")]
    Never {
        /// Tokens asked for.
        cost: u32,
        /// Most there can be.
        burst: u32,
    },
}

/// Buckets of all callers.
pub struct RateLimiter {
    rate: Rate,
    buckets: Mutex<HashMap<Caller, Bucket>>,
}

impl RateLimiter {
    /// No caller known yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes `cost` tokens from a caller's bucket.
    pub(crate) fn take(&self, caller: Caller, cost: u32, now_ms: u64) -> Result<(), TooFast> {
        let burst = self.rate.burst;
        if cost > burst {
            return Err(TooFast::Never { cost, burst });
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS_MAX && !buckets.contains_key(&caller) {
            buckets.retain(|_, bucket| self.refilled(bucket, now_ms) < self.full());
            if buckets.len() >= CALLERS_MAX {
                return Err(TooFast::Wait { wait_ms: 1_000 });
            }
        }
        let bucket = buckets.entry(caller).or_insert(Bucket { parts: self.full(), filled_at_ms: now_ms });
        bucket.parts = self.refilled(bucket, now_ms);
        bucket.filled_at_ms = bucket.filled_at_ms.max(now_ms);
        let cost = u64::from(cost) * PARTS;
        match bucket.parts.checked_sub(cost) {
            Some(left) => {
                bucket.parts = left;
                Ok(())
            }
            None => {
                let wait_ms = (cost - bucket.parts).div_ceil(u64::from(self.rate.per_minute).max(1));
                Err(TooFast::Wait { wait_ms })
            }
        }
    }

    fn full(&self) -> u64 {
        u64::from(self.rate.burst) * PARTS
    }

    fn refilled(&self, bucket: &Bucket, now_ms: u64) -> u64 {
        let elapsed_ms = now_ms.saturating_sub(bucket.filled_at_ms);
        let gained = elapsed_ms.saturating_mul(u64::from(self.rate.per_minute));
        bucket.parts.saturating_add(gained).min(self.full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    const RATE: Rate = Rate { per_minute: 600, burst: 3 };

    fn ip(last: u8) -> Caller {
        Caller::of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
    }

    #[test]
    fn a_burst_then_the_rate() {
        let limiter = RateLimiter::new(RATE);
        for _ in 0..3 {
            assert_eq!(limiter.take(ip(1), 1, 0), Ok(()));
        }
        assert_eq!(limiter.take(ip(1), 1, 0), Err(TooFast::Wait { wait_ms: 100 }));
        assert_eq!(limiter.take(ip(1), 1, 99), Err(TooFast::Wait { wait_ms: 1 }));
        assert_eq!(limiter.take(ip(1), 1, 100), Ok(()));
        assert_eq!(limiter.take(ip(2), 3, 100), Ok(()));
        assert!(limiter.take(ip(2), 1, 100).is_err());
    }

    #[test]
    fn a_slow_rate_loses_nothing_to_frequent_calls() {
        let limiter = RateLimiter::new(Rate { per_minute: 1, burst: 1 });
        assert_eq!(limiter.take(ip(1), 1, 0), Ok(()));
        for now_ms in 1..60_000 {
            assert!(limiter.take(ip(1), 1, now_ms).is_err(), "at {now_ms} ms");
        }
        assert_eq!(limiter.take(ip(1), 1, 60_000), Ok(()));
    }

    #[test]
    fn a_batch_pays_for_each_call() {
        let limiter = RateLimiter::new(RATE);
        assert_eq!(limiter.take(ip(1), 4, 0), Err(TooFast::Never { cost: 4, burst: 3 }));
        assert_eq!(limiter.take(ip(1), 3, 0), Ok(()));
    }

    #[test]
    fn one_network_of_ipv6_has_one_bucket() {
        let limiter = RateLimiter::new(RATE);
        let address = |text: &str| Caller::of(text.parse().unwrap());
        assert_eq!(limiter.take(address("2001:db8::1"), 3, 0), Ok(()));
        assert!(limiter.take(address("2001:db8::2"), 1, 0).is_err());
        assert_eq!(limiter.take(address("2001:db8:0:1::1"), 1, 0), Ok(()));
    }

    #[test]
    fn memory_stays_bounded() {
        let limiter = RateLimiter::new(RATE);
        for index in 0..=CALLERS_MAX as u32 {
            let _ = limiter.take(Caller::of(IpAddr::V4(Ipv4Addr::from_bits(index))), 1, u64::from(index));
        }
        assert!(limiter.buckets.lock().unwrap().len() <= CALLERS_MAX);
    }
}
