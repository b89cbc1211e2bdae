//! What survives a stop, and what prevents a wrong start.

use infrastrukt_api::{HubApiClient, MessageState};
use infrastrukt_hub::StartError;
use infrastrukt_store::{CONSENSUS_COLUMNS, MemoryStore};
use infrastrukt_types::{Attestation, Height};
use std::sync::{Arc, Mutex};

use crate::world::{PickySigner, World, certified, client, eventually, genesis, signer, submit};

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
async fn a_foreign_or_repeated_key_is_refused() {
    let mut world = World::in_memory();
    world.signers[2] = signer(9);
    assert!(matches!(world.try_start().await, Err(StartError::NotAValidator(_))));
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
