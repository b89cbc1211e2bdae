//! Proven facts by position, and votes on those that are not proven yet.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_protocol::Tally;
use infrastrukt_types::{B256, ChainId, FactId, Origin, Timestamp, codec};

use super::{damaged, hash_of, number_at, read};

/// Chain ‖ block ‖ transaction ‖ event → id of the fact proven there.
pub(crate) const FACTS: Column = Column("facts");
/// Chain ‖ block → its proven hash.
pub(crate) const BLOCK_HASHES: Column = Column("fact_blocks");
/// Chain → highest block with a proven fact.
pub(crate) const PROVEN_HEIGHTS: Column = Column("proven_heights");
/// Id → votes.
pub(crate) const TALLIES: Column = Column("tallies");
/// Time of the first vote ‖ id → nothing.
pub(crate) const TALLIES_BY_AGE: Column = Column("tallies_by_age");

fn block_key(chain: ChainId, block: u64) -> Vec<u8> {
    [chain.0.to_be_bytes(), block.to_be_bytes()].concat()
}

fn position_key(chain: ChainId, block: u64, tx_index: u32, event_index: u32) -> Vec<u8> {
    let mut key = block_key(chain, block);
    key.extend(tx_index.to_be_bytes());
    key.extend(event_index.to_be_bytes());
    key
}

pub(crate) fn at(
    store: &dyn Store,
    chain: ChainId,
    block: u64,
    tx_index: u32,
    event_index: u32,
) -> Result<Option<FactId>, StoreError> {
    let bytes = store.get(FACTS, &position_key(chain, block, tx_index, event_index))?;
    bytes.map(|bytes| hash_of(&bytes).map(FactId)).transpose()
}

pub(crate) fn block_hash(store: &dyn Store, chain: ChainId, block: u64) -> Result<Option<B256>, StoreError> {
    store.get(BLOCK_HASHES, &block_key(chain, block))?.map(|bytes| hash_of(&bytes)).transpose()
}

pub(crate) fn put(batch: &mut Batch, origin: &Origin, id: FactId) {
    let Origin { chain, block_number, block_hash, tx_index, event_index } = *origin;
    batch.put(FACTS, position_key(chain, block_number, tx_index, event_index), id.as_ref());
    batch.put(BLOCK_HASHES, block_key(chain, block_number), block_hash.as_slice());
}

pub(crate) fn proven_height(store: &dyn Store, chain: ChainId) -> Result<Option<u64>, StoreError> {
    store.get(PROVEN_HEIGHTS, &chain.0.to_be_bytes())?.map(|bytes| number_at(&bytes, 0)).transpose()
}

pub(crate) fn put_proven_height(batch: &mut Batch, chain: ChainId, block: u64) {
    batch.put(PROVEN_HEIGHTS, chain.0.to_be_bytes(), block.to_be_bytes());
}

pub(crate) fn tally(store: &dyn Store, id: &FactId) -> Result<Option<Tally>, StoreError> {
    read(store, TALLIES, id.as_ref())
}

fn age_key(tally: &Tally, id: FactId) -> Vec<u8> {
    [tally.first_seen.0.to_be_bytes().as_slice(), id.as_ref()].concat()
}

/// Writes or removes votes and moves their index row; `old` is what the store holds now.
pub(crate) fn put_tally(batch: &mut Batch, id: FactId, old: Option<&Tally>, tally: Option<&Tally>) {
    if let Some(old) = old {
        batch.delete(TALLIES_BY_AGE, age_key(old, id));
    }
    match tally {
        Some(tally) => {
            batch.put(TALLIES, id.as_ref(), codec::encode(tally));
            batch.put(TALLIES_BY_AGE, age_key(tally, id), []);
        }
        None => batch.delete(TALLIES, id.as_ref()),
    }
}

pub(crate) fn stale_tallies(store: &dyn Store, before: Timestamp, limit: usize) -> Result<Vec<FactId>, StoreError> {
    let mut found = Vec::new();
    for (key, _) in store.scan(TALLIES_BY_AGE, &[], &[], limit)? {
        if number_at(&key, 0)? >= before.0 {
            break;
        }
        found.push(FactId(hash_of(key.get(8..).ok_or_else(|| damaged("age of votes"))?)?));
    }
    Ok(found)
}
