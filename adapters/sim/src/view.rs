//! One endpoint of a chain: what everyone who has no node of their own sees.

use infrastrukt_ports::{Action, BlockRef};
use infrastrukt_types::{Account, Amount, B256, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    Contracts, FaultCounts, Faults, Header, Lie, PoolError, Revert, SimBlock, SimChain, SimReceipt, SimTx, State,
    block::receipt_digests, history::History, receipts_root,
};

/// The endpoint did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    /// It is gone.
    #[error("the endpoint is dead")]
    Dead,
    /// It answered with an error this time.
    #[error("the endpoint failed")]
    Failed,
}

struct Health {
    faults: Faults,
    rng: StdRng,
    calls: u64,
    counts: FaultCounts,
}

/// A block as this endpoint serves it.
#[derive(Clone, Debug)]
pub(crate) struct ServedBlock {
    pub(crate) header: Header,
    pub(crate) receipts: Vec<SimReceipt>,
}

/// An endpoint with faults. Every method is one call to it.
pub struct SimView {
    chain: SimChain,
    health: Mutex<Health>,
}

impl SimView {
    pub(crate) fn new(chain: SimChain, faults: Faults) -> Self {
        let seed = chain.history().config.seed;
        let health = Health { faults, rng: StdRng::seed_from_u64(seed), calls: 0, counts: FaultCounts::new() };
        Self { chain, health: Mutex::new(health) }
    }

    /// Changes the endpoint's faults.
    pub fn set_faults(&self, faults: Faults) {
        self.health().faults = faults;
    }

    /// Faults that had an effect so far.
    pub fn fault_counts(&self) -> FaultCounts {
        self.health().counts.clone()
    }

    pub(crate) fn calls(&self) -> u64 {
        self.health().calls
    }

    pub(crate) fn contracts(&self) -> Contracts {
        self.chain.contracts()
    }

    pub(crate) const fn chain(&self) -> &SimChain {
        &self.chain
    }

    /// The head as this endpoint knows it.
    pub(crate) fn head(&self) -> Result<BlockRef, RpcError> {
        let lag = self.call()?.stale_blocks;
        let history = self.chain.history();
        Ok(block_ref(&history, history.head().number.saturating_sub(lag)))
    }

    /// The last final block as this endpoint knows it.
    pub(crate) fn finalized(&self) -> Result<BlockRef, RpcError> {
        let faults = self.call()?;
        let number = {
            let history = self.chain.history();
            history.finalized().saturating_sub(faults.stale_blocks)
        };
        let served = self.serve(number, faults).expect("the final block exists");
        Ok(BlockRef { number, hash: served.header.hash(), time: served.header.time })
    }

    /// A block with its receipts, where the endpoint knows one of this number.
    pub(crate) fn block(&self, number: u64) -> Result<Option<ServedBlock>, RpcError> {
        let faults = self.call()?;
        let head = self.chain.history().head().number.saturating_sub(faults.stale_blocks);
        Ok(if number > head { None } else { self.serve(number, faults) })
    }

    /// Reads the head's state.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, RpcError> {
        let lag = self.call()?.stale_blocks;
        let history = self.chain.history();
        let number = history.head().number.saturating_sub(lag);
        Ok(read(history.state_at(number)))
    }

    /// The account's next nonce in the last final block that this endpoint knows.
    pub(crate) fn final_nonce(&self, account: Account) -> Result<u64, RpcError> {
        let lag = self.call()?.stale_blocks;
        let history = self.chain.history();
        Ok(history.state_at(history.finalized().saturating_sub(lag)).nonce(account))
    }

    /// Price of gas at present.
    pub(crate) fn gas_price(&self) -> Result<u64, RpcError> {
        self.call()?;
        Ok(self.chain.history().gas_price_min)
    }

    /// What an action would do at the head, and the native coin that it must carry.
    pub(crate) fn simulate(&self, from: Account, action: &Action) -> Result<Result<Amount, Revert>, RpcError> {
        self.call()?;
        let history = self.chain.history();
        let state = history.state();
        let outcome = state.value_of(action).and_then(|value| {
            let around = history.around(history.head().time);
            state.simulate(from, value, action, history.fee(action), around).map(|()| value)
        });
        Ok(outcome)
    }

    /// The receipt of a transaction and its block.
    pub(crate) fn receipt(&self, tx: B256) -> Result<Option<(u64, SimReceipt)>, RpcError> {
        let lag = self.call()?.stale_blocks;
        let history = self.chain.history();
        let head = history.head().number.saturating_sub(lag);
        let found = history.receipt(tx).filter(|(number, _)| *number <= head);
        Ok(found.map(|(number, receipt)| (number, receipt.clone())))
    }

    /// True when this very transaction waits for a block.
    pub(crate) fn waits(&self, tx: &SimTx) -> Result<bool, RpcError> {
        self.call()?;
        Ok(self.chain.history().waits(tx))
    }

    /// Hands a transaction over.
    pub(crate) fn broadcast(&self, tx: SimTx) -> Result<Result<(), PoolError>, RpcError> {
        self.call()?;
        {
            let mut health = self.health();
            if health.faults.dropped_broadcasts > 0 {
                health.faults.dropped_broadcasts -= 1;
                health.count("dropped broadcast");
                return Ok(Ok(()));
            }
        }
        Ok(self.chain.broadcast(tx))
    }

    /// Time at the head.
    pub(crate) fn now(&self) -> Result<Timestamp, RpcError> {
        self.head().map(|head| head.time)
    }

    fn call(&self) -> Result<Faults, RpcError> {
        let mut health = self.health();
        health.calls += 1;
        if health.faults.is_dead {
            health.count("dead endpoint");
            return Err(RpcError::Dead);
        }
        let (errors, dice) = (health.faults.errors_per_mille, health.rng.random_range(0..1000u16));
        if dice < errors {
            health.count("failed call");
            return Err(RpcError::Failed);
        }
        if health.faults.stale_blocks > 0 {
            health.count("stale answer");
        }
        Ok(health.faults)
    }

    fn serve(&self, number: u64, faults: Faults) -> Option<ServedBlock> {
        let history = self.chain.history();
        let block = history.blocks.get(usize::try_from(number).ok()?)?;
        let honest = ServedBlock { header: block.header, receipts: block.receipts.clone() };
        let Some(lie) = faults.lie else { return Some(honest) };
        let served = lying(block, lie);
        if served.is_some() {
            self.health().count("lie");
        }
        Some(served.unwrap_or(honest))
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Health {
    fn count(&mut self, kind: &'static str) {
        *self.counts.entry(kind).or_default() += 1;
    }
}

fn block_ref(history: &History, number: u64) -> BlockRef {
    let known = usize::try_from(number).ok().and_then(|index| history.blocks.get(index));
    known.map_or_else(
        || history.head(),
        |block| BlockRef { number: block.header.number, hash: block.header.hash(), time: block.header.time },
    )
}

/// The block as a liar serves it; `None` where it has nothing to lie about.
fn lying(block: &SimBlock, lie: Lie) -> Option<ServedBlock> {
    let mut served = ServedBlock { header: block.header, receipts: block.receipts.clone() };
    let logs = served.receipts.iter_mut().rev().map(|receipt| &mut receipt.logs).find(|logs| !logs.is_empty())?;
    match lie {
        Lie::OmitEvent => drop(logs.pop()),
        Lie::InventEvent | Lie::ForgeBlock => {
            let again = logs.last().cloned();
            logs.extend(again);
        }
    }
    if lie == Lie::ForgeBlock {
        served.header.receipts_root = receipts_root(&receipt_digests(&served.receipts));
    }
    Some(served)
}
