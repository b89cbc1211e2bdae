//! What this validator has signed, for ever, and the shares of others on checkpoints that are not certified yet.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_types::{Address, B256, CheckpointKind, DealId, Decision, Height};

use super::{checkpoints, damaged, hash_of};

/// Height ‖ kind → digest that was signed.
pub(crate) const SIGNED: Column = Column("signed");
/// Deal → decision that was signed.
pub(crate) const DECISIONS: Column = Column("signed_decisions");
/// Height ‖ kind ‖ validator → signature.
pub(crate) const SHARES: Column = Column("shares");

/// `r ‖ s ‖ v`.
pub type ShareSignature = [u8; 65];

pub(crate) fn signed(store: &dyn Store, height: Height, kind: CheckpointKind) -> Result<Option<B256>, StoreError> {
    store.get(SIGNED, &checkpoints::key(height, kind))?.map(|bytes| hash_of(&bytes)).transpose()
}

pub(crate) fn put_signed(batch: &mut Batch, height: Height, kind: CheckpointKind, digest: B256) {
    batch.put(SIGNED, checkpoints::key(height, kind), digest.as_slice());
}

pub(crate) fn decision(store: &dyn Store, deal: DealId) -> Result<Option<Decision>, StoreError> {
    let Some(bytes) = store.get(DECISIONS, deal.as_ref())? else { return Ok(None) };
    let known = [Decision::Abort, Decision::Commit].into_iter().find(|decision| bytes == [decision.bit()]);
    known.map(Some).ok_or_else(|| damaged("signed decision"))
}

pub(crate) fn put_decision(batch: &mut Batch, deal: DealId, decision: Decision) {
    batch.put(DECISIONS, deal.as_ref(), [decision.bit()]);
}

fn share_key(height: Height, kind: CheckpointKind, validator: Address) -> Vec<u8> {
    let mut key = checkpoints::key(height, kind);
    key.extend(validator.as_slice());
    key
}

pub(crate) fn put_share(
    batch: &mut Batch,
    height: Height,
    kind: CheckpointKind,
    validator: Address,
    signature: &ShareSignature,
) {
    batch.put(SHARES, share_key(height, kind, validator), signature.as_slice());
}

pub(crate) fn shares(
    store: &dyn Store,
    height: Height,
    kind: CheckpointKind,
    limit: usize,
) -> Result<Vec<(Address, ShareSignature)>, StoreError> {
    let prefix = checkpoints::key(height, kind);
    let mut found = Vec::new();
    for (key, value) in store.scan(SHARES, &prefix, &prefix, limit)? {
        let validator = key.get(prefix.len()..).and_then(|rest| Address::try_from(rest).ok());
        let signature = ShareSignature::try_from(value.as_slice()).ok();
        found.push(validator.zip(signature).ok_or_else(|| damaged("share"))?);
    }
    Ok(found)
}

pub(crate) fn delete_share(batch: &mut Batch, height: Height, kind: CheckpointKind, validator: Address) {
    batch.delete(SHARES, share_key(height, kind, validator));
}
