//! Storage in memory that outlives the process it is given to, and fails on demand.

use infrastrukt_ports::{Batch, Column, Row, Store, StoreError, Write};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

#[derive(Debug, Default)]
struct Inner {
    rows: BTreeMap<(Column, Vec<u8>), Vec<u8>>,
    commits: u64,
    failing: Option<u64>,
}

/// A disk that a simulated crash does not erase. Any column may be used.
#[derive(Debug, Default)]
pub struct SimStore(Mutex<Inner>);

impl SimStore {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `commits` more batches through and fails every one after them, as a full disk does.
    pub fn fail_after(&self, commits: u64) {
        self.inner().failing = Some(commits);
    }

    /// Ends the failure.
    pub fn heal(&self) {
        self.inner().failing = None;
    }

    /// Batches written so far, so that a test can crash at each of them.
    pub fn commits(&self) -> u64 {
        self.inner().commits
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for SimStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.inner().rows.get(&(column, key.to_vec())).cloned())
    }

    fn scan(&self, column: Column, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        let start = (column, from.max(prefix).to_vec());
        let inner = self.inner();
        let rows =
            inner.rows.range(start..).take_while(|((other, key), _)| *other == column && key.starts_with(prefix));
        Ok(rows.take(limit).map(|((_, key), value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut inner = self.inner();
        if let Some(left) = inner.failing {
            let left = left.checked_sub(1).ok_or_else(|| StoreError::Io("the simulated disk is full".into()))?;
            inner.failing = Some(left);
        }
        inner.commits += 1;
        for write in batch.0 {
            match write {
                Write::Put { column, key, value } => drop(inner.rows.insert((column, key), value)),
                Write::Delete { column, key } => drop(inner.rows.remove(&(column, key))),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_one_prefix_in_order_and_fails_whole_batches() {
        let (store, column) = (SimStore::new(), Column("rows"));
        let mut batch = Batch::default();
        for key in [b"b1", b"a1", b"b3", b"b2", b"c1"] {
            batch.put(column, key.to_vec(), key.to_vec());
        }
        batch.put(Column("rowt"), b"b4".to_vec(), b"other column".to_vec());
        store.commit(batch.clone()).expect("healthy");
        let keys = |from: &[u8], limit| -> Vec<Vec<u8>> {
            let rows = store.scan(column, b"b", from, limit).expect("healthy");
            rows.into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(b"", 9), [b"b1", b"b2", b"b3"]);
        assert_eq!(keys(b"b2", 9), [b"b2", b"b3"]);
        assert_eq!(keys(b"b", 1), [b"b1"]);

        store.fail_after(1);
        assert!(store.commit(Batch::default()).is_ok());
        let mut late = Batch::default();
        late.delete(column, b"b1".to_vec());
        assert!(store.commit(late).is_err());
        assert_eq!(keys(b"", 9).len(), 3);
        store.heal();
        assert!(store.commit(batch).is_ok());
        assert_eq!(store.commits(), 3);
    }
}
