//! The machine's clock.

use async_trait::async_trait;
use infrastrukt_ports::Clock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Wall-clock time and tokio's timer. Only back-off, pacing and ages read it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
