//! The checkpoints of one block, a kind each.

use infrastrukt_types::{B256, Checkpoint, CheckpointKind, EcdsaCertificate, Height, HubId, Leaf, Outbox, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::valset::EpochRecord;

/// A checkpoint with its leaves and, once there is one, its certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRecord {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Leaves in the order of the tree.
    pub leaves: Vec<Leaf>,
    /// The certificate that the log holds.
    pub certificate: Option<EcdsaCertificate>,
    /// Place in the order of certification, from 0.
    pub cursor: Option<u64>,
    /// True once its leaves that still matter were taken back, to be issued at a later height.
    pub superseded: bool,
}

/// Builds one checkpoint for each kind that has leaves, in the order of the kinds. A leaf wanted twice is issued once.
pub fn build(
    hub_id: HubId,
    epoch: &EpochRecord,
    height: Height,
    time: Timestamp,
    state_root: B256,
    leaves: &[Leaf],
) -> Vec<CheckpointRecord> {
    let mut seen = BTreeSet::new();
    let distinct: Vec<&Leaf> = leaves.iter().filter(|leaf| seen.insert(*leaf)).collect();
    let of_kind = |kind: CheckpointKind| {
        let leaves: Vec<Leaf> =
            distinct.iter().filter(|leaf| leaf.kind() == kind).map(|leaf| (*leaf).clone()).collect();
        let outbox = Outbox::new(leaves.iter().map(Leaf::hash).collect())?;
        let checkpoint = Checkpoint {
            hub_id,
            kind,
            epoch: epoch.epoch,
            valset_hash: epoch.valset_hash,
            height,
            time,
            outbox_root: outbox.root(),
            state_root,
        };
        Some(CheckpointRecord { checkpoint, leaves, certificate: None, cursor: None, superseded: false })
    };
    CheckpointKind::ALL.into_iter().filter_map(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::epoch_record;
    use infrastrukt_types::{DealId, Decision, MessageId};

    #[test]
    fn kinds_travel_apart_and_leaves_once() {
        let message = Leaf::Message(MessageId(B256::repeat_byte(1)));
        let commit = Leaf::Decision(DealId(B256::repeat_byte(2)), Decision::Commit);
        let abort = Leaf::Decision(DealId(B256::repeat_byte(3)), Decision::Abort);
        let wanted = [message.clone(), commit.clone(), abort.clone(), message.clone()];
        let built = build(HubId::default(), &epoch_record(1), Height(4), Timestamp(9), B256::ZERO, &wanted);
        let kinds: Vec<_> = built.iter().map(|record| (record.checkpoint.kind, record.leaves.clone())).collect();
        assert_eq!(kinds, [(CheckpointKind::General, vec![message, abort]), (CheckpointKind::Commits, vec![commit])]);
        assert!(built.iter().all(|record| !record.checkpoint.outbox_root.is_zero()));
        assert!(build(HubId::default(), &epoch_record(1), Height(4), Timestamp(9), B256::ZERO, &[]).is_empty());
    }
}
