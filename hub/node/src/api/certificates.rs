//! Certificates that somebody put together from public shares: checked before they are ordered.

use infrastrukt_ports::StoreError;
use infrastrukt_protocol::{Refusal, StateView};
use infrastrukt_types::{CheckpointKind, EcdsaCertificate, Height};

/// What a certificate that is handed in would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The checkpoint waits for it.
    Wanted,
    /// The checkpoint has one.
    Known,
}

/// Judges a certificate by the checkpoint as stored and the set of its epoch. The log judges it again.
pub(super) fn judge<V: StateView<Error = StoreError>>(
    view: &V,
    height: Height,
    kind: CheckpointKind,
    certificate: &EcdsaCertificate,
) -> Result<Result<Standing, Refusal>, StoreError> {
    let Some(record) = view.checkpoint(height, kind)? else {
        return Ok(Err(Refusal::UnknownCheckpoint { height, kind }));
    };
    if record.certificate.is_some() {
        return Ok(Ok(Standing::Known));
    }
    let (given, current) = (record.checkpoint.epoch, view.tip()?.epoch);
    match kind {
        // A COMMIT certificate that exists must reach every leg, whatever came after it.
        CheckpointKind::Commits => {}
        CheckpointKind::General | CheckpointKind::Rotation if record.superseded => {
            return Ok(Err(Refusal::Superseded { height, kind }));
        }
        CheckpointKind::General | CheckpointKind::Rotation if given != current => {
            return Ok(Err(Refusal::RetiredEpoch { given, current }));
        }
        CheckpointKind::General | CheckpointKind::Rotation => {}
    }
    let Some(epoch) = view.epoch(given)? else { return Ok(Err(Refusal::UnknownEpoch(given))) };
    let verdict = certificate.verify(&epoch.set, record.checkpoint.digest());
    Ok(verdict.map(|()| Standing::Wanted).map_err(Refusal::from))
}

/// True once the checkpoint has a certificate, whoever handed it in.
pub(super) fn is_certified<V: StateView<Error = StoreError>>(
    view: &V,
    height: Height,
    kind: CheckpointKind,
) -> Result<bool, StoreError> {
    Ok(view.checkpoint(height, kind)?.is_some_and(|record| record.certificate.is_some()))
}
