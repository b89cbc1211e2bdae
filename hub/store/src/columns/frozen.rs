//! Chains that are not believed at present, with the evidence.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_types::{ChainId, codec};

use super::read;

/// Chain → evidence.
pub(crate) const FROZEN: Column = Column("frozen");

pub(crate) fn get(store: &dyn Store, chain: ChainId) -> Result<Option<String>, StoreError> {
    read(store, FROZEN, &chain.0.to_be_bytes())
}

pub(crate) fn put(batch: &mut Batch, chain: ChainId, evidence: &str) {
    batch.put(FROZEN, chain.0.to_be_bytes(), codec::encode(evidence));
}
