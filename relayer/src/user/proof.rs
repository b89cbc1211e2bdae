//! Turns certified checkpoints of the hub into actions that anyone may carry out by hand.

use infrastrukt_api::{CertifiedCheckpoint, DealView, HubApiClient as _, MessageState, MessageView};
use infrastrukt_ports::{Action, CertifiedLeaves};
use infrastrukt_types::{
    B256, ChainId, CheckpointKind, Decision, Height, Leaf, LegRef, MultiproofError, Outbox, Timestamp,
};

use super::{Hub, UserError};

/// The action that carries a message on, and the chain it happens on; `None` while nothing is certified or all is done.
///
/// `now` is the target's time: a message past its deadline can only be expired.
pub async fn message_action(
    hub: &Hub,
    view: &MessageView,
    now: Timestamp,
) -> Result<Option<(ChainId, Action)>, UserError> {
    let message = view.message.clone();
    if let Some(height) = view.expired_checkpoint {
        let certified = certified(hub, height, &Leaf::Expired(view.id)).await?;
        return Ok(certified.map(|certified| (message.source, Action::Refund { certified, message })));
    }
    if view.state == MessageState::Expired {
        return Ok(None);
    }
    let Some(height) = view.checkpoint else { return Ok(None) };
    let Some(certified) = certified(hub, height, &Leaf::Message(view.id)).await? else { return Ok(None) };
    let target = message.target;
    let is_late = message.deadline.0 != 0 && now > message.deadline;
    Ok(Some(if is_late {
        (target, Action::Expire { certified, message })
    } else {
        (target, Action::Deliver { certified, messages: vec![message] })
    }))
}

/// The action that settles `legs` (all on one chain) as the hub decided; `None` while nothing is certified.
pub async fn settle_action(hub: &Hub, view: &DealView, legs: Vec<LegRef>) -> Result<Option<Action>, UserError> {
    let (Some(decision), Some(height)) = (view.decision, view.checkpoint) else { return Ok(None) };
    let certified = certified(hub, height, &Leaf::Decision(view.id, decision)).await?;
    Ok(certified.map(|certified| Action::Settle { certified, settlements: vec![(view.id, decision, legs)] }))
}

/// True where the hub has certified this decision.
pub const fn is_certified(view: &DealView, decision: Decision) -> bool {
    match view.decision {
        Some(made) => made.bit() == decision.bit() && view.checkpoint.is_some(),
        None => false,
    }
}

async fn certified(hub: &Hub, height: Height, leaf: &Leaf) -> Result<Option<CertifiedLeaves>, UserError> {
    let kind: CheckpointKind = leaf.kind();
    let page = hub.call(hub.api().certified_checkpoint(height, kind)).await?;
    page.map(|page| prove(page, leaf)).transpose()
}

fn prove(page: CertifiedCheckpoint, leaf: &Leaf) -> Result<CertifiedLeaves, UserError> {
    let wrong = |what: &str| {
        UserError::Unexpected(format!("the hub's checkpoint {} {what}: use another hub node", page.checkpoint.height))
    };
    let index = page.leaves.iter().position(|shown| shown.leaf == *leaf).ok_or_else(|| wrong("lacks the leaf"))?;
    let hashes: Vec<B256> = page.leaves.iter().map(|shown| shown.leaf.hash()).collect();
    let outbox = Outbox::new(hashes).ok_or_else(|| wrong("has no leaves"))?;
    if outbox.root() != page.checkpoint.outbox_root {
        return Err(wrong("does not commit to its leaves"));
    }
    let index = u32::try_from(index).map_err(|_| wrong("has too many leaves"))?;
    let proof = outbox.prove(&[index]).map_err(|error: MultiproofError| wrong(&error.to_string()))?;
    Ok(CertifiedLeaves { checkpoint: page.checkpoint, certificate: page.certificate, proof })
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_api::LeafView;
    use infrastrukt_types::{Checkpoint, EcdsaCertificate, Epoch, HubId, MessageId};

    fn page(ids: &[u8]) -> CertifiedCheckpoint {
        let leaves: Vec<LeafView> = ids
            .iter()
            .map(|id| LeafView { leaf: Leaf::Message(MessageId(B256::repeat_byte(*id))), message: None, deal: None })
            .collect();
        let outbox = Outbox::new(leaves.iter().map(|shown| shown.leaf.hash()).collect()).expect("not empty");
        let checkpoint = Checkpoint {
            hub_id: HubId(B256::repeat_byte(9)),
            kind: CheckpointKind::General,
            epoch: Epoch(1),
            valset_hash: B256::repeat_byte(8),
            height: Height(4),
            time: Timestamp(5),
            outbox_root: outbox.root(),
            state_root: B256::ZERO,
        };
        CertifiedCheckpoint { cursor: 0, checkpoint, certificate: EcdsaCertificate(Default::default()), leaves }
    }

    #[test]
    fn proves_one_leaf_of_many() {
        let wanted = Leaf::Message(MessageId(B256::repeat_byte(3)));
        let certified = prove(page(&[1, 2, 3]), &wanted).expect("provable");
        assert_eq!(certified.proof.root(&[wanted.hash()]), Ok(certified.checkpoint.outbox_root));
    }

    #[test]
    fn a_lying_hub_is_noticed() {
        let wanted = Leaf::Message(MessageId(B256::repeat_byte(3)));
        assert!(prove(page(&[1, 2]), &wanted).is_err());
        let mut forged = page(&[1, 2, 3]);
        forged.leaves.pop();
        forged.leaves[0].leaf = wanted.clone();
        assert!(matches!(prove(forged, &wanted), Err(UserError::Unexpected(_))));
    }
}
