//! A party's disk: it outlives crashes, and breaks in the ways that disks do.
//!
//! A batch that is being written when the process dies is on the disk afterwards, or not at all, or was cut: a log
//! whose last record is incomplete drops that record when it is opened again, as RocksDB does. A disk that fails to
//! sync takes nothing more until its process was started again, and only then shows whether the last batch made it.

use infrastrukt_ports::{Batch, Column, Row, Store, StoreError, Write};
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

use crate::{
    dice::Dice,
    env::Env,
    party::{Life, Party},
};

/// How a disk misbehaves, in so many of a thousand writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The process dies while it writes.
    pub(crate) crashes: u16,
    /// Nothing is written; the next write may succeed.
    pub(crate) fails: u16,
    /// Nothing more is written until the process was started again.
    pub(crate) stops: u16,
    /// Nothing is written at all.
    pub(crate) is_full: bool,
}

pub(crate) struct Disk {
    owner: Party,
    env: Arc<Env>,
    inner: Mutex<Inner>,
    /// Told of every batch that is on the disk.
    pub(crate) written: Notify,
}

struct Inner {
    columns: BTreeMap<Column, BTreeMap<Vec<u8>, Vec<u8>>>,
    dice: Dice,
    trouble: Trouble,
    writes: u64,
    /// A batch of which only the next start shows what became of it.
    tail: Option<Tail>,
    has_stopped: bool,
}

struct Tail {
    writes: Vec<Write>,
    is_whole: bool,
}

/// What becomes of a write.
enum Fate {
    Written,
    Refused(&'static str),
    Stops,
    Crash,
}

impl Disk {
    pub(crate) fn new(owner: Party, env: Arc<Env>, dice: Dice) -> Arc<Self> {
        let inner = Inner {
            columns: BTreeMap::new(),
            dice,
            trouble: Trouble::default(),
            writes: 0,
            tail: None,
            has_stopped: false,
        };
        Arc::new(Self { owner, env, inner: Mutex::new(inner), written: Notify::new() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_trouble(&self, trouble: Trouble) {
        self.inner().trouble = trouble;
    }

    /// True while it takes nothing until its party is started again.
    pub(crate) fn has_stopped(&self) -> bool {
        self.inner().has_stopped
    }

    /// What is on the disk, for checkers.
    pub(crate) fn peek(self: &Arc<Self>) -> Arc<dyn Store> {
        Arc::new(Opened { disk: self.clone(), life: Life::default() })
    }

    /// Opens the disk for a new life of its party.
    pub(crate) fn open(self: &Arc<Self>, life: Life) -> Arc<dyn Store> {
        let mut inner = self.inner();
        inner.has_stopped = false;
        if let Some(tail) = inner.tail.take().filter(|tail| tail.is_whole) {
            inner.write(tail.writes);
        }
        drop(inner);
        Arc::new(Opened { disk: self.clone(), life })
    }
}

impl Inner {
    fn fate(&mut self) -> Fate {
        let Trouble { crashes, fails, stops, is_full } = self.trouble;
        if self.has_stopped {
            Fate::Refused("write to a stopped disk")
        } else if is_full {
            Fate::Refused("full disk")
        } else if self.dice.chance(crashes) {
            Fate::Crash
        } else if self.dice.chance(stops) {
            Fate::Stops
        } else if self.dice.chance(fails) {
            Fate::Refused("failed write")
        } else {
            Fate::Written
        }
    }

    fn write(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::Put { column, key, value } => {
                    self.columns.entry(column).or_default().insert(key, value);
                }
                Write::Delete { column, key } => {
                    self.columns.entry(column).or_default().remove(&key);
                }
            }
        }
    }

    /// Leaves a batch on its way to the disk. Returns the name of what happened to it.
    fn cut(&mut self, mut writes: Vec<Write>) -> &'static str {
        match self.dice.below(3) {
            0 => "crash before a write",
            1 => {
                writes.truncate(writes.len() / 2);
                self.tail = Some(Tail { writes, is_whole: false });
                "torn write"
            }
            _ => {
                self.tail = Some(Tail { writes, is_whole: true });
                "crash behind a write"
            }
        }
    }
}

/// A disk in the hands of one life of its party.
struct Opened {
    disk: Arc<Disk>,
    life: Life,
}

impl Opened {
    fn check(&self) -> Result<(), StoreError> {
        if self.life.is_over() { Err(failed("the process is gone")) } else { Ok(()) }
    }
}

fn failed(what: &str) -> StoreError {
    StoreError::Io(format!("simulated: {what}"))
}

impl Store for Opened {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.check()?;
        Ok(self.disk.inner().columns.get(&column).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(&self, column: Column, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        self.check()?;
        let inner = self.disk.inner();
        let Some(rows) = inner.columns.get(&column) else { return Ok(Vec::new()) };
        let start = prefix.max(from);
        let rows = rows.range::<[u8], _>((Bound::Included(start), Bound::Unbounded));
        let matching = rows.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(matching.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.check()?;
        let Disk { owner, env, written, .. } = self.disk.as_ref();
        let mut inner = self.disk.inner();
        inner.writes += 1;
        env.act("write", &[owner.code(), inner.writes, batch.0.len() as u64]);
        match inner.fate() {
            Fate::Written => {
                inner.write(batch.0);
                written.notify_waiters();
                Ok(())
            }
            Fate::Refused(kind) => {
                env.fault(kind);
                Err(failed(kind))
            }
            Fate::Stops => {
                inner.cut(batch.0);
                inner.has_stopped = true;
                env.fault("disk stops");
                Err(failed("the disk stops"))
            }
            Fate::Crash => {
                env.fault(inner.cut(batch.0));
                self.life.end();
                env.deaths.notify_one();
                Err(failed("the process dies"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timeline;

    const COLUMN: Column = Column("rows");

    fn batch(value: u8) -> Batch {
        let mut batch = Batch::default();
        batch.put(COLUMN, [1u8], [value]);
        batch.put(COLUMN, [2u8], [value]);
        batch
    }

    /// Both rows, which must never differ.
    fn value(store: &dyn Store) -> Option<u8> {
        let rows = [[1u8], [2]].map(|key| store.get(COLUMN, &key).expect("alive").map(|value| value[0]));
        assert_eq!(rows[0], rows[1], "half of a batch is on the disk");
        rows[0]
    }

    #[test]
    fn a_batch_survives_a_crash_as_a_whole_or_not_at_all() {
        let disk = Disk::new(Party::Relayer, Env::new(Timeline::new(0)), Dice::new(1));
        let mut ends = BTreeMap::<bool, u32>::new();
        for round in 0..60 {
            disk.set_trouble(Trouble::default());
            let life = Life::default();
            let store = disk.open(life.clone());
            store.commit(batch(round)).expect("healthy");
            disk.set_trouble(Trouble { crashes: 1_000, ..Trouble::default() });
            assert!(store.commit(batch(round + 100)).is_err() && life.is_over());
            assert!(store.get(COLUMN, &[1]).is_err(), "a dead process reads nothing");
            let found = value(disk.open(Life::default()).as_ref()).expect("written before");
            assert!(found == round || found == round + 100);
            *ends.entry(found == round).or_default() += 1;
        }
        assert_eq!(ends.len(), 2, "both ends happen: {ends:?}");
    }

    #[test]
    fn a_full_disk_takes_nothing_and_a_stopped_one_nothing_before_a_new_start() {
        let disk = Disk::new(Party::Relayer, Env::new(Timeline::new(0)), Dice::new(1));
        let store = disk.open(Life::default());
        disk.set_trouble(Trouble { is_full: true, ..Trouble::default() });
        assert!(store.commit(batch(1)).is_err());
        disk.set_trouble(Trouble { stops: 1_000, ..Trouble::default() });
        assert!(store.commit(batch(2)).is_err() && disk.has_stopped());
        disk.set_trouble(Trouble::default());
        assert!(store.commit(batch(3)).is_err());
        assert_eq!(value(store.as_ref()), None);
        let store = disk.open(Life::default());
        assert!(store.commit(batch(4)).is_ok());
        assert_eq!(value(store.as_ref()), Some(4));
    }
}
