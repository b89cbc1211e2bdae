//! Durable storage: columns of ordered keys, atomic synced batches.

/// A named column; an implementation opens a fixed list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column(pub &'static str);

/// One write of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Sets a key.
    Put {
        /// Where.
        column: Column,
        /// Key.
        key: Vec<u8>,
        /// Value.
        value: Vec<u8>,
    },
    /// Removes a key, if it is there.
    Delete {
        /// Where.
        column: Column,
        /// Key.
        key: Vec<u8>,
    },
}

/// Writes that take effect together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch(pub Vec<Write>);

impl Batch {
    /// Adds a put.
    pub fn put(&mut self, column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.push(Write::Put { column, key: key.into(), value: value.into() });
    }

    /// Adds a delete.
    pub fn delete(&mut self, column: Column, key: impl Into<Vec<u8>>) {
        self.0.push(Write::Delete { column, key: key.into() });
    }

    /// True when nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Storage failed; nothing of the batch took effect.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Disk, lock or damage.
    #[error("storage failed: {0}; check disk space, permissions and that no other process uses the data directory")]
    Io(String),
    /// A stored value does not decode.
    #[error(transparent)]
    Codec(#[from] infrastrukt_types::codec::CodecError),
    /// A column that was not opened.
    #[error("column {0:?} was not opened")]
    UnknownColumn(Column),
}

/// A row: key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Ordered key-value storage. Calls block briefly; a returned `commit` survives `kill -9`.
pub trait Store: Send + Sync {
    /// The value of a key.
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Rows from `from` (inclusive) in ascending order whose key starts with `prefix`, at most `limit`.
    fn scan(&self, column: Column, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Writes the batch atomically and returns once it is on disk.
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;
}
