//! The `Store` port in memory: the same semantics without a disk, for simulation.

use infrastrukt_ports::{Batch, Column, Row, Store, StoreError, Write};
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock},
};

type Columns = BTreeMap<Column, BTreeMap<Vec<u8>, Vec<u8>>>;
type Fault = dyn Fn(&Batch) -> Result<(), StoreError> + Send + Sync;

/// Columns in memory. A batch takes effect as a whole or not at all.
pub struct MemoryStore {
    columns: RwLock<Columns>,
    fault: Option<Box<Fault>>,
}

impl MemoryStore {
    /// Empty columns.
    pub fn new(columns: &[Column]) -> Self {
        let columns = columns.iter().map(|column| (*column, BTreeMap::new())).collect();
        Self { columns: RwLock::new(columns), fault: None }
    }

    /// The same with a hook that is asked before every commit: its error is the commit's, and nothing is written.
    pub fn with_fault(
        columns: &[Column],
        fault: impl Fn(&Batch) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self { fault: Some(Box::new(fault)), ..Self::new(columns) }
    }
}

fn known(columns: &Columns, column: Column) -> Result<&BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
    columns.get(&column).ok_or(StoreError::UnknownColumn(column))
}

impl Store for MemoryStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let columns = self.columns.read().unwrap_or_else(PoisonError::into_inner);
        Ok(known(&columns, column)?.get(key).cloned())
    }

    fn scan(&self, column: Column, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        let columns = self.columns.read().unwrap_or_else(PoisonError::into_inner);
        let start = prefix.max(from);
        let rows = known(&columns, column)?.range::<[u8], _>((Bound::Included(start), Bound::Unbounded));
        let matching = rows.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(matching.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        if let Some(fault) = &self.fault {
            fault(&batch)?;
        }
        let mut columns = self.columns.write().unwrap_or_else(PoisonError::into_inner);
        for write in &batch.0 {
            let (Write::Put { column, .. } | Write::Delete { column, .. }) = write;
            known(&columns, *column)?;
        }
        for write in batch.0 {
            match write {
                Write::Put { column, key, value } => {
                    columns.entry(column).or_default().insert(key, value);
                }
                Write::Delete { column, key } => {
                    columns.entry(column).or_default().remove(&key);
                }
            }
        }
        Ok(())
    }
}
