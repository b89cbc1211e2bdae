//! When a validator's signature on a checkpoint may leave the process.

use infrastrukt_ports::StoreError;
use infrastrukt_protocol::{CheckpointRecord, DealRecord, EpochRecord, Hub, Rules, SignRefusal, StateView, may_sign};
use infrastrukt_types::{Leaf, Timestamp};

/// The block time by which a signature is judged.
///
/// A node that starts again after a long stop holds an old tip until it has caught up. Judged by that tip alone, a
/// COMMIT whose limit is long past would still be signed while its legs may already be escaping. A fresh block is never
/// older than the allowed skew, so the clock less the skew is a time that has surely passed.
pub(super) fn judged_time(tip: Timestamp, clock: Timestamp, skew_max_s: u64) -> Timestamp {
    tip.max(Timestamp(clock.0.saturating_sub(skew_max_s)))
}

/// Asks the protocol's rule, with the deals that the checkpoint speaks of.
pub(super) fn check<V: StateView<Error = StoreError>>(
    hub: &Hub,
    view: &V,
    record: &CheckpointRecord,
    epoch: &EpochRecord,
    now: Timestamp,
) -> Result<Result<(), SignRefusal>, StoreError> {
    let deals = deals_of(view, record)?;
    Ok(may_sign(record, &deals, epoch, now, &Rules::from(&hub.genesis.timing)))
}

/// The deals that a checkpoint speaks of.
pub(super) fn deals_of<V: StateView<Error = StoreError>>(
    view: &V,
    record: &CheckpointRecord,
) -> Result<Vec<DealRecord>, StoreError> {
    let mut deals = Vec::new();
    for leaf in &record.leaves {
        match leaf {
            Leaf::Decision(id, _) => deals.extend(view.deal(id)?),
            Leaf::Message(_) | Leaf::Expired(_) | Leaf::Rotate { .. } => {}
        }
    }
    Ok(deals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_tip_does_not_make_a_limit_younger() {
        assert_eq!(judged_time(Timestamp(100), Timestamp(105), 10), Timestamp(100));
        assert_eq!(judged_time(Timestamp(100), Timestamp(9_000), 10), Timestamp(8_990));
        assert_eq!(judged_time(Timestamp(100), Timestamp(0), 10), Timestamp(100));
    }
}
