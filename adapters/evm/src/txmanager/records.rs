//! Records of one wallet on one chain, in the store.

use infrastrukt_ports::{Batch, Column, PortError, Store, StoreError, SubmissionKey};
use infrastrukt_types::{Address, ChainId, codec};
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};

use super::state::{Counters, Done, KeyState, Open, Purpose};

/// Open transactions by wallet and nonce.
const OPEN: Column = Column("tx_open");
/// Submission keys by wallet.
const KEYS: Column = Column("tx_keys");
/// Finished submission keys by wallet, in the order in which they finished.
const DONE: Column = Column("tx_done");
/// Counters by wallet.
const WALLETS: Column = Column("tx_wallets");

/// The columns that a store must open for writers.
pub const TX_COLUMNS: &[Column] = &[OPEN, KEYS, DONE, WALLETS];

/// Finished submissions that a wallet remembers. A key that is older than these may be submitted again.
const DONE_MAX: u64 = 65_536;

/// Open records that one wallet can have: nonces in flight and fillers.
pub(super) const OPEN_MAX: usize = 4_096;

/// How long to wait when the store fails.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// One wallet's records.
pub(super) struct Records {
    store: Arc<dyn Store>,
    prefix: Vec<u8>,
}

impl Records {
    pub(super) fn new(store: Arc<dyn Store>, chain: ChainId, wallet: Address) -> Self {
        let prefix = [chain.0.to_be_bytes().as_slice(), wallet.as_slice()].concat();
        Self { store, prefix }
    }

    pub(super) fn key_state(&self, key: SubmissionKey) -> Result<Option<KeyState>, PortError> {
        self.get(KEYS, key.0.as_slice())
    }

    pub(super) fn counters(&self) -> Result<Counters, PortError> {
        Ok(self.get(WALLETS, &[])?.unwrap_or_default())
    }

    pub(super) fn open(&self, nonce: u64) -> Result<Option<Open>, PortError> {
        self.get(OPEN, &nonce.to_be_bytes())
    }

    /// All open transactions by ascending nonce.
    pub(super) fn all_open(&self) -> Result<Vec<Open>, PortError> {
        let rows = self.store.scan(OPEN, &self.prefix, &self.prefix, OPEN_MAX).map_err(failed)?;
        rows.iter().map(|(_, value)| decode(value)).collect()
    }

    /// Stores a new transaction with its nonce, before anyone sees it.
    pub(super) fn begin(&self, open: &Open, mut counters: Counters) -> Result<(), PortError> {
        let mut batch = Batch::default();
        counters.next_nonce = counters.next_nonce.max(open.nonce.saturating_add(1));
        self.put_new(&mut batch, open);
        batch.put(WALLETS, self.prefix.clone(), codec::encode(&counters));
        self.store.commit(batch).map_err(failed)
    }

    /// Stores a change of an open transaction.
    pub(super) fn update(&self, open: &Open) -> Result<(), PortError> {
        let mut batch = Batch::default();
        batch.put(OPEN, self.key(&open.nonce.to_be_bytes()), codec::encode(open));
        self.store.commit(batch).map_err(failed)
    }

    /// Puts a transaction whose nonce another one used in its new place.
    pub(super) fn replace(&self, old_nonce: u64, open: &Open, mut counters: Counters) -> Result<(), PortError> {
        let mut batch = Batch::default();
        counters.next_nonce = counters.next_nonce.max(open.nonce.saturating_add(1));
        batch.delete(OPEN, self.key(&old_nonce.to_be_bytes()));
        self.put_new(&mut batch, open);
        batch.put(WALLETS, self.prefix.clone(), codec::encode(&counters));
        self.store.commit(batch).map_err(failed)
    }

    /// Forgets a transaction of which nothing can ever be mined.
    pub(super) fn forget(&self, open: &Open) -> Result<(), PortError> {
        let mut batch = Batch::default();
        batch.delete(OPEN, self.key(&open.nonce.to_be_bytes()));
        if let Purpose::Submission(key) = open.purpose {
            batch.delete(KEYS, self.key(key.0.as_slice()));
        }
        self.store.commit(batch).map_err(failed)
    }

    /// Keeps the outcome of a submission and drops its bytes.
    pub(super) fn finish(&self, open: &Open, done: Done) -> Result<(), PortError> {
        let Purpose::Submission(key) = open.purpose else { return self.forget(open) };
        let mut counters = self.counters()?;
        let mut batch = Batch::default();
        batch.delete(OPEN, self.key(&open.nonce.to_be_bytes()));
        batch.put(KEYS, self.key(key.0.as_slice()), codec::encode(&KeyState::Done(done)));
        batch.put(DONE, self.key(&counters.done_next.to_be_bytes()), key.0.to_vec());
        counters.done_next += 1;
        if counters.done_next - counters.done_first > DONE_MAX {
            let oldest = self.key(&counters.done_first.to_be_bytes());
            if let Some(key) = self.store.get(DONE, &oldest).map_err(failed)? {
                batch.delete(KEYS, self.key(&key));
            }
            batch.delete(DONE, oldest);
            counters.done_first += 1;
        }
        batch.put(WALLETS, self.prefix.clone(), codec::encode(&counters));
        self.store.commit(batch).map_err(failed)
    }

    fn put_new(&self, batch: &mut Batch, open: &Open) {
        batch.put(OPEN, self.key(&open.nonce.to_be_bytes()), codec::encode(open));
        if let Purpose::Submission(key) = open.purpose {
            batch.put(KEYS, self.key(key.0.as_slice()), codec::encode(&KeyState::Open { nonce: open.nonce }));
        }
    }

    fn get<T: DeserializeOwned>(&self, column: Column, suffix: &[u8]) -> Result<Option<T>, PortError> {
        let value = self.store.get(column, &self.key(suffix)).map_err(failed)?;
        value.map(|value| decode(&value)).transpose()
    }

    fn key(&self, suffix: &[u8]) -> Vec<u8> {
        [self.prefix.as_slice(), suffix].concat()
    }
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, PortError> {
    codec::decode(value).map_err(|error| PortError::halt("a stored transaction does not decode").caused_by(error))
}

fn failed(error: StoreError) -> PortError {
    match error {
        StoreError::Io(_) => PortError::retry(STORE_RETRY, error.to_string()).caused_by(error),
        StoreError::Codec(_) | StoreError::UnknownColumn(_) => PortError::halt(error.to_string()).caused_by(error),
    }
}
