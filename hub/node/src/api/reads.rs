//! Work of calls on threads that may block, a few at a time: the same threads execute blocks, and those must never wait
//! behind callers.

use jsonrpsee::core::RpcResult;
use std::sync::Arc;
use tokio::sync::Semaphore;

use super::methods::internal;
use crate::blocking::blocking;

/// Pieces of work at a time; other calls wait for their turn, up to their time limit.
const READS_MAX: usize = 8;

/// The bound, shared by all connections.
#[derive(Clone)]
pub(crate) struct Reads(Arc<Semaphore>);

impl Reads {
    /// Nothing runs yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(READS_MAX)))
    }

    /// Runs `work` once it is its turn. The turn lasts until the work ends, also where nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> RpcResult<T> {
        let turn = self.0.clone().acquire_owned().await.map_err(internal)?;
        let counted = move || {
            let _turn = turn;
            work()
        };
        blocking(counted).await.map_err(internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    #[tokio::test(flavor = "multi_thread")]
    async fn abandoned_work_still_counts() {
        let (reads, running, most) = (Reads::new(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut calls = Vec::new();
        for _ in 0..50 {
            let (reads, running, most) = (reads.clone(), running.clone(), most.clone());
            calls.push(tokio::spawn(async move {
                let work = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(20));
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                // Half of the callers go away while their work runs.
                let _ = tokio::time::timeout(Duration::from_millis(10), reads.run(work)).await;
            }));
        }
        for call in calls {
            call.await.unwrap();
        }
        reads.run(|| ()).await.unwrap();
        assert!(most.load(Ordering::SeqCst) <= READS_MAX);
    }
}
