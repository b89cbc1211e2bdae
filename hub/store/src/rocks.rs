//! The `Store` port on RocksDB.

use infrastrukt_ports::{Batch, Column, Row, Store, StoreError, Write};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, Direction,
    IteratorMode, Options, ReadOptions, WriteBatch, WriteOptions,
};
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

/// Bytes of blocks that reads may keep in memory, over all columns.
const BLOCK_CACHE_BYTES: usize = 32 << 20;
/// Bytes of one column's buffer of writes.
const WRITE_BUFFER_BYTES: usize = 4 << 20;
/// Bytes of all columns' buffers together.
const WRITE_BUFFERS_BYTES: usize = 32 << 20;
/// Buffers of one column, the one being flushed included.
const WRITE_BUFFERS_MAX: i32 = 2;
/// Bytes of write-ahead log after which columns are flushed.
const WAL_BYTES_MAX: u64 = 64 << 20;
/// Files that RocksDB may hold open.
const OPEN_FILES_MAX: i32 = 256;
/// RocksDB's own text logs.
const INFO_LOGS_MAX: usize = 4;
/// Bytes of one of them.
const INFO_LOG_BYTES: usize = 4 << 20;
/// Held locked while a process uses the directory.
const LOCK_FILE: &str = "in-use";

/// Ordered columns on disk. A commit is on disk when it returns; a batch that was torn by a crash is not there at all.
pub struct RocksStore {
    db: DB,
    columns: Vec<Column>,
    /// Released by the operating system when the process ends, however it ends.
    _lock: File,
}

impl RocksStore {
    /// Opens or creates the directory with exactly these columns and those it already has.
    pub fn open(path: impl AsRef<Path>, columns: &[Column]) -> Result<Self, StoreError> {
        let path = path.as_ref();
        std::fs::create_dir_all(path).map_err(|error| io(path, error))?;
        let lock = lock(path)?;
        let options = options();
        let mut names: Vec<String> = columns.iter().map(|column| column.0.to_owned()).collect();
        names.extend(existing(path, &options)?);
        names.push("default".to_owned());
        names.sort_unstable();
        names.dedup();
        let cache = Cache::new_lru_cache(BLOCK_CACHE_BYTES);
        let families = names.into_iter().map(|name| ColumnFamilyDescriptor::new(name, column_options(&cache)));
        let db = DB::open_cf_descriptors(&options, path, families).map_err(|error| io(path, error))?;
        Ok(Self { db, columns: columns.to_vec(), _lock: lock })
    }

    fn family(&self, column: Column) -> Result<&ColumnFamily, StoreError> {
        let opened = self.columns.contains(&column).then(|| self.db.cf_handle(column.0)).flatten();
        opened.ok_or(StoreError::UnknownColumn(column))
    }
}

fn io(path: &Path, error: impl std::fmt::Display) -> StoreError {
    StoreError::Io(format!("{}: {error}", path.display()))
}

/// Refuses a directory that another process uses, before RocksDB touches it.
fn lock(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK_FILE));
    let file = file.map_err(|error| io(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io(path, "another process uses this data directory; stop it, or choose another directory"))
        }
        Err(TryLockError::Error(error)) => Err(io(path, error)),
    }
}

/// Columns that are already there must be opened too, those of an older or newer release included.
fn existing(path: &Path, options: &Options) -> Result<Vec<String>, StoreError> {
    if !path.join("CURRENT").exists() {
        return Ok(Vec::new());
    }
    DB::list_cf(options, path).map_err(|error| io(path, error))
}

fn options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_unordered_write(false);
    options.set_paranoid_checks(true);
    // The last record may be torn by a crash and is then dropped whole; damage anywhere else is an error.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_max_total_wal_size(WAL_BYTES_MAX);
    options.set_db_write_buffer_size(WRITE_BUFFERS_BYTES);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_keep_log_file_num(INFO_LOGS_MAX);
    options.set_max_log_file_size(INFO_LOG_BYTES);
    options
}

fn column_options(cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_bloom_filter(10.0, false);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_write_buffer_number(WRITE_BUFFERS_MAX);
    options.set_compression_type(DBCompressionType::Lz4);
    options
}

impl Store for RocksStore {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let family = self.family(column)?;
        self.db.get_cf(family, key).map_err(|error| StoreError::Io(error.to_string()))
    }

    fn scan(&self, column: Column, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        let family = self.family(column)?;
        let start = prefix.max(from);
        let mut read = ReadOptions::default();
        if let Some(end) = after_prefix(prefix) {
            read.set_iterate_upper_bound(end);
        }
        let rows = self.db.iterator_cf_opt(family, read, IteratorMode::From(start, Direction::Forward));
        let mut found = Vec::new();
        for row in rows.take(limit) {
            let (key, value) = row.map_err(|error| StoreError::Io(error.to_string()))?;
            if !key.starts_with(prefix) {
                break;
            }
            found.push((key.into_vec(), value.into_vec()));
        }
        Ok(found)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let mut writes = WriteBatch::default();
        for write in batch.0 {
            match write {
                Write::Put { column, key, value } => writes.put_cf(self.family(column)?, key, value),
                Write::Delete { column, key } => writes.delete_cf(self.family(column)?, key),
            }
        }
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(writes, &options).map_err(|error| StoreError::Io(error.to_string()))
    }
}

/// The first key behind every key that starts with `prefix`; none where the prefix is empty or all ones.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}
