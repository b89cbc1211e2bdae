//! One at a time for each block.

use infrastrukt_types::ChainId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::OwnedMutexGuard;

type Block = (ChainId, u64);
type Queues = HashMap<Block, Arc<tokio::sync::Mutex<()>>>;

/// Blocks that somebody is busy with or waits for. Others take no memory.
#[derive(Default)]
pub(super) struct Turns {
    queues: Mutex<Queues>,
}

/// The right to work on a block; dropping it lets the next one in.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    block: Block,
    /// `None` only while it is being dropped.
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for everyone who came before with the same block.
    pub(super) async fn take(&self, block: Block) -> Turn<'_> {
        let queue = self.queues().entry(block).or_default().clone();
        Turn { turns: self, block, held: Some(queue.lock_owned().await) }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        drop(self.held.take());
        // Whoever waits holds a second handle, taken under the same lock.
        if queues.get(&self.block).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_block_has_one_worker_and_leaves_nothing_behind() {
        let (turns, busy) = (Turns::default(), AtomicUsize::new(0));
        let work = |_| async {
            let _turn = turns.take((ChainId(1), 7)).await;
            assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0, "two at once");
            tokio::task::yield_now().await;
            busy.fetch_sub(1, Ordering::SeqCst);
        };
        let other = turns.take((ChainId(1), 8)).await;
        join_all((0..50).map(work)).await;
        drop(other);
        assert!(turns.queues().is_empty());
    }
}
