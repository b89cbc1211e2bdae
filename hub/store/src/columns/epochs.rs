//! Epochs, and votes for the next one.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_protocol::{EpochRecord, RotationTally};
use infrastrukt_types::{Epoch, codec};

use super::read;

/// Epoch → record.
pub(crate) const EPOCHS: Column = Column("epochs");
/// Epoch → votes for its set.
pub(crate) const ROTATIONS: Column = Column("rotations");

pub(crate) fn get(store: &dyn Store, epoch: Epoch) -> Result<Option<EpochRecord>, StoreError> {
    read(store, EPOCHS, &epoch.0.to_be_bytes())
}

pub(crate) fn put(batch: &mut Batch, record: &EpochRecord) {
    batch.put(EPOCHS, record.epoch.0.to_be_bytes(), codec::encode(record));
}

pub(crate) fn votes(store: &dyn Store, epoch: Epoch) -> Result<Option<RotationTally>, StoreError> {
    read(store, ROTATIONS, &epoch.0.to_be_bytes())
}

pub(crate) fn put_votes(batch: &mut Batch, epoch: Epoch, tally: Option<&RotationTally>) {
    match tally {
        Some(tally) => batch.put(ROTATIONS, epoch.0.to_be_bytes(), codec::encode(tally)),
        None => batch.delete(ROTATIONS, epoch.0.to_be_bytes()),
    }
}
