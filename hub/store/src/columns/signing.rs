//! What this validator has signed, for ever, and shares on checkpoints that are not certified yet.

use infrastrukt_ports::{Batch, Column, Row, Store, StoreError};
use infrastrukt_types::{Address, B256, CheckpointKind, DealId, Decision, Epoch, Height, Timestamp};

use super::{checkpoints, damaged, hash_of, number_at};

/// Height ‖ kind → digest that was signed.
pub(crate) const SIGNED: Column = Column("signed");
/// Deal → decision that was signed.
pub(crate) const DECISIONS: Column = Column("signed_decisions");
/// Epoch → hash of its set ‖ its end, as they were signed.
pub(crate) const ROTATIONS: Column = Column("signed_rotations");
/// Height ‖ kind ‖ validator → signature.
pub(crate) const SHARES: Column = Column("shares");

/// `r ‖ s ‖ v`.
pub type ShareSignature = [u8; 65];

/// A validator's share on a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredShare {
    /// Height of the checkpoint.
    pub height: Height,
    /// Kind of the checkpoint.
    pub kind: CheckpointKind,
    /// Who signed.
    pub validator: Address,
    /// Its signature on the checkpoint's digest.
    pub signature: ShareSignature,
}

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

/// What was signed as the beginning of an epoch: the hash of its set and its end.
pub(crate) fn rotation(store: &dyn Store, epoch: Epoch) -> Result<Option<(B256, Timestamp)>, StoreError> {
    let Some(bytes) = store.get(ROTATIONS, &epoch.0.to_be_bytes())? else { return Ok(None) };
    let hash = hash_of(bytes.get(..32).ok_or_else(|| damaged("signed rotation"))?)?;
    Ok(Some((hash, Timestamp(number_at(&bytes, 32)?))))
}

pub(crate) fn put_rotation(batch: &mut Batch, epoch: Epoch, set: B256, expires_at: Timestamp) {
    let value = [set.as_slice(), expires_at.0.to_be_bytes().as_slice()].concat();
    batch.put(ROTATIONS, epoch.0.to_be_bytes(), value);
}

fn share_key(height: Height, kind: CheckpointKind, validator: Address) -> Vec<u8> {
    let mut key = checkpoints::key(height, kind);
    key.extend(validator.as_slice());
    key
}

pub(crate) fn put_share(batch: &mut Batch, share: &StoredShare) {
    batch.put(SHARES, share_key(share.height, share.kind, share.validator), share.signature.as_slice());
}

/// Shares on one checkpoint, by validator.
pub(crate) fn shares(
    store: &dyn Store,
    height: Height,
    kind: CheckpointKind,
    limit: usize,
) -> Result<Vec<StoredShare>, StoreError> {
    store.scan(SHARES, &checkpoints::key(height, kind), &[], limit)?.iter().map(parse_share).collect()
}

/// Shares on all checkpoints, the oldest first.
pub(crate) fn all_shares(store: &dyn Store, limit: usize) -> Result<Vec<StoredShare>, StoreError> {
    store.scan(SHARES, &[], &[], limit)?.iter().map(parse_share).collect()
}

fn parse_share((key, value): &Row) -> Result<StoredShare, StoreError> {
    let (height, kind) = checkpoints::parse(key)?;
    let validator = key.get(9..).and_then(|rest| Address::try_from(rest).ok());
    let signature = ShareSignature::try_from(value.as_slice()).ok();
    let (validator, signature) = validator.zip(signature).ok_or_else(|| damaged("share"))?;
    Ok(StoredShare { height, kind, validator, signature })
}

pub(crate) fn delete_share(batch: &mut Batch, height: Height, kind: CheckpointKind, validator: Address) {
    batch.delete(SHARES, share_key(height, kind, validator));
}
