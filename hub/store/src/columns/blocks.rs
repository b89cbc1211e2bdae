//! Decided blocks as this validator executed them.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_types::{Block, Height, codec};

/// Height → block.
pub(crate) const BLOCKS: Column = Column("blocks");

pub(crate) fn put(batch: &mut Batch, block: &Block) {
    batch.put(BLOCKS, block.height.0.to_be_bytes(), codec::encode(block));
}

pub(crate) fn from(store: &dyn Store, height: Height, limit: usize) -> Result<Vec<Block>, StoreError> {
    let rows = store.scan(BLOCKS, &[], &height.0.to_be_bytes(), limit)?;
    rows.iter().map(|(_, value)| codec::decode(value).map_err(StoreError::from)).collect()
}
