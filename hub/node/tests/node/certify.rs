//! What an honest hub does.

use infrastrukt_api::{DealState, EvidenceOutcome, HubApiClient, MessageFilter, MessageState};
use infrastrukt_types::{CheckpointKind, FactKind, Leaf, Outbox};
use jsonrpsee::ws_client::WsClientBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{CHAIN_A, CHAIN_B, Manner, World, certified, client, eventually, lock_all, origin, submit};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_becomes_certified() {
    let world = World::in_memory();
    let node = world.start().await;
    let client = client(&node);
    let facts: Vec<_> = (1..=3).map(|nonce| world.sent(nonce)).collect();
    assert_eq!(submit(&client, &facts).await, EvidenceOutcome::Accepted);

    let checkpoint = certified(&client, 0).await;
    let set = &world.genesis.identity.validators;
    assert_eq!(checkpoint.certificate.verify(set, checkpoint.checkpoint.digest()), Ok(()));
    assert_eq!(checkpoint.checkpoint.hub_id, world.hub_id());
    let ids: Vec<_> = facts.iter().map(|fact| world.message_id(fact)).collect();
    let leaves: Vec<_> = checkpoint.leaves.iter().map(|leaf| leaf.leaf.clone()).collect();
    assert_eq!(leaves, ids.iter().copied().map(Leaf::Message).collect::<Vec<_>>());

    // Whoever has the leaves proves any of them, without asking the hub for a proof.
    let outbox = Outbox::new(leaves.iter().map(Leaf::hash).collect()).unwrap();
    let proof = outbox.prove(&[1]).unwrap();
    assert_eq!(proof.root(&[leaves[1].hash()]), Ok(checkpoint.checkpoint.outbox_root));

    let message = client.message(ids[0]).await.unwrap().unwrap();
    assert_eq!(message.state, MessageState::Certified);
    assert_eq!(message.checkpoint, Some(checkpoint.checkpoint.height));
    let same = client.certified_checkpoint(checkpoint.checkpoint.height, CheckpointKind::General).await.unwrap();
    assert_eq!(same, Some(checkpoint));
    assert_eq!(client.proven_heights().await.unwrap()[0].block, 3);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_is_followed_to_its_end_and_pushed() {
    let world = World::in_memory();
    let node = world.start().await;
    let client = client(&node);
    let push = WsClientBuilder::default().build(format!("ws://{}", node.api_addr)).await.unwrap();
    let mut certificates = push.subscribe_certified(0).await.unwrap();
    let sent = world.sent(1);
    let id = world.message_id(&sent);
    submit(&client, std::slice::from_ref(&sent)).await;
    let pushed = certificates.next().await.unwrap().unwrap();
    assert_eq!(pushed.leaves[0].leaf, Leaf::Message(id));
    assert_eq!(pushed.leaves[0].message.as_ref().map(|message| message.source), Some(CHAIN_A));

    let delivered = infrastrukt_types::Fact { origin: origin(CHAIN_B, 7), kind: FactKind::Delivered(id) };
    assert_eq!(submit(&client, &[delivered]).await, EvidenceOutcome::Accepted);
    eventually("the delivery", || async {
        let message = client.message(id).await.unwrap().unwrap();
        (message.state == MessageState::Delivered).then_some(())
    })
    .await;
    let filter = MessageFilter { state: Some(MessageState::Delivered), ..MessageFilter::default() };
    assert_eq!(client.messages(filter).await.unwrap().items.len(), 1);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_is_not_final_yet_is_tried_again() {
    let world = World::in_memory();
    for validator in 0..4 {
        world.behave(validator, Manner::NotFinal(3));
    }
    let node = world.start().await;
    let client = client(&node);
    let checkpoint = eventually("a certificate", || async {
        submit(&client, &[world.sent(1)]).await;
        client.certified(0, 1).await.unwrap().items.pop()
    })
    .await;
    assert_eq!(checkpoint.leaves.len(), 1);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_commits_when_every_leg_is_locked() {
    let world = World::in_memory();
    let node = world.start().await;
    let client = client(&node);
    let (id, deal) = lock_all(&world, &client).await;
    let checkpoint = certified(&client, 0).await;
    assert_eq!(checkpoint.checkpoint.kind, CheckpointKind::Commits);
    assert_eq!(checkpoint.leaves[0].deal, Some(deal));
    let view = client.deal(id).await.unwrap().unwrap();
    assert_eq!(view.state, DealState::Certified);
    node.shutdown().await;
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_health_readiness_and_metrics() {
    let world = World::in_memory();
    let node = world.start().await;
    let operator = node.operator_addr;
    assert!(get(operator, "/healthz").await.starts_with("HTTP/1.1 200"));
    eventually("readiness", || async { get(operator, "/readyz").await.starts_with("HTTP/1.1 200").then_some(()) })
        .await;
    assert!(get(operator, "/metrics").await.contains("metrics"));
    assert!(get(operator, "/elsewhere").await.starts_with("HTTP/1.1 404"));
    node.shutdown().await;
}
