//! What `kill -9` leaves behind: an image of the directory, taken while the store is open, its log cut anywhere.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_store::RocksStore;
use std::{
    fs,
    path::{Path, PathBuf},
};

const ONE: Column = Column("one");
const TWO: Column = Column("two");
const COLUMNS: &[Column] = &[ONE, TWO];
const BATCHES: u8 = 5;

fn write(store: &RocksStore, number: u8) {
    let mut batch = Batch::default();
    batch.put(ONE, [number], vec![number; 200]);
    batch.put(TWO, [number], vec![number; 200]);
    store.commit(batch).expect("committed");
}

/// Copies the files of a store that is still open, as a crash would leave them.
fn image(of: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a directory");
    for entry in fs::read_dir(of).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a file has a name");
        fs::copy(&path, copy.path().join(name)).expect("copied");
    }
    copy
}

fn write_ahead_log(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable").path());
    let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.max_by_key(|path| fs::metadata(path).expect("readable").len()).expect("a write-ahead log")
}

/// How many batches are there; every one of them whole, and none behind a missing one.
fn whole_batches(directory: &Path) -> u8 {
    let store = RocksStore::open(directory, COLUMNS).expect("opens after a crash");
    let has = |column, number: u8| store.get(column, &[number]).expect("read") == Some(vec![number; 200]);
    let whole = (0..BATCHES).take_while(|number| has(ONE, *number) && has(TWO, *number)).count();
    for number in u8::try_from(whole).expect("small")..BATCHES {
        assert!(store.get(ONE, &[number]).expect("read").is_none(), "batch {number} is torn");
        assert!(store.get(TWO, &[number]).expect("read").is_none(), "batch {number} is torn");
    }
    u8::try_from(whole).expect("small")
}

#[test]
fn a_commit_survives_without_close() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = RocksStore::open(directory.path(), COLUMNS).expect("opens");
    for number in 0..BATCHES {
        write(&store, number);
        let crashed = image(directory.path());
        assert_eq!(whole_batches(crashed.path()), number + 1);
    }
}

#[test]
fn a_torn_batch_is_not_there_at_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = RocksStore::open(directory.path(), COLUMNS).expect("opens");
    (0..BATCHES).for_each(|number| write(&store, number));
    let mut seen = Vec::new();
    for cut in [1, 7, 150, 300, 420, 500, 900, 1_300] {
        let crashed = image(directory.path());
        let log = write_ahead_log(crashed.path());
        let len = fs::metadata(&log).expect("readable").len();
        let file = fs::OpenOptions::new().write(true).open(&log).expect("opens");
        file.set_len(len.saturating_sub(cut)).expect("cut");
        seen.push(whole_batches(crashed.path()));
    }
    assert!(seen[0] == BATCHES - 1 && seen.is_sorted_by(|one, next| one >= next), "{seen:?}");
}

#[test]
fn a_second_process_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = RocksStore::open(directory.path(), COLUMNS).expect("opens");
    let Err(StoreError::Io(reason)) = RocksStore::open(directory.path(), COLUMNS) else { panic!("opened twice") };
    assert!(reason.contains("another process uses this data directory"), "{reason}");
    drop(first);
    RocksStore::open(directory.path(), COLUMNS).expect("opens once it is free");
}

#[test]
fn columns_of_another_release_do_not_keep_it_shut() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = RocksStore::open(directory.path(), COLUMNS).expect("opens");
    write(&store, 0);
    drop(store);
    let store = RocksStore::open(directory.path(), &[ONE]).expect("opens with fewer columns");
    assert!(matches!(store.get(TWO, &[0]), Err(StoreError::UnknownColumn(TWO))));
    drop(store);
    let store = RocksStore::open(directory.path(), &[ONE, TWO, Column("three")]).expect("opens with more columns");
    assert_eq!(store.get(TWO, &[0]).expect("read"), Some(vec![0; 200]));
}
