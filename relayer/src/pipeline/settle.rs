//! Settle: what each leg of a decided deal still needs on this chain.

use infrastrukt_api::LegState;
use infrastrukt_ports::LockStatus;
use infrastrukt_types::{DealId, LegRef};

use super::{Lane, Shared, StageError};

/// What the legs of one settlement need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Legs {
    /// Locked: to be settled now.
    pub(super) open: Vec<u8>,
    /// Released, refunded or escaped as of the head.
    pub(super) done: Vec<u8>,
    /// Never locked, and no escrow takes the lock any more.
    pub(super) void: Vec<u8>,
    /// Not locked, but it may still be.
    pub(super) waiting: Vec<u8>,
}

/// Asks the chain about every leg.
pub(super) async fn legs(shared: &Shared, lane: &Lane, deal: DealId, legs: &[LegRef]) -> Result<Legs, StageError> {
    let mut sorted = Legs::default();
    for leg in legs {
        let list = match lane.reader.lock_status(leg.lock_key(deal)).await? {
            LockStatus::Locked { .. } => &mut sorted.open,
            LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped => &mut sorted.done,
            LockStatus::None if never_locked(shared, lane, deal, leg).await? => &mut sorted.void,
            LockStatus::None => &mut sorted.waiting,
        };
        list.push(leg.index);
    }
    Ok(sorted)
}

/// True when the leg is not locked and can never be: the final head is past `lock_by`, which the escrow enforces, every
/// final block is read, and the hub knows of no lock either, so that no stale endpoint alone can make us give it up.
async fn never_locked(shared: &Shared, lane: &Lane, deal: DealId, leg: &LegRef) -> Result<bool, StageError> {
    if !lane.is_final(leg.lock_by) {
        return Ok(false);
    }
    let view = shared.hub.deal(deal).await?;
    let state = view.and_then(|view| view.legs.get(usize::from(leg.index)).map(|leg| leg.state));
    Ok(state == Some(LegState::Waiting))
}
