//! Time that moves only when it is told to.

use async_trait::async_trait;
use infrastrukt_ports::Clock;
use infrastrukt_types::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// A clock owned by whoever runs the simulation. Clones share the time; each may have its own skew.
#[derive(Clone, Debug)]
pub struct SimClock {
    now_ms: Arc<watch::Sender<u64>>,
    skew_ms: i64,
}

impl SimClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { now_ms: Arc::new(watch::Sender::new(start.0.saturating_mul(1000))), skew_ms: 0 }
    }

    /// The same time as somebody sees it whose clock is wrong by `skew_ms`.
    #[must_use]
    pub fn skewed(&self, skew_ms: i64) -> Self {
        Self { now_ms: Arc::clone(&self.now_ms), skew_ms }
    }

    /// Lets time pass and wakes everyone who waited for less.
    pub fn advance(&self, duration: Duration) {
        let step_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.now_ms.send_modify(|now_ms| *now_ms = now_ms.saturating_add(step_ms));
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.borrow().saturating_add_signed(self.skew_ms)
    }

    async fn sleep(&self, duration: Duration) {
        let mut time = self.now_ms.subscribe();
        let step_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let until_ms = time.borrow().saturating_add(step_ms);
        // The sender lives as long as `self`, so that waiting cannot fail; an ended clock would end the sleep.
        let _ = time.wait_for(|now_ms| *now_ms >= until_ms).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_their_time_has_come() {
        let clock = SimClock::new(Timestamp(100));
        let sleeper = clock.skewed(-5000);
        assert_eq!((clock.now(), sleeper.now()), (Timestamp(100), Timestamp(95)));
        let task = tokio::spawn(async move { sleeper.sleep(Duration::from_secs(10)).await });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
        clock.advance(Duration::from_secs(1));
        task.await.expect("the sleeper wakes");
        assert_eq!(clock.now(), Timestamp(110));
    }
}
