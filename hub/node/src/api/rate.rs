//! Token buckets, one for each caller's address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

/// Most addresses remembered. Past it, full buckets are forgotten, and where none is full new callers wait.
pub const CALLERS_MAX: usize = 50_000;

/// How many calls a caller may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls a second in the long run.
    pub per_second: u32,
    /// Calls at once after a silence.
    pub burst: u32,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of a call.
    tokens_milli: u64,
    filled_at_ms: u64,
}

/// Buckets of all callers.
pub struct RateLimiter {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

/// One subscriber of IPv6 commands at least a /64, so a single address there says nothing.
fn caller(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
    }
}

impl RateLimiter {
    /// No caller known yet.
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes `calls` tokens, or says how many milliseconds to wait for them.
    pub fn take(&self, ip: IpAddr, calls: u32, now_ms: u64) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = caller(ip);
        if buckets.len() >= CALLERS_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| self.refilled(bucket, now_ms) < self.full());
            if buckets.len() >= CALLERS_MAX {
                return Err(1_000);
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens_milli: self.full(), filled_at_ms: now_ms });
        bucket.tokens_milli = self.refilled(bucket, now_ms);
        bucket.filled_at_ms = bucket.filled_at_ms.max(now_ms);
        let cost = u64::from(calls) * 1_000;
        match bucket.tokens_milli.checked_sub(cost) {
            Some(left) => {
                bucket.tokens_milli = left;
                Ok(())
            }
            None => Err((cost - bucket.tokens_milli).div_ceil(u64::from(self.rate.per_second).max(1))),
        }
    }

    fn full(&self) -> u64 {
        u64::from(self.rate.burst) * 1_000
    }

    /// A call a second is a thousandth of a call a millisecond.
    fn refilled(&self, bucket: &Bucket, now_ms: u64) -> u64 {
        let elapsed_ms = now_ms.saturating_sub(bucket.filled_at_ms);
        let gained = elapsed_ms.saturating_mul(u64::from(self.rate.per_second));
        bucket.tokens_milli.saturating_add(gained).min(self.full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    fn ip(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    #[test]
    fn a_burst_then_the_rate() {
        let limiter = RateLimiter::new(RATE);
        for _ in 0..3 {
            assert_eq!(limiter.take(ip(1), 1, 0), Ok(()));
        }
        assert_eq!(limiter.take(ip(1), 1, 0), Err(100));
        assert_eq!(limiter.take(ip(1), 1, 99), Err(1));
        assert_eq!(limiter.take(ip(1), 1, 100), Ok(()));
        assert_eq!(limiter.take(ip(2), 3, 100), Ok(()));
        assert!(limiter.take(ip(2), 1, 100).is_err());
    }

    #[test]
    fn a_batch_pays_for_each_call() {
        let limiter = RateLimiter::new(RATE);
        assert!(limiter.take(ip(1), 4, 0).is_err());
        assert_eq!(limiter.take(ip(1), 3, 0), Ok(()));
    }

    #[test]
    fn one_network_of_ipv6_is_one_caller() {
        let limiter = RateLimiter::new(RATE);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(limiter.take(address("2001:db8::1"), 3, 0), Ok(()));
        assert!(limiter.take(address("2001:db8::2"), 1, 0).is_err());
        assert_eq!(limiter.take(address("2001:db8:0:1::1"), 1, 0), Ok(()));
        assert_eq!(limiter.take(address("::ffff:192.0.2.9"), 3, 0), Ok(()));
        assert!(limiter.take(ip(9), 1, 0).is_err());
    }

    #[test]
    fn memory_stays_bounded() {
        let limiter = RateLimiter::new(RATE);
        for index in 0..=CALLERS_MAX as u32 {
            let _ = limiter.take(IpAddr::V4(Ipv4Addr::from_bits(index)), 1, u64::from(index));
        }
        assert!(limiter.buckets.lock().unwrap().len() <= CALLERS_MAX);
    }
}
