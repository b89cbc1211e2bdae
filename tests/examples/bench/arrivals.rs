//! What left one chain and arrived on the other, read from the chains themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use alloy::{primitives::B256, sol, sol_types::SolEvent};
use anyhow::{Result, ensure};
use tokio::time::sleep;

use super::{devnet::Node, rpc::Log};

sol! {
    event Sent(
        bytes32 indexed id, uint64 indexed target, uint64 nonce, bytes32 sender, bytes32 recipient, uint64 timestamp,
        uint64 gasLimit, uint64 deadline, bytes payload
    );
    event Delivered(bytes32 indexed id, uint64 indexed source, uint64 nonce);
}

/// Pause between two looks: a small part of the shortest block time.
const PAUSE: Duration = Duration::from_millis(50);

/// Deliveries on a chain, as they come.
pub(crate) struct Arrivals<'a> {
    target: &'a Node,
    next: u64,
    counts: BTreeMap<B256, usize>,
    /// When how many had arrived, whenever more had.
    pub(crate) timeline: Vec<(Instant, usize)>,
}

impl<'a> Arrivals<'a> {
    /// Counts from the next block on.
    pub(crate) async fn from_now(target: &'a Node) -> Result<Self> {
        Ok(Self { target, next: target.rpc.height().await? + 1, counts: BTreeMap::new(), timeline: Vec::new() })
    }

    /// Waits until this many messages have arrived.
    pub(crate) async fn until(&mut self, count: usize, within: Duration) -> Result<()> {
        let end = Instant::now() + within;
        while self.counts.len() < count {
            let arrived = self.counts.len();
            ensure!(Instant::now() < end, "{arrived} of {count} messages arrived within {} s", within.as_secs());
            sleep(PAUSE).await;
            self.look().await?;
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<()> {
        let head = self.target.rpc.height().await?;
        if head < self.next {
            return Ok(());
        }
        let seen = Instant::now();
        let found = self.target.rpc.logs(self.target.gateway, Delivered::SIGNATURE_HASH, self.next, head).await?;
        self.next = head + 1;
        for log in &found {
            *self.counts.entry(log.id).or_default() += 1;
        }
        if !found.is_empty() {
            self.timeline.push((seen, self.counts.len()));
        }
        Ok(())
    }

    /// When this many had arrived.
    pub(crate) fn at(&self, count: usize) -> Option<Instant> {
        self.timeline.iter().find(|(_, arrived)| *arrived >= count).map(|(when, _)| *when)
    }

    /// Fails unless exactly the messages that were sent have arrived, each once.
    pub(crate) fn are_exactly(&self, sent: &[Log]) -> Result<()> {
        let sent: BTreeSet<B256> = sent.iter().map(|log| log.id).collect();
        let arrived: BTreeSet<B256> = self.counts.keys().copied().collect();
        ensure!(sent == arrived, "{} messages left and {} arrived", sent.len(), arrived.len());
        let doubled = self.counts.iter().find(|(_, count)| **count != 1);
        ensure!(doubled.is_none(), "message and count of deliveries: {doubled:?}");
        Ok(())
    }
}

/// Messages that left a chain in a range of blocks.
pub(crate) async fn sent(source: &Node, from: u64, to: u64) -> Result<Vec<Log>> {
    source.rpc.logs(source.gateway, Sent::SIGNATURE_HASH, from, to).await
}

/// Messages that arrived on a chain in a range of blocks.
pub(crate) async fn delivered(target: &Node, from: u64, to: u64) -> Result<Vec<Log>> {
    target.rpc.logs(target.gateway, Delivered::SIGNATURE_HASH, from, to).await
}
