//! Records of one wallet on one chain, in the store. A row begins with the chain's id and the wallet.

use infrastrukt_ports::{Batch, Column, PortError, Store, StoreError, SubmissionKey};
use infrastrukt_types::{ChainId, codec};
use serde::de::DeserializeOwned;
use solana_pubkey::Pubkey;
use std::{sync::Arc, time::Duration};

use super::{
    rent::now_s,
    state::{Counters, Done, KeyState, Open, Signed},
};

/// Open submissions by wallet and number.
const OPEN: Column = Column("solana_open");
/// Submission keys by wallet.
const KEYS: Column = Column("solana_keys");
/// Finished submission keys by wallet, in the order in which they finished.
const DONE: Column = Column("solana_done");
/// Counters by wallet.
const WALLETS: Column = Column("solana_wallets");

/// When accounts were opened whose rent can be had back, by wallet and account.
const RENT: Column = Column("solana_rent");

/// The columns that a store must open for writers.
pub const TX_COLUMNS: &[Column] = &[OPEN, KEYS, DONE, WALLETS, RENT];

/// Finished submissions that a wallet remembers. A key that is older than these may be submitted again.
const DONE_MAX: u64 = 65_536;

/// Open submissions that one wallet can have.
const OPEN_MAX: usize = 4_096;

/// Accounts with rent that are looked through at a time.
const RENT_MAX: usize = 1_024;

/// How long to wait when the store fails.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// One wallet's records.
pub(super) struct Records {
    store: Arc<dyn Store>,
    prefix: Vec<u8>,
}

impl Records {
    pub(super) fn new(store: Arc<dyn Store>, chain: ChainId, wallet: &Pubkey) -> Self {
        let prefix = [chain.0.to_be_bytes().as_slice(), wallet.as_ref()].concat();
        Self { store, prefix }
    }

    pub(super) fn key_state(&self, key: SubmissionKey) -> Result<Option<KeyState>, PortError> {
        self.get(KEYS, key.0.as_slice())
    }

    pub(super) fn counters(&self) -> Result<Counters, PortError> {
        Ok(self.get(WALLETS, &[])?.unwrap_or_default())
    }

    pub(super) fn open(&self, seq: u64) -> Result<Option<Open>, PortError> {
        self.get(OPEN, &seq.to_be_bytes())
    }

    /// All open submissions in the order in which they came.
    pub(super) fn all_open(&self) -> Result<Vec<Open>, PortError> {
        let rows = self.store.scan(OPEN, &self.prefix, &self.prefix, OPEN_MAX).map_err(failed)?;
        rows.iter().map(|(_, value)| decode(value)).collect()
    }

    /// Stores a new submission with its number, before anyone sees its transaction.
    pub(super) fn begin(&self, open: &Open, mut counters: Counters) -> Result<(), PortError> {
        let mut batch = Batch::default();
        counters.next_seq = counters.next_seq.max(open.seq.saturating_add(1));
        batch.put(OPEN, self.key(&open.seq.to_be_bytes()), codec::encode(open));
        batch.put(KEYS, self.key(open.key.0.as_slice()), codec::encode(&KeyState::Open { seq: open.seq }));
        batch.put(WALLETS, self.prefix.clone(), codec::encode(&counters));
        self.store.commit(batch).map_err(failed)
    }

    /// Stores a change of an open submission.
    pub(super) fn update(&self, open: &Open) -> Result<(), PortError> {
        self.update_after(open, None)
    }

    /// The same together with what a transaction that landed did to rents.
    pub(super) fn update_after(&self, open: &Open, landed: Option<&Signed>) -> Result<(), PortError> {
        let mut batch = Batch::default();
        batch.put(OPEN, self.key(&open.seq.to_be_bytes()), codec::encode(open));
        self.put_rent(&mut batch, landed);
        self.store.commit(batch).map_err(failed)
    }

    /// Accounts that were opened before this second and whose rent was not had back, a few of those that begin with the
    /// byte `from` or follow.
    pub(super) fn rent_before(&self, second: u64, from: u8, max: usize) -> Result<Vec<Pubkey>, PortError> {
        let rows = self.store.scan(RENT, &self.prefix, &self.key(&[from]), RENT_MAX).map_err(failed)?;
        let mut keys = Vec::new();
        for (row, value) in rows {
            let opened_at: u64 = decode(&value)?;
            let key = row.last_chunk::<32>().filter(|_| opened_at < second && keys.len() < max);
            keys.extend(key.map(|key| Pubkey::new_from_array(*key)));
        }
        Ok(keys)
    }

    /// Forgets an account that is not there any more.
    pub(super) fn forget_rent(&self, key: &Pubkey) -> Result<(), PortError> {
        let mut batch = Batch::default();
        batch.delete(RENT, self.key(key.as_ref()));
        self.store.commit(batch).map_err(failed)
    }

    fn put_rent(&self, batch: &mut Batch, landed: Option<&Signed>) {
        let Some(landed) = landed else { return };
        if let Some(opened) = landed.opens {
            batch.put(RENT, self.key(opened.as_slice()), codec::encode(&now_s()));
        }
        landed.closes.iter().for_each(|closed| batch.delete(RENT, self.key(closed.as_slice())));
    }

    /// Forgets a submission of which nothing landed and nothing can land any more.
    pub(super) fn forget(&self, open: &Open) -> Result<(), PortError> {
        let mut batch = Batch::default();
        batch.delete(OPEN, self.key(&open.seq.to_be_bytes()));
        batch.delete(KEYS, self.key(open.key.0.as_slice()));
        self.store.commit(batch).map_err(failed)
    }

    /// Keeps the outcome of a submission and drops its bytes. `landed` is its last transaction, where that succeeded.
    pub(super) fn finish(&self, open: &Open, done: Done, landed: Option<&Signed>) -> Result<(), PortError> {
        let mut counters = self.counters()?;
        let mut batch = Batch::default();
        self.put_rent(&mut batch, landed);
        batch.delete(OPEN, self.key(&open.seq.to_be_bytes()));
        batch.put(KEYS, self.key(open.key.0.as_slice()), codec::encode(&KeyState::Done(done)));
        batch.put(DONE, self.key(&counters.done_next.to_be_bytes()), open.key.0.to_vec());
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

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_store::MemoryStore;

    #[test]
    fn young_accounts_do_not_hide_old_ones() {
        let records =
            Records::new(Arc::new(MemoryStore::new(TX_COLUMNS)), ChainId(1 << 63), &Pubkey::new_from_array([1; 32]));
        let mut batch = Batch::default();
        let opened = |first: u8, number: u16| [[first].as_slice(), &number.to_be_bytes(), &[0; 29]].concat();
        for number in 0..2_000_u16 {
            batch.put(RENT, records.key(&opened(number.to_le_bytes()[0] / 2, number)), codec::encode(&9_000u64));
        }
        let old = opened(u8::MAX, 0);
        batch.put(RENT, records.key(&old), codec::encode(&1u64));
        records.store.commit(batch).expect("is stored");
        let found = |from| records.rent_before(5_000, from, 3).expect("reads");
        let turns: Vec<Vec<Pubkey>> = (0..=u8::MAX).map(found).filter(|found| !found.is_empty()).collect();
        assert!(!turns.is_empty() && turns.iter().all(|found| found.len() == 1 && found[0].to_bytes() == old[..]));
        assert!(found(0).is_empty());
    }
}
