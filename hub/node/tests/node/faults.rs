//! What one or two faulty validators can do.

use infrastrukt_api::{EvidenceOutcome, HubApiClient, MessageState};
use infrastrukt_ports::{Column, StoreError, Write};
use infrastrukt_protocol::{CheckpointRecord, Hub};
use infrastrukt_store::HubStore;
use infrastrukt_types::{B256, Checkpoint, CheckpointKind, Height};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    hooked::HookedStore,
    world::{Manner, World, certified, client, eventually, submit},
};

#[tokio::test(flavor = "multi_thread")]
async fn one_halted_validator_does_not_stop_the_hub() {
    let world = World::in_memory();
    world.behave(2, Manner::Halts);
    let node = world.start().await;
    let client = client(&node);
    submit(&client, &[world.sent(1)]).await;
    assert_eq!(certified(&client, 0).await.leaves.len(), 1);
    eventually("the reason in the status", || async {
        let halted = client.status().await.unwrap().hosted.remove(2).halted;
        halted.filter(|reason| reason.contains("a final block changed"))
    })
    .await;
    assert_eq!(submit(&client, &[world.sent(2)]).await, EvidenceOutcome::Accepted);
    assert_eq!(certified(&client, 1).await.leaves.len(), 1);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_halted_validators_stop_the_chain_and_say_why() {
    let world = World::in_memory();
    world.behave(0, Manner::Halts);
    world.behave(1, Manner::Halts);
    let node = world.start().await;
    let client = client(&node);
    let fact = world.sent(1);
    submit(&client, std::slice::from_ref(&fact)).await;
    let reason = eventually("the refusal", || async {
        match submit(&client, std::slice::from_ref(&fact)).await {
            EvidenceOutcome::Retry { reason, .. } => Some(reason),
            EvidenceOutcome::Accepted | EvidenceOutcome::Rejected { .. } => None,
        }
    })
    .await;
    assert!(reason.contains("a final block changed"), "{reason}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(client.certified(0, 1).await.unwrap().items.is_empty());
    assert_eq!(client.message(world.message_id(&fact)).await.unwrap(), None);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lying_view_proves_nothing() {
    let world = World::in_memory();
    world.behave(3, Manner::Lies);
    let node = world.start().await;
    let client = client(&node);
    let fact = world.sent(1);
    submit(&client, std::slice::from_ref(&fact)).await;
    let checkpoint = certified(&client, 0).await;
    assert_eq!(checkpoint.leaves.len(), 1);
    let message = client.message(world.message_id(&fact)).await.unwrap().unwrap();
    assert_eq!(message.state, MessageState::Certified);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(client.certified(1, 1).await.unwrap().items, Vec::new());
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_report_alone_failed_stops_nobody() {
    let mut world = World::in_memory();
    let failed = Arc::new(AtomicBool::new(false));
    let once = failed.clone();
    world.stores[1] = HookedStore::over(world.stores[1].clone(), move |inner, batch| {
        let block = batch.0.iter().any(|write| matches!(write, Write::Put { column: Column("blocks"), .. }));
        inner.commit(batch)?;
        if block && !once.swap(true, Ordering::Relaxed) {
            return Err(StoreError::Io("written, and yet an error".into()));
        }
        Ok(())
    });
    let node = world.start().await;
    let client = client(&node);
    submit(&client, &[world.sent(1)]).await;
    let height = certified(&client, 0).await.checkpoint.height;
    let second = &node.validators()[1];
    eventually("its tip", || async { (second.height() > height).then_some(()) }).await;
    assert_eq!((failed.load(Ordering::Relaxed), second.halted()), (true, None));
    node.shutdown().await;
}

fn foreign_record(height: u64) -> CheckpointRecord {
    let checkpoint = Checkpoint {
        hub_id: Default::default(),
        kind: CheckpointKind::General,
        epoch: Default::default(),
        valset_hash: B256::ZERO,
        height: Height(height),
        time: Default::default(),
        outbox_root: B256::repeat_byte(1),
        state_root: B256::ZERO,
    };
    CheckpointRecord { checkpoint, leaves: Vec::new(), certificate: None, cursor: None, superseded: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_digest_is_never_signed() {
    let world = World::in_memory();
    {
        let store = HubStore::open(world.stores[1].clone(), &Hub::new(world.genesis.clone())).unwrap();
        for height in 1..500 {
            store.sign_once(&foreign_record(height)).unwrap();
        }
    }
    let node = world.start().await;
    let client = client(&node);
    submit(&client, &[world.sent(1)]).await;
    let checkpoint = certified(&client, 0).await;
    let set = &world.genesis.identity.validators;
    assert_eq!(checkpoint.certificate.verify(set, checkpoint.checkpoint.digest()), Ok(()));
    let reason = eventually("the stop", || async { client.status().await.unwrap().hosted.remove(1).halted }).await;
    assert!(reason.contains("never signed"), "{reason}");
    node.shutdown().await;
}
