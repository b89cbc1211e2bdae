//! The durable queues, beside raw RocksDB that writes the same rows to the same disk in the same seconds: the synced
//! batches that the hub's validators write, and the relayer's own queue as it takes messages from the hub.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use infrastrukt_ports::{Batch, Column, Store};
use infrastrukt_relayer::{
    COLUMNS,
    store::{Book, Certified, Item, ReadyItem, Work},
};
use infrastrukt_store::RocksStore;
use infrastrukt_types::{
    Account, B256, Bytes, ChainId, Epoch, Leaf, MESSAGE_VERSION, Message, MessageId, Nonce, Timestamp, codec, keccak256,
};
use serde_json::json;

use super::{
    figures::{self, Figure, Limit},
    hub::Hub,
    pace,
    report::Report,
};

/// Writes of one batch, and bytes of one value: what one step of a state machine stores.
const WRITES: usize = 10;
const VALUE_BYTES: usize = 200;
const SMALL_KEY_BYTES: usize = 32;
const COLUMN: Column = Column("bench");
/// Of what raw RocksDB does.
const OF_RAW_LEAST: f64 = 0.5;
/// Messages of one certified checkpoint, which the relayer takes in one batch.
const MESSAGES: u32 = 30;
const SOURCE: ChainId = ChainId(31_337);
const TARGET: ChainId = ChainId(56);

/// Bytes of the relayer's keys: of an item, of its place in the queue, and of its claim on a certificate.
const KEY_BYTES: [usize; 3] = [41, 30, 51];
/// Bytes of a certificate's key, and at the front of every raw key where each batch has its own.
const CERTIFICATE_KEY_BYTES: usize = 9;
const PREFIX_BYTES: usize = 6;

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let hub = RocksStore::open(dir.path().join("hub"), &[COLUMN])?;
    let raw = Raw::open(&dir.path().join("raw-hub"), small_rows())?;
    let (ours, bare) = pace::rivals(|number| store(&hub, number), |number| raw.write(number))?;
    let detail = json!({ "rows_of_a_batch": raw.rows.len() });
    report.add(of_raw(figures::STORE, bare), ours, detail);

    let relayer: Arc<dyn Store> = Arc::new(RocksStore::open(dir.path().join("relayer"), COLUMNS)?);
    let book = Book::open(relayer, [TARGET])?;
    let work = Workload::new()?;
    let raw = Raw::open(&dir.path().join("raw-relayer"), work.rows())?;
    let (ours, bare) = pace::rivals(|number| work.take(&book, number), |number| raw.write(number))?;
    let detail = json!({
        "rows_of_a_batch": raw.rows.len(), "messages_of_a_batch": MESSAGES,
        "messages_a_second": ours * f64::from(MESSAGES),
    });
    report.add(of_raw(figures::QUEUE, bare), ours, detail);
    Ok(())
}

fn of_raw(figure: Figure, bare: f64) -> Figure {
    figure.beside("raw RocksDB here, the same rows", bare).limited(Limit::AtLeast(OF_RAW_LEAST * bare))
}

fn prefix(number: u32) -> [u8; PREFIX_BYTES] {
    let hash = keccak256(number.to_be_bytes());
    std::array::from_fn(|place| hash[place])
}

/// The key of a row, with room for the prefix of its batch.
fn key(row: usize, bytes: usize) -> Vec<u8> {
    let mut key = vec![0u8; PREFIX_BYTES];
    key.extend((row as u16).to_be_bytes());
    key.resize(bytes, 0x5a);
    key
}

fn small_rows() -> Vec<(Vec<u8>, Vec<u8>)> {
    (0..WRITES).map(|row| (key(row, SMALL_KEY_BYTES), vec![7u8; VALUE_BYTES])).collect()
}

/// What a validator's batch is like.
fn store(store: &RocksStore, number: u32) -> Result<()> {
    let prefix = prefix(number);
    let mut batch = Batch::default();
    for (mut key, value) in small_rows() {
        key[..PREFIX_BYTES].copy_from_slice(&prefix);
        batch.put(COLUMN, key, value);
    }
    Ok(store.commit(batch)?)
}

/// RocksDB as it is, with its own defaults, and the rows of a batch.
struct Raw {
    db: rocksdb::DB,
    rows: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Raw {
    fn open(path: &Path, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Self> {
        Ok(Self { db: rocksdb::DB::open_default(path)?, rows })
    }

    /// Writes the rows under new keys.
    fn write(&self, number: u32) -> Result<()> {
        let prefix = prefix(number);
        let mut options = rocksdb::WriteOptions::default();
        options.set_sync(true);
        let mut batch = rocksdb::WriteBatch::default();
        for (key, value) in &self.rows {
            let mut key = key.clone();
            key[..PREFIX_BYTES].copy_from_slice(&prefix);
            batch.put(key, value);
        }
        Ok(self.db.write_opt(batch, &options)?)
    }
}

/// Certified checkpoints full of messages to one chain.
struct Workload {
    certified: Certified,
    leaves: Vec<B256>,
}

impl Workload {
    fn new() -> Result<Self> {
        let leaves: Vec<Leaf> = (0..MESSAGES).map(|index| Leaf::Message(id(0, index))).collect();
        let certified = Hub::new()?.certify(&leaves, 0, 1, 0)?;
        let certified = Certified { checkpoint: certified.checkpoint, certificate: certified.certificate };
        Ok(Self { certified, leaves: leaves.iter().map(Leaf::hash).collect() })
    }

    /// The checkpoint of this number. Its signatures are those of another one: nobody checks them here.
    fn certified(&self, number: u32) -> Certified {
        let mut certified = self.certified.clone();
        certified.checkpoint.height.0 += u64::from(number);
        certified
    }

    fn items(&self, number: u32) -> Vec<Item> {
        let certified = self.certified(number);
        let (cert, epoch) = (certified.cert_ref(), Epoch(1));
        let item = |index| {
            let work = Work::Deliver { id: id(number, index), message: message(number, index) };
            Item::new(work, cert, epoch, index, u64::from(number))
        };
        (0..MESSAGES).map(item).collect()
    }

    /// What the relayer does with a checkpoint that it takes.
    fn take(&self, book: &Book, number: u32) -> Result<()> {
        let mut change = book.change();
        for item in self.items(number) {
            change.put_item(TARGET, item)?;
        }
        change.put_certified(&self.certified(number), &self.leaves);
        change.set_taken(u64::from(number));
        change.commit().context("the book takes a checkpoint")
    }

    /// As many rows of the same sizes: each item, its place in the queue and its claim on the certificate; the
    /// certificate with its leaves; the cursor.
    fn rows(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut rows = Vec::new();
        for item in self.items(0) {
            let place = ReadyItem { item: item.key(), enqueued_at_ms: item.enqueued_at_ms };
            for (bytes, value) in KEY_BYTES.into_iter().zip([codec::encode(&item), codec::encode(&place), Vec::new()]) {
                rows.push((key(rows.len(), bytes), value));
            }
        }
        for value in [codec::encode(&self.certified(0)), codec::encode(&self.leaves), codec::encode(&0u64)] {
            rows.push((key(rows.len(), CERTIFICATE_KEY_BYTES), value));
        }
        rows
    }
}

fn id(number: u32, index: u32) -> MessageId {
    MessageId(keccak256([number.to_be_bytes(), index.to_be_bytes()].concat()))
}

fn message(number: u32, index: u32) -> Message {
    let account = Account::from(alloy::primitives::Address::repeat_byte(0x11));
    Message {
        version: MESSAGE_VERSION,
        source: SOURCE,
        target: TARGET,
        nonce: Nonce(u64::from(number) * u64::from(MESSAGES) + u64::from(index)),
        sender: account,
        recipient: account,
        timestamp: Timestamp(1_750_000_000),
        gas_limit: 100_000,
        deadline: Timestamp(0),
        payload: Bytes::from(id(number, index).0.to_vec()),
    }
}
