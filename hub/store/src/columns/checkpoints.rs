//! Checkpoints: all of them, those that wait for a certificate, and the certified ones in order.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_protocol::CheckpointRecord;
use infrastrukt_types::{CheckpointKind, Height, codec};

use super::{damaged, number_at, read};

/// Height ‖ kind → record.
pub(crate) const CHECKPOINTS: Column = Column("checkpoints");
/// Height ‖ kind → nothing, while neither certified nor superseded.
pub(crate) const UNCERTIFIED: Column = Column("checkpoints_uncertified");
/// Cursor → height ‖ kind.
pub(crate) const CERTIFIED: Column = Column("checkpoints_certified");

pub(crate) fn key(height: Height, kind: CheckpointKind) -> Vec<u8> {
    [height.0.to_be_bytes().as_slice(), &[kind.byte()]].concat()
}

/// Reads the first nine bytes of a key.
pub(crate) fn parse(key: &[u8]) -> Result<(Height, CheckpointKind), StoreError> {
    let height = Height(number_at(key, 0)?);
    let byte = key.get(8).copied();
    let kind = CheckpointKind::ALL.into_iter().find(|kind| Some(kind.byte()) == byte);
    kind.map(|kind| (height, kind)).ok_or_else(|| damaged("checkpoint kind"))
}

pub(crate) fn get(
    store: &dyn Store,
    height: Height,
    kind: CheckpointKind,
) -> Result<Option<CheckpointRecord>, StoreError> {
    read(store, CHECKPOINTS, &key(height, kind))
}

pub(crate) fn put(batch: &mut Batch, record: &CheckpointRecord) {
    let key = key(record.checkpoint.height, record.checkpoint.kind);
    batch.put(CHECKPOINTS, key.clone(), codec::encode(record));
    if let Some(cursor) = record.cursor {
        batch.put(CERTIFIED, cursor.to_be_bytes(), key.clone());
    }
    if record.certificate.is_none() && !record.superseded {
        batch.put(UNCERTIFIED, key, []);
    } else {
        batch.delete(UNCERTIFIED, key);
    }
}

pub(crate) fn uncertified(
    store: &dyn Store,
    below: Height,
    limit: usize,
) -> Result<Vec<(Height, CheckpointKind)>, StoreError> {
    let mut found = Vec::new();
    for (key, _) in store.scan(UNCERTIFIED, &[], &[], limit)? {
        let (height, kind) = parse(&key)?;
        if height >= below {
            break;
        }
        found.push((height, kind));
    }
    Ok(found)
}

pub(crate) fn certified_from(
    store: &dyn Store,
    cursor: u64,
    limit: usize,
) -> Result<Vec<CheckpointRecord>, StoreError> {
    let rows = store.scan(CERTIFIED, &[], &cursor.to_be_bytes(), limit)?;
    let mut found = Vec::with_capacity(rows.len());
    for (_, place) in &rows {
        found.push(read(store, CHECKPOINTS, place)?.ok_or_else(|| damaged("certified checkpoint"))?);
    }
    Ok(found)
}
