//! What users did, and what is still open of it.

use infrastrukt_ports::Action;
use infrastrukt_types::{Amount, ChainId, Deal, DealId};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    chains::Chain,
    people::{Person, Wallet},
};

/// A deal that stands in the hub's log.
#[derive(Clone)]
pub(crate) struct Trade {
    pub(crate) id: DealId,
    pub(crate) deal: Deal,
}

pub(crate) struct Market(Mutex<Inner>);

struct Inner {
    wallets: BTreeMap<(ChainId, Person), Wallet>,
    trades: Vec<Trade>,
    /// Deals that came to their end, or were never registered.
    over: usize,
}

impl Market {
    pub(crate) fn new(chains: &[Chain]) -> Self {
        let mut wallets = BTreeMap::new();
        for chain in chains {
            for person in Person::ALL {
                wallets.insert((chain.id, person), Wallet::new(chain.sim.clone(), person.account()));
            }
        }
        Self(Mutex::new(Inner { wallets, trades: Vec::new(), over: 0 }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a person's next transaction.
    pub(crate) fn act(&self, chain: ChainId, person: Person, value: Amount, action: Action) {
        if let Some(wallet) = self.inner().wallets.get_mut(&(chain, person)) {
            wallet.act(value, action);
        }
    }

    pub(crate) fn push(&self) {
        self.inner().wallets.values_mut().for_each(Wallet::push);
    }

    /// True once all transactions of a person are in blocks.
    pub(crate) fn is_done(&self, chain: ChainId, person: Person) -> bool {
        self.inner().wallets.get(&(chain, person)).is_none_or(Wallet::is_done)
    }

    pub(crate) fn note(&self, trade: Trade) {
        self.inner().trades.push(trade);
    }

    pub(crate) fn trades(&self) -> Vec<Trade> {
        self.inner().trades.clone()
    }

    /// One deal more came to its end.
    pub(crate) fn deal_ended(&self) {
        self.inner().over += 1;
    }

    pub(crate) fn over(&self) -> usize {
        self.inner().over
    }
}
