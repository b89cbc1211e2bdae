//! Both implementations of the `Store` port behave alike.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_store::{MemoryStore, RocksStore};
use proptest::prelude::*;

const ONE: Column = Column("one");
const TWO: Column = Column("two");
const ABSENT: Column = Column("absent");
const COLUMNS: &[Column] = &[ONE, TWO];

fn each(test: impl Fn(&dyn Store)) {
    test(&MemoryStore::new(COLUMNS));
    let directory = tempfile::tempdir().expect("a directory");
    test(&RocksStore::open(directory.path(), COLUMNS).expect("opens"));
}

fn put(store: &dyn Store, column: Column, key: &[u8], value: &[u8]) {
    let mut batch = Batch::default();
    batch.put(column, key, value);
    store.commit(batch).expect("committed");
}

#[test]
fn reads_what_was_written() {
    each(|store| {
        put(store, ONE, b"k", b"v");
        assert_eq!(store.get(ONE, b"k").expect("read"), Some(b"v".to_vec()));
        assert_eq!(store.get(TWO, b"k").expect("read"), None);
        let mut batch = Batch::default();
        batch.delete(ONE, b"k".as_slice());
        batch.put(TWO, b"k".as_slice(), b"w".as_slice());
        store.commit(batch).expect("committed");
        assert_eq!(store.get(ONE, b"k").expect("read"), None);
        assert_eq!(store.get(TWO, b"k").expect("read"), Some(b"w".to_vec()));
    });
}

#[test]
fn scans_in_order_within_prefix_from_and_limit() {
    each(|store| {
        for key in [&[1, 1][..], &[1, 2], &[1, 3], &[1, 255], &[2, 0], &[255, 255], &[255]] {
            put(store, ONE, key, &[key.len() as u8]);
        }
        let keys = |prefix: &[u8], from: &[u8], limit| -> Vec<Vec<u8>> {
            store.scan(ONE, prefix, from, limit).expect("scanned").into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(&[1], &[], 10), [vec![1, 1], vec![1, 2], vec![1, 3], vec![1, 255]]);
        assert_eq!(keys(&[1], &[1, 2], 2), [vec![1, 2], vec![1, 3]]);
        assert_eq!(keys(&[1], &[2], 10), Vec::<Vec<u8>>::new());
        assert_eq!(keys(&[], &[2], 10), [vec![2, 0], vec![255], vec![255, 255]]);
        assert_eq!(keys(&[255], &[], 10), [vec![255], vec![255, 255]]);
    });
}

#[test]
fn a_batch_with_an_unknown_column_writes_nothing() {
    each(|store| {
        let mut batch = Batch::default();
        batch.put(ONE, b"k".as_slice(), b"v".as_slice());
        batch.put(ABSENT, b"k".as_slice(), b"v".as_slice());
        assert!(matches!(store.commit(batch), Err(StoreError::UnknownColumn(ABSENT))));
        assert_eq!(store.get(ONE, b"k").expect("read"), None);
        assert!(matches!(store.get(ABSENT, b"k"), Err(StoreError::UnknownColumn(ABSENT))));
        assert!(matches!(store.scan(ABSENT, &[], &[], 1), Err(StoreError::UnknownColumn(ABSENT))));
    });
}

#[test]
fn a_fault_writes_nothing() {
    let store = MemoryStore::with_fault(COLUMNS, |_| Err(StoreError::Io("disk full".into())));
    let mut batch = Batch::default();
    batch.put(ONE, b"k".as_slice(), b"v".as_slice());
    assert!(store.commit(batch).is_err());
    assert_eq!(store.get(ONE, b"k").expect("read"), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn disk_and_memory_agree(
        writes in proptest::collection::vec((any::<bool>(), proptest::collection::vec(0u8..4, 0..4), any::<u8>()), 1..40),
        prefix in proptest::collection::vec(0u8..4, 0..3),
        from in proptest::collection::vec(0u8..4, 0..3),
        limit in 0usize..20,
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let disk = RocksStore::open(directory.path(), COLUMNS).expect("opens");
        let memory = MemoryStore::new(COLUMNS);
        let mut batch = Batch::default();
        for (add, key, value) in writes {
            if add { batch.put(ONE, key, vec![value]) } else { batch.delete(ONE, key) }
        }
        disk.commit(batch.clone()).expect("committed");
        memory.commit(batch).expect("committed");
        let rows = |store: &dyn Store| store.scan(ONE, &prefix, &from, limit).expect("scanned");
        prop_assert_eq!(rows(&disk), rows(&memory));
    }
}
