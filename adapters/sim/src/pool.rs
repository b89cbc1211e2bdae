//! Transactions on their way into a block.

use infrastrukt_ports::Action;
use infrastrukt_types::{Account, Amount, B256, codec, keccak256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Transactions that may wait for a block.
const POOL_MAX: usize = 10_000;

/// A transaction. Its sender stands for a signature that nobody else could make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimTx {
    /// Who sends and pays.
    pub from: Account,
    /// Counts the sender's transactions from 0.
    pub nonce: u64,
    /// Price of a unit of gas.
    pub gas_price: u64,
    /// Native coin attached.
    pub value: Amount,
    /// What it does.
    pub action: Action,
}

impl SimTx {
    /// Its hash.
    pub fn hash(&self) -> B256 {
        keccak256(codec::encode(self))
    }
}

/// Why an endpoint did not take a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// This very transaction waits already.
    #[error("already known")]
    AlreadyKnown,
    /// Another transaction with this nonce is in a block.
    #[error("nonce too low: the next one is {next}")]
    NonceTooLow {
        /// The sender's next nonce.
        next: u64,
    },
    /// Pays less than blocks or a replacement ask for.
    #[error("underpriced: at least {required} is asked for a unit of gas")]
    Underpriced {
        /// Price that would do.
        required: u64,
    },
    /// No more room.
    #[error("the pool is full")]
    Full,
}

#[derive(Debug, Default)]
pub(crate) struct Pool {
    waiting: BTreeMap<(Account, u64), SimTx>,
}

impl Pool {
    /// Takes a transaction, or one that pays a tenth more than the one with the same nonce.
    pub(crate) fn insert(&mut self, tx: SimTx, next_nonce: u64, price_min: u64) -> Result<(), PoolError> {
        if tx.nonce < next_nonce {
            return Err(PoolError::NonceTooLow { next: next_nonce });
        }
        let known = self.waiting.get(&(tx.from, tx.nonce));
        if known.is_some_and(|known| *known == tx) {
            return Err(PoolError::AlreadyKnown);
        }
        let replacement_min = known.map_or(0, |known| known.gas_price.saturating_add(known.gas_price.div_ceil(10)));
        let required = price_min.max(replacement_min);
        if tx.gas_price < required {
            return Err(PoolError::Underpriced { required });
        }
        if known.is_none() && self.waiting.len() >= POOL_MAX {
            return Err(PoolError::Full);
        }
        self.waiting.insert((tx.from, tx.nonce), tx);
        Ok(())
    }

    /// The sender's transaction with this nonce, if it pays enough; it waits no more.
    pub(crate) fn take(&mut self, from: Account, nonce: u64, price_min: u64) -> Option<SimTx> {
        self.waiting.get(&(from, nonce)).filter(|tx| tx.gas_price >= price_min)?;
        self.waiting.remove(&(from, nonce))
    }

    /// Everyone who waits, in a fixed order.
    pub(crate) fn senders(&self) -> Vec<Account> {
        let mut senders: Vec<Account> = self.waiting.keys().map(|(from, _)| *from).collect();
        senders.dedup();
        senders
    }

    /// Forgets transactions whose nonce is used.
    pub(crate) fn forget_used(&mut self, next_nonce: impl Fn(Account) -> u64) {
        self.waiting.retain(|(from, nonce), _| *nonce >= next_nonce(*from));
    }

    pub(crate) fn contains(&self, tx: &SimTx) -> bool {
        self.waiting.get(&(tx.from, tx.nonce)) == Some(tx)
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}
