//! What survives a stop, and what prevents a wrong start.

use infrastrukt_api::{DealState, HubApiClient, MessageState};
use infrastrukt_hub::{RunningNode, StartError, validator::Validator};
use infrastrukt_ports::{Batch, StoreError, Write};
use infrastrukt_protocol::StateView;
use infrastrukt_store::{CONSENSUS_COLUMNS, MemoryStore};
use infrastrukt_types::{Attestation, B256, Block, CheckpointKind, DealId, Decision, Height, HubTx, codec};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    hooked::HookedStore,
    world::{AheadClock, PickySigner, World, certified, client, eventually, genesis, lock_all, signer, submit},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_signs_what_was_left_unsigned() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = genesis();
    let height = {
        let mut world = World::on_disk(folder.path(), genesis.clone());
        let fact = world.sent(1);
        // The keys attest to the message, but refuse to sign its checkpoint.
        let allowed = Arc::new(Mutex::new(vec![Attestation::digest(world.hub_id(), std::slice::from_ref(&fact))]));
        world.signers =
            (0..4).map(|index| Arc::new(PickySigner { inner: signer(index), allowed: allowed.clone() }) as _).collect();
        let node = world.start().await;
        let client = client(&node);
        submit(&client, std::slice::from_ref(&fact)).await;
        let id = world.message_id(&fact);
        eventually("the proof", || async { client.message(id).await.unwrap() }).await;
        assert!(client.certified(0, 1).await.unwrap().items.is_empty());
        let height = client.status().await.unwrap().height;
        drop(client);
        node.shutdown().await;
        height
    };
    let world = World::on_disk(folder.path(), genesis);
    let node = world.start().await;
    let client = client(&node);
    let checkpoint = certified(&client, 0).await;
    assert!(checkpoint.checkpoint.height <= height);
    let set = &world.genesis.identity.validators;
    assert_eq!(checkpoint.certificate.verify(set, checkpoint.checkpoint.digest()), Ok(()));
    let message = client.message(world.message_id(&world.sent(1))).await.unwrap().unwrap();
    assert_eq!(message.state, MessageState::Certified);
    node.shutdown().await;
}

fn orders_a_certificate(batch: &Batch) -> bool {
    let certifies = |block: Block| block.txs.iter().any(|tx| matches!(tx, HubTx::Certify { .. }));
    batch.0.iter().any(|write| match write {
        Write::Put { value, .. } => codec::decode::<Block>(value).is_ok_and(certifies),
        Write::Delete { .. } => false,
    })
}

/// A deal is decided COMMIT and everybody has a quorum of shares, but the node stops before the certificate is in the
/// log. It starts again later, with keys that sign nothing any more.
async fn restarted_after_the_shares(later_s: u64) -> (World, RunningNode, DealId) {
    let mut world = World::in_memory();
    let log = world.log.clone();
    world.log = HookedStore::over(log.clone(), |inner, batch| {
        if orders_a_certificate(&batch) {
            return Err(StoreError::Io("no certificate reaches this log".into()));
        }
        inner.commit(batch)
    });
    let node = world.start().await;
    let watch = client(&node);
    let (id, _) = lock_all(&world, &watch).await;
    eventually("the shares", || async {
        let deal = node.validators()[0].store.deal(&id).unwrap().unwrap();
        let height = deal.checkpoint.filter(|_| deal.decision == Some(Decision::Commit))?;
        let all = |validator: &Arc<Validator>| validator.shares(height, CheckpointKind::Commits).len() == 4;
        node.validators().iter().all(all).then_some(())
    })
    .await;
    drop(watch);
    node.shutdown().await;

    world.log = log;
    world.clock = Arc::new(AheadClock { ahead_s: later_s });
    let allowed = Arc::new(Mutex::new(Vec::new()));
    world.signers =
        (0..4).map(|index| Arc::new(PickySigner { inner: signer(index), allowed: allowed.clone() }) as _).collect();
    let node = world.start().await;
    (world, node, id)
}

/// The deal of these tests is signed until 390 s after it began; from 503 s on a settlement could come after an escape.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_shares_left_in_time_is_certified_after_the_limit() {
    let (world, node, id) = restarted_after_the_shares(450).await;
    let client = client(&node);
    let checkpoint = certified(&client, 0).await;
    assert_eq!(checkpoint.checkpoint.kind, CheckpointKind::Commits);
    let set = &world.genesis.identity.validators;
    assert_eq!(checkpoint.certificate.verify(set, checkpoint.checkpoint.digest()), Ok(()));
    assert_eq!(client.deal(id).await.unwrap().unwrap().state, DealState::Certified);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_found_once_a_leg_may_escape_stay_hidden() {
    let (_world, node, id) = restarted_after_the_shares(600).await;
    let client = client(&node);
    let checkpoint = eventually("the stall", || async {
        let deal = client.deal(id).await.unwrap().unwrap();
        (deal.state == DealState::Stalled).then_some(deal.checkpoint.unwrap())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(client.shares(checkpoint, CheckpointKind::Commits).await.unwrap(), Vec::new());
    assert_eq!(client.certified(0, 1).await.unwrap().items, Vec::new());
    let kept = node.validators()[0].store.shares(checkpoint, CheckpointKind::Commits).unwrap();
    assert_eq!(kept.len(), 4, "they are needed once a leg is proven released");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hash_of_an_attested_block_is_not_signed_after_a_restart() {
    let world = World::in_memory();
    let node = world.start().await;
    let before = client(&node);
    submit(&before, &[world.sent(1)]).await;
    certified(&before, 0).await;
    drop(before);
    node.shutdown().await;

    let node = world.start().await;
    let client = client(&node);
    let mut other = world.sent(1);
    other.origin.block_hash = B256::repeat_byte(0xee);
    submit(&client, std::slice::from_ref(&other)).await;
    for index in 0..4 {
        let reason = eventually("the evidence", || async { node.validators()[index].halted() }).await;
        assert!(reason.contains("never signed") && reason.contains(&other.origin.block_hash.to_string()), "{reason}");
    }
    assert!(node.validators()[0].store.tally(&other.id()).unwrap().is_none());
    assert!(client.status().await.unwrap().chains.iter().all(|chain| chain.frozen.is_none()));
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_that_fell_behind_catches_up() {
    let mut world = World::in_memory();
    let last = world.stores.pop().unwrap();
    let node = world.start().await;
    let client_before = client(&node);
    submit(&client_before, &[world.sent(1)]).await;
    certified(&client_before, 0).await;
    node.shutdown().await;

    world.stores.push(last);
    let node = world.start().await;
    let client = client(&node);
    eventually("the fourth validator's tip", || async {
        let hosted = client.status().await.unwrap().hosted;
        (hosted[3].height > Height(0) && hosted[3].height >= hosted[0].height).then_some(())
    })
    .await;
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_genesis_is_refused() {
    let mut world = World::in_memory();
    world.start().await.shutdown().await;
    world.genesis.timing.recovery_s += 1;
    assert!(matches!(world.try_start().await, Err(StartError::Store { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_key_is_refused() {
    let mut world = World::in_memory();
    world.signers[2] = signer(1);
    assert!(matches!(world.try_start().await, Err(StartError::Twice(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_log_is_refused() {
    let mut world = World::in_memory();
    let node = world.start().await;
    let client = client(&node);
    eventually("a block", || async { (client.status().await.unwrap().height > Height(0)).then_some(()) }).await;
    drop(client);
    node.shutdown().await;
    world.log = Arc::new(MemoryStore::new(CONSENSUS_COLUMNS));
    assert!(matches!(world.try_start().await, Err(StartError::OtherLog { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_beyond_the_skew_is_refused() {
    let mut world = World::in_memory();
    world.settings.consensus.time_lead_max_s = world.genesis.timing.skew_max_s + 1;
    assert!(matches!(world.try_start().await, Err(StartError::Lead { .. })));
}
