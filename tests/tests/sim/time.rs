//! Time that passes only while everyone waits for it.
//!
//! The runtime calls [`Timeline::pass`] when no task can go on. Time then jumps to the earliest moment that somebody
//! waits for, and all who wait for it go on, in the order in which they began to wait.

use async_trait::async_trait;
use infrastrukt_ports::Clock;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::party::Life;

/// The time of one run, in Unix milliseconds.
pub(crate) struct Timeline(Mutex<Inner>);

struct Inner {
    now_ms: u64,
    sleepers: u64,
    /// Whoever waits, by the moment and then by who began to wait first.
    waiting: BTreeMap<(u64, u64), Waker>,
}

/// Waits for a moment.
pub(crate) struct Sleep {
    time: Arc<Timeline>,
    at_ms: u64,
    place: Option<u64>,
}

impl Timeline {
    pub(crate) fn new(start_ms: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner { now_ms: start_ms, sleepers: 0, waiting: BTreeMap::new() })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.inner().now_ms
    }

    /// Jumps to the next moment that somebody waits for.
    pub(crate) fn pass(&self) {
        let due = {
            let mut inner = self.inner();
            let Some(((at_ms, _), _)) = inner.waiting.first_key_value() else { return };
            let at_ms = *at_ms;
            inner.now_ms = inner.now_ms.max(at_ms);
            let later = inner.waiting.split_off(&(at_ms.saturating_add(1), 0));
            std::mem::replace(&mut inner.waiting, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    pub(crate) fn sleep_until(self: &Arc<Self>, at_ms: u64) -> Sleep {
        Sleep { time: self.clone(), at_ms, place: None }
    }

    pub(crate) fn sleep_ms(self: &Arc<Self>, duration_ms: u64) -> Sleep {
        self.sleep_until(self.now_ms().saturating_add(duration_ms))
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut inner = this.time.inner();
        if inner.now_ms >= this.at_ms {
            if let Some(place) = this.place.take() {
                inner.waiting.remove(&(this.at_ms, place));
            }
            return Poll::Ready(());
        }
        let place = *this.place.get_or_insert_with(|| {
            inner.sleepers += 1;
            inner.sleepers
        });
        inner.waiting.insert((this.at_ms, place), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.time.inner().waiting.remove(&(self.at_ms, place));
        }
    }
}

/// How wrong a party's clock is, in milliseconds. It outlives the party's crashes.
#[derive(Clone, Default)]
pub(crate) struct Skew(Arc<AtomicI64>);

impl Skew {
    pub(crate) fn set(&self, skew_ms: i64) {
        self.0.store(skew_ms, Ordering::Relaxed);
    }

    fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A party's clock. It never wakes a party whose life is over.
pub(crate) struct PartyClock {
    pub(crate) time: Arc<Timeline>,
    pub(crate) life: Life,
    pub(crate) skew: Skew,
}

#[async_trait]
impl Clock for PartyClock {
    fn now_ms(&self) -> u64 {
        self.time.now_ms().saturating_add_signed(self.skew.get())
    }

    async fn sleep(&self, duration: Duration) {
        self.time.sleep_ms(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).await;
        self.life.go_on().await;
    }
}
