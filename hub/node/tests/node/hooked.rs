//! A store with a hand on its commits.

use infrastrukt_ports::{Batch, Column, Row, Store, StoreError};
use std::sync::Arc;

type Hook = dyn Fn(&dyn Store, Batch) -> Result<(), StoreError> + Send + Sync;

/// Hands every commit to a hook, which passes it on or does not.
pub(crate) struct HookedStore {
    inner: Arc<dyn Store>,
    hook: Box<Hook>,
}

impl HookedStore {
    pub(crate) fn over(
        inner: Arc<dyn Store>,
        hook: impl Fn(&dyn Store, Batch) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Arc<dyn Store> {
        Arc::new(Self { inner, hook: Box::new(hook) })
    }
}

impl Store for HookedStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(column, key)
    }

    fn scan(&self, column: Column, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        self.inner.scan(column, prefix, from, limit)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        (self.hook)(self.inner.as_ref(), batch)
    }
}
