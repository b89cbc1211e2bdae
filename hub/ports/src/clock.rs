//! Time, so that a simulator can own it.

use async_trait::async_trait;
use infrastrukt_types::Timestamp;
use std::time::Duration;

/// A clock that may be wrong by a bounded skew; no decision of the hub reads it, only proposals and back-off do.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// Waits.
    async fn sleep(&self, duration: Duration);

    /// Seconds since the Unix epoch.
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ms() / 1000)
    }
}
