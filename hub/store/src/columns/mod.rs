//! The hub's columns: a file each noun, with its keys. Numbers in keys are big-endian, so that order is numeric.

pub(crate) mod attested;
pub(crate) mod blocks;
pub(crate) mod checkpoints;
pub(crate) mod deals;
pub(crate) mod epochs;
pub(crate) mod facts;
pub(crate) mod frozen;
pub(crate) mod messages;
pub(crate) mod meta;
pub(crate) mod signing;

pub use attested::ATTESTED_BLOCKS_MAX;
pub use deals::DealFilter;
pub use messages::MessageFilter;
pub use meta::SCHEMA_VERSION;
pub use signing::{ShareSignature, StoredShare};

use infrastrukt_ports::{Column, Store, StoreError};
use infrastrukt_types::{B256, codec};
use serde::de::DeserializeOwned;

/// Every column of the hub.
pub const HUB_COLUMNS: &[Column] = &[
    meta::META,
    blocks::BLOCKS,
    messages::MESSAGES,
    messages::NEWEST,
    messages::BY_STATE,
    messages::OPEN,
    messages::WAITING,
    deals::DEALS,
    deals::NEWEST,
    deals::BY_STATE,
    deals::OPEN,
    deals::DUE,
    deals::WAITING,
    facts::FACTS,
    facts::BLOCK_HASHES,
    facts::PROVEN_HEIGHTS,
    facts::TALLIES,
    facts::TALLIES_BY_AGE,
    checkpoints::CHECKPOINTS,
    checkpoints::UNCERTIFIED,
    checkpoints::CERTIFIED,
    epochs::EPOCHS,
    epochs::ROTATIONS,
    frozen::FROZEN,
    signing::SIGNED,
    signing::DECISIONS,
    signing::ROTATIONS,
    signing::SHARES,
    attested::ATTESTED,
];

/// Rows read at a time while a list is filtered.
const SCAN_PAGE: usize = 512;

/// Rows looked at for one list, so that a filter that matches nothing ends soon; the next call goes on from there.
pub const SCANNED_MAX: usize = 2_048;

/// A decoded value.
fn read<T: DeserializeOwned>(store: &dyn Store, column: Column, key: &[u8]) -> Result<Option<T>, StoreError> {
    let bytes = store.get(column, key)?;
    Ok(bytes.map(|bytes| codec::decode(&bytes)).transpose()?)
}

/// The number at `at` of a key.
fn number_at(key: &[u8], at: usize) -> Result<u64, StoreError> {
    let bytes = key.get(at..).and_then(|rest| rest.first_chunk::<8>());
    bytes.map(|bytes| u64::from_be_bytes(*bytes)).ok_or_else(|| damaged("number"))
}

/// A 32-byte value.
fn hash_of(bytes: &[u8]) -> Result<B256, StoreError> {
    B256::try_from(bytes).map_err(|_| damaged("hash"))
}

fn damaged(what: &'static str) -> StoreError {
    StoreError::Codec(codec::CodecError::Malformed(what))
}

/// Sorts the newest first: the highest sequence number gives the lowest key.
const fn newest_key(seq: u64) -> [u8; 8] {
    (u64::MAX - seq).to_be_bytes()
}

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// What was found.
    pub items: Vec<T>,
    /// Where to go on: records before this sequence number have not been looked at. `None` at the end of the list.
    pub next: Option<u64>,
}

/// Values whose ids stand in an index column under `prefix`, newest first: those that `keep` accepts and, with
/// `before`, have a lower sequence number.
fn list<T>(
    store: &dyn Store,
    (column, prefix): (Column, &[u8]),
    before: Option<u64>,
    limit: usize,
    load: impl Fn(B256) -> Result<Option<T>, StoreError>,
    keep: impl Fn(&T) -> bool,
) -> Result<Listed<T>, StoreError> {
    let mut listed = Listed { items: Vec::new(), next: before };
    let mut from = match before.map(|before| before.checked_sub(1)) {
        None => prefix.to_vec(),
        Some(Some(newest)) => [prefix, newest_key(newest).as_slice()].concat(),
        Some(None) => return Ok(Listed { next: None, ..listed }),
    };
    let mut scanned = 0;
    loop {
        let rows = store.scan(column, prefix, &from, SCAN_PAGE)?;
        for (key, id) in &rows {
            if listed.items.len() == limit || scanned == SCANNED_MAX {
                return Ok(listed);
            }
            scanned += 1;
            listed.next = Some(u64::MAX - number_at(key, prefix.len())?);
            listed.items.extend(load(hash_of(id)?)?.filter(&keep));
        }
        match rows.last() {
            Some((key, _)) if rows.len() == SCAN_PAGE => from = [key.as_slice(), &[0]].concat(),
            Some(_) | None => return Ok(Listed { next: None, ..listed }),
        }
    }
}

/// Ids in a column keyed by sequence number, from `from` on and below `end`.
fn by_sequence(
    store: &dyn Store,
    column: Column,
    from: u64,
    end: u64,
    limit: usize,
) -> Result<Vec<(u64, B256)>, StoreError> {
    let rows = store.scan(column, &[], &from.to_be_bytes(), limit)?;
    let mut found = Vec::with_capacity(rows.len());
    for (key, id) in &rows {
        let seq = number_at(key, 0)?;
        if seq >= end {
            break;
        }
        found.push((seq, hash_of(id)?));
    }
    Ok(found)
}
