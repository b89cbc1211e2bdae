//! The decided blocks of the in-process leader: written before anyone hears of them.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_types::{B256, Block, Height, codec};
use std::sync::{Arc, Mutex, PoisonError};

/// Height (big-endian) → block. The key [`LAST`] holds the last height.
const LOG: Column = Column("consensus_log");
/// Shorter than any height, so that it never meets one.
const LAST: &[u8] = b"last";

/// Columns of the log.
pub const CONSENSUS_COLUMNS: &[Column] = &[LOG];

/// An append-only log of decided blocks.
pub struct ConsensusLog {
    store: Arc<dyn Store>,
    appending: Mutex<()>,
}

impl ConsensusLog {
    /// The log in a store that was opened with [`CONSENSUS_COLUMNS`].
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, appending: Mutex::new(()) }
    }

    /// Writes the next block; once this returns, the block is decided. The last block again changes nothing; anything
    /// but the next one is refused, since a decided height never changes.
    pub fn append(&self, block: &Block) -> Result<(), StoreError> {
        let _one_at_a_time = self.appending.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.last()?;
        if last.as_ref() == Some(block) {
            return Ok(());
        }
        let end = last.map_or((Height(0), B256::ZERO), |last| (last.height, last.hash()));
        if end.0.next() != Some(block.height) || end.1 != block.parent {
            let text = format!("block {} does not follow block {}, the end of this log", block.height, end.0);
            return Err(StoreError::Io(text));
        }
        let mut batch = Batch::default();
        let key = block.height.0.to_be_bytes();
        batch.put(LOG, key, codec::encode(block));
        batch.put(LOG, LAST, key);
        self.store.commit(batch)
    }

    /// The block of a height, if it is decided.
    pub fn get(&self, height: Height) -> Result<Option<Block>, StoreError> {
        let bytes = self.store.get(LOG, &height.0.to_be_bytes())?;
        Ok(bytes.map(|bytes| codec::decode(&bytes)).transpose()?)
    }

    /// The last decided block.
    pub fn last(&self) -> Result<Option<Block>, StoreError> {
        match self.store.get(LOG, LAST)? {
            Some(key) => Ok(self.store.get(LOG, &key)?.map(|bytes| codec::decode(&bytes)).transpose()?),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use infrastrukt_types::Timestamp;

    fn block(height: u64, parent: B256) -> Block {
        Block { height: Height(height), time: Timestamp(height), parent, txs: vec![] }
    }

    #[test]
    fn appends_in_order_only() {
        let log = ConsensusLog::new(Arc::new(MemoryStore::new(CONSENSUS_COLUMNS)));
        assert_eq!(log.last().expect("readable"), None);
        let first = block(1, B256::ZERO);
        log.append(&first).expect("the first");
        log.append(&first).expect("again");
        let second = block(2, first.hash());
        assert!(log.append(&block(3, first.hash())).is_err());
        assert!(log.append(&block(2, B256::ZERO)).is_err());
        let mut other = first.clone();
        other.time = Timestamp(9);
        assert!(log.append(&other).is_err(), "a decided height never changes");
        log.append(&second).expect("the second");
        assert_eq!(log.last().expect("readable"), Some(second));
        assert_eq!(log.get(Height(1)).expect("readable"), Some(first));
        assert_eq!(log.get(Height(3)).expect("readable"), None);
    }
}
