//! The leader: puts what waits into a block, makes the block durable, and only then calls it decided.

use async_trait::async_trait;
use infrastrukt_ports::{Clock, Consensus, PortError, StoreError};
use infrastrukt_store::ConsensusLog;
use infrastrukt_types::{B256, Block, Height, HubTx, Timestamp};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{Mempool, MempoolError, Pace};
use crate::blocking::blocking;

/// How long to leave storage alone after it failed.
const STORAGE_PAUSE: Duration = Duration::from_secs(1);
/// How long one who offers an entry waits when the mempool is full.
const FULL_PAUSE: Duration = Duration::from_millis(500);
/// The part of a block interval that the first entry after a silence waits for others.
const GATHER: u32 = 4;
/// How long to wait where hub time may not advance yet.
const TIME_PAUSE: Duration = Duration::from_millis(50);

/// The leader cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LeaderError {
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The end of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    height: Height,
    time: Timestamp,
    hash: B256,
}

impl Head {
    fn of(block: &Block) -> Self {
        Self { height: block.height, time: block.time, hash: block.hash() }
    }
}

/// Orders entries in this process. A block is decided once it is in the synced log; a restart goes on from there.
pub struct InProcessLeader {
    log: Arc<ConsensusLog>,
    clock: Arc<dyn Clock>,
    pace: Pace,
    mempool: Mutex<Mempool>,
    arrived: Notify,
    head: watch::Sender<Head>,
}

impl InProcessLeader {
    /// Opens the log where it ended.
    pub fn open(log: Arc<ConsensusLog>, clock: Arc<dyn Clock>, pace: Pace) -> Result<Arc<Self>, LeaderError> {
        let head = log.last()?.as_ref().map(Head::of).unwrap_or_default();
        let (head, _) = watch::channel(head);
        Ok(Arc::new(Self { log, clock, pace, mempool: Mutex::default(), arrived: Notify::new(), head }))
    }

    /// Makes blocks until cancelled.
    pub async fn run(self: Arc<Self>, cancel: CancellationToken) {
        let mut silence = false;
        while !cancel.is_cancelled() {
            silence = tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                silence = self.pause(silence) => silence,
            };
            // Not cancelled half way: a block that is being written is also announced.
            if let Err(error) = self.step().await {
                tracing::error!(%error, "the log cannot be written, no block is made");
                self.clock.sleep(STORAGE_PAUSE).await;
            }
        }
    }

    /// Entries waiting to be ordered.
    pub fn pending(&self) -> usize {
        self.mempool().len()
    }

    /// Height of the last decided block.
    pub fn height(&self) -> Height {
        self.head.borrow().height
    }

    fn mempool(&self) -> MutexGuard<'_, Mempool> {
        self.mempool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One block interval, or the heartbeat where nothing arrives. The block after the first one since a silence comes
    /// early: it holds the certificates of the first. Returns whether there was a silence.
    async fn pause(&self, after_silence: bool) -> bool {
        let began_ms = self.clock.now_ms();
        let interval = Duration::from_millis(self.pace.interval_ms(true));
        let early = interval / GATHER;
        let least = if after_silence { early } else { interval };
        self.clock.sleep(least).await;
        if !self.mempool().is_empty() {
            return false;
        }
        let rest = Duration::from_millis(self.pace.interval_ms(false)).saturating_sub(least);
        tokio::select! {
            biased;
            // Entries come in groups, one from each validator: the first one waits a little for the others.
            () = self.arrived.notified() => self.clock.sleep(early).await,
            () = self.clock.sleep(rest) => {}
        }
        self.clock.now_ms().saturating_sub(began_ms) >= self.pace.interval_ms(true)
    }

    async fn step(&self) -> Result<(), StoreError> {
        let head = *self.head.borrow();
        let waiting = !self.mempool().is_empty();
        let Some(time) = self.pace.next_time(head.time, self.clock.now(), waiting) else {
            self.clock.sleep(TIME_PAUSE).await;
            return Ok(());
        };
        let Some(height) = head.height.next() else {
            return Err(StoreError::Io("the log is full: no height is left".into()));
        };
        let txs = self.mempool().take_block();
        let block = Block { height, time, parent: head.hash, txs };
        if let Err(error) = self.append(&block).await {
            self.catch_up();
            self.give_back(block);
            return Err(error);
        }
        metrics::histogram!("infrastrukt_hub_block_entries").record(block.txs.len() as f64);
        self.head.send_replace(Head::of(&block));
        Ok(())
    }

    async fn append(&self, block: &Block) -> Result<(), StoreError> {
        let (log, block) = (self.log.clone(), block.clone());
        let written = blocking(move || log.append(&block)).await;
        written.unwrap_or_else(|error| Err(StoreError::Io(error.to_string())))
    }

    /// A write may reach the disk and report a failure all the same: such a block is decided. Its entries are ordered a
    /// second time then, which changes nothing.
    fn catch_up(&self) {
        if let Ok(Some(last)) = self.log.last()
            && last.height > self.height()
        {
            self.head.send_replace(Head::of(&last));
        }
    }

    /// Entries of a block that could not be written wait again.
    fn give_back(&self, block: Block) {
        let mut mempool = self.mempool();
        for tx in block.txs {
            if let Err(error) = mempool.offer(tx) {
                tracing::warn!(%error, "an entry was lost; whoever offered it offers it again");
            }
        }
    }
}

#[async_trait]
impl Consensus for InProcessLeader {
    async fn submit(&self, tx: HubTx) -> Result<(), PortError> {
        match self.mempool().offer(tx) {
            Ok(_) => {
                self.arrived.notify_one();
                Ok(())
            }
            Err(error @ MempoolError::Full { .. }) => Err(PortError::retry(FULL_PAUSE, error.to_string())),
            Err(error @ MempoolError::TooLarge(_)) => Err(PortError::reject(error.to_string())),
        }
    }

    async fn decided(&self, height: Height) -> Result<Block, PortError> {
        let mut head = self.head.subscribe();
        head.wait_for(|head| head.height >= height)
            .await
            .map_err(|_| PortError::retry(STORAGE_PAUSE, "the leader stopped: start the node again"))?;
        match self.log.get(height) {
            Ok(Some(block)) => Ok(block),
            Ok(None) => {
                Err(PortError::halt(format!("block {height} is missing from the log: restore the data directory")))
            }
            Err(error) => Err(PortError::retry(STORAGE_PAUSE, error.to_string()).caused_by(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_ports::{Batch, Column, Row, Store};
    use infrastrukt_store::{CONSENSUS_COLUMNS, MemoryStore};
    use infrastrukt_types::{DealCancel, DealId};
    use std::sync::atomic::{AtomicBool, Ordering};

    struct Stopped;

    #[async_trait]
    impl Clock for Stopped {
        fn now_ms(&self) -> u64 {
            1_700_000_000_900
        }

        async fn sleep(&self, duration: Duration) {
            tokio::time::sleep(duration).await;
        }
    }

    /// Writes everything, and says once that it did not.
    struct Ambiguous {
        inner: MemoryStore,
        fails: AtomicBool,
    }

    impl Store for Ambiguous {
        fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.inner.get(column, key)
        }

        fn scan(&self, column: Column, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
            self.inner.scan(column, prefix, from, limit)
        }

        fn commit(&self, batch: Batch) -> Result<(), StoreError> {
            self.inner.commit(batch)?;
            match self.fails.swap(false, Ordering::Relaxed) {
                true => Err(StoreError::Io("no answer from the disk".into())),
                false => Ok(()),
            }
        }
    }

    #[tokio::test]
    async fn a_block_that_is_written_is_decided_whatever_the_disk_reports() {
        let store = Ambiguous { inner: MemoryStore::new(CONSENSUS_COLUMNS), fails: AtomicBool::new(true) };
        let pace = Pace { block_interval_ms: 200, heartbeat_ms: 1_000, lead_max_s: 1 };
        let leader = InProcessLeader::open(Arc::new(ConsensusLog::new(Arc::new(store))), Arc::new(Stopped), pace);
        let leader = leader.unwrap();
        let cancel = DealCancel { deal: DealId(B256::repeat_byte(1)), signatures: Vec::new() };
        leader.submit(HubTx::CancelDeal(cancel)).await.unwrap();
        assert!(leader.step().await.is_err());
        assert_eq!(leader.height(), Height(1));
        leader.step().await.unwrap();
        assert_eq!(leader.height(), Height(2));
        assert_eq!(leader.decided(Height(2)).await.unwrap().parent, leader.decided(Height(1)).await.unwrap().hash());
    }

    #[tokio::test]
    async fn blocks_are_made_under_load_while_the_second_stays() {
        let log = Arc::new(ConsensusLog::new(Arc::new(MemoryStore::new(CONSENSUS_COLUMNS))));
        let pace = Pace { block_interval_ms: 200, heartbeat_ms: 1_000, lead_max_s: 1 };
        let leader = InProcessLeader::open(log, Arc::new(Stopped), pace).unwrap();
        for byte in 1..=5 {
            let cancel = DealCancel { deal: DealId(B256::repeat_byte(byte)), signatures: Vec::new() };
            leader.submit(HubTx::CancelDeal(cancel)).await.unwrap();
            leader.step().await.unwrap();
        }
        assert_eq!(leader.height(), Height(5));
        for height in 1..=5 {
            let block = leader.decided(Height(height)).await.unwrap();
            assert_eq!((block.txs.len(), block.time), (1, Timestamp(1_700_000_000)));
        }
        leader.step().await.unwrap();
        assert_eq!(leader.height(), Height(5), "without entries the next block waits for the next second");
    }
}
