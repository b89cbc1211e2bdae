//! Ends connections on which nothing is asked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// What a connection is busy with.
#[derive(Default)]
pub(super) struct Activity {
    in_flight: AtomicUsize,
    changed: Notify,
}

/// A request that is being answered.
pub(super) struct InFlight(Arc<Activity>);

impl Activity {
    /// A request with all its headers is there.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
        InFlight(self.clone())
    }

    /// Waits until no request has come within `first` of the opening, or within `idle` of the last answer. Half a
    /// header is no request, however often a byte of it comes. What is being answered has a time limit of its own.
    pub(super) async fn idle(&self, first: Duration, idle: Duration) {
        let mut limit = first;
        loop {
            let quiet = tokio::time::timeout(limit, self.changed.notified()).await.is_err();
            if quiet && self.in_flight.load(Ordering::SeqCst) == 0 {
                return;
            }
            limit = idle;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(50);
    const IDLE: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn silence_ends_a_connection_and_work_does_not() {
        let activity = Arc::new(Activity::default());
        tokio::time::timeout(PATIENCE, activity.idle(FIRST, IDLE)).await.expect("nothing was ever asked");

        let request = activity.begin();
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.idle(FIRST, IDLE).await }
        });
        tokio::time::sleep(4 * IDLE).await;
        assert!(!waiting.is_finished(), "a request is being answered");
        drop(request);
        tokio::time::timeout(PATIENCE, waiting).await.expect("nothing more was asked").unwrap();
    }
}
