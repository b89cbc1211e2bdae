//! What the store itself is: its schema, its hub, its tip.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_protocol::Tip;
use infrastrukt_types::{B256, codec};

use super::{damaged, hash_of, read};

/// Name → value.
pub(crate) const META: Column = Column("meta");

/// Version of the columns and of every type stored in them. A change of either raises it and brings a migration;
/// a new column that may begin empty does not.
pub const SCHEMA_VERSION: u32 = 2;

const SCHEMA: &[u8] = b"schema";
const GENESIS: &[u8] = b"genesis";
const TIP: &[u8] = b"tip";

pub(crate) fn schema(store: &dyn Store) -> Result<Option<u32>, StoreError> {
    let bytes = store.get(META, SCHEMA)?;
    let version = |bytes: Vec<u8>| bytes.try_into().map(u32::from_be_bytes).map_err(|_| damaged("schema version"));
    bytes.map(version).transpose()
}

pub(crate) fn put_schema(batch: &mut Batch, version: u32) {
    batch.put(META, SCHEMA, version.to_be_bytes());
}

pub(crate) fn genesis(store: &dyn Store) -> Result<Option<B256>, StoreError> {
    store.get(META, GENESIS)?.map(|bytes| hash_of(&bytes)).transpose()
}

pub(crate) fn put_genesis(batch: &mut Batch, digest: B256) {
    batch.put(META, GENESIS, digest.as_slice());
}

pub(crate) fn tip(store: &dyn Store) -> Result<Option<Tip>, StoreError> {
    read(store, META, TIP)
}

pub(crate) fn put_tip(batch: &mut Batch, tip: &Tip) {
    batch.put(META, TIP, codec::encode(tip));
}
