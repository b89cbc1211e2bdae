//! Who signs, from set to set.

use infrastrukt_api::HubApiClient;
use infrastrukt_ports::Signer;
use infrastrukt_protocol::StateView;
use infrastrukt_store::ConsensusLog;
use infrastrukt_types::{
    B256, Block, CheckpointKind, Epoch, Height, HubTx, RotationVote, Timestamp, Validator, ValidatorSet,
};
use std::sync::{Arc, Mutex};

use crate::world::{PickySigner, World, certified, client, eventually, signer, submit};

async fn vote(world: &World, voter: usize, set: &ValidatorSet, expires_at: Timestamp) -> HubTx {
    let (key, epoch) = (&world.signers[voter], Epoch(2));
    let digest = RotationVote::digest(world.hub_id(), epoch, set, expires_at);
    let signature = key.sign(digest).await.unwrap().to_vec().into();
    HubTx::Rotate(RotationVote { validator: key.address(), epoch, set: set.clone(), expires_at, signature })
}

/// Puts votes of the first three validators into the first block of the log.
async fn order_votes(world: &World, set: &ValidatorSet) {
    let identity = &world.genesis.identity;
    let expires_at = identity.epoch_expires_at.plus(1_000);
    let mut txs = Vec::new();
    for voter in 0..3 {
        txs.push(vote(world, voter, set, expires_at).await);
    }
    let block = Block { height: Height(1), time: identity.created_at.plus(1), parent: B256::ZERO, txs };
    ConsensusLog::new(world.log.clone()).append(&block).unwrap();
}

fn silent(keys: &[Arc<dyn Signer>]) -> Vec<Arc<dyn Signer>> {
    let allowed = Arc::new(Mutex::new(Vec::new()));
    let picky = |inner: &Arc<dyn Signer>| PickySigner { inner: inner.clone(), allowed: allowed.clone() };
    keys.iter().map(|key| Arc::new(picky(key)) as Arc<dyn Signer>).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_hands_over_to_a_new_key_across_restarts() {
    let mut world = World::hosting(5);
    let members = [0, 1, 2, 4].map(|index| Validator { address: signer(index).address(), weight: 1 });
    let (old, new) = (world.genesis.identity.validators.clone(), ValidatorSet::new(members.to_vec()).unwrap());
    order_votes(&world, &new).await;

    // The set is chosen, and the node stops before anybody signs the hand-over.
    let keys = std::mem::take(&mut world.signers);
    world.signers = silent(&keys);
    let node = world.start().await;
    eventually("the choice", || async { node.validators()[0].store.epoch(Epoch(2)).unwrap() }).await;
    node.shutdown().await;

    // The old set signs it, and the new epoch begins.
    world.signers = keys;
    let node = world.start().await;
    let watch = client(&node);
    let handover = certified(&watch, 0).await;
    assert_eq!((handover.checkpoint.kind, handover.checkpoint.epoch), (CheckpointKind::Rotation, Epoch(1)));
    assert_eq!(handover.certificate.verify(&old, handover.checkpoint.digest()), Ok(()));
    eventually("the new epoch", || async { (watch.status().await.unwrap().epoch == Epoch(2)).then_some(()) }).await;
    drop(watch);
    node.shutdown().await;

    // Without the first validator the new set has no quorum but with its new key; the retired one cannot stand in.
    world.remove(0);
    let node = world.start().await;
    let client = client(&node);
    submit(&client, &[world.sent(1)]).await;
    let message = certified(&client, 1).await;
    assert_eq!(message.checkpoint.epoch, Epoch(2));
    assert_eq!(message.certificate.verify(&new, message.checkpoint.digest()), Ok(()));
    let retired = &node.validators()[2];
    assert_eq!(retired.address, signer(3).address());
    let height = message.checkpoint.height;
    eventually("the retired validator's tip", || async { (retired.height() > height).then_some(()) }).await;
    assert_eq!(retired.store.signed_digest(height, CheckpointKind::General).unwrap(), None);
    assert_eq!(retired.halted(), None);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_outside_the_set_follows_and_signs_nothing() {
    let mut world = World::in_memory();
    world.signers[2] = signer(9);
    let node = world.start().await;
    let client = client(&node);
    submit(&client, &[world.sent(1)]).await;
    let checkpoint = certified(&client, 0).await.checkpoint;
    let stranger = &node.validators()[2];
    eventually("its tip", || async { (stranger.height() > checkpoint.height).then_some(()) }).await;
    assert_eq!(stranger.store.signed_digest(checkpoint.height, CheckpointKind::General).unwrap(), None);
    assert_eq!(stranger.halted(), None);
    node.shutdown().await;
}
