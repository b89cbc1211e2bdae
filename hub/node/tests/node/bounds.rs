//! What the interface refuses.

use infrastrukt_api::{ErrorCode, EvidenceOutcome, HubApiClient, MessageFilter};
use infrastrukt_types::{B256, ChainId, DealCancel, DealId, Evidence, FactKind, Leaf, MessageId};
use jsonrpsee::core::{ClientError, client::ClientT, params::BatchRequestBuilder};
use std::{collections::BTreeSet, net::SocketAddr, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{FINAL_HEAD, World, certified, client, eventually, evidence, submit};

pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> i32 {
    match outcome {
        Err(ClientError::Call(error)) => error.code(),
        other => panic!("not a typed refusal: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_evidence_is_answered_item_by_item() {
    let world = World::in_memory();
    let node = world.start().await;
    let client = client(&node);
    let good = evidence(&[world.sent(1)]);
    let Evidence::Receipts(mut elsewhere) = good.clone();
    elsewhere.chain = ChainId(999);
    let Evidence::Receipts(mut empty) = good.clone();
    empty.receipts.clear();
    let offered = vec![good.clone(), Evidence::Receipts(elsewhere), Evidence::Receipts(empty)];
    let outcomes = client.submit_evidence(offered).await.unwrap();
    assert_eq!(outcomes[0], EvidenceOutcome::Accepted);
    assert!(matches!(&outcomes[1], EvidenceOutcome::Rejected { reason } if reason.contains("not registered")));
    assert!(matches!(&outcomes[2], EvidenceOutcome::Rejected { reason } if reason.contains("receipts")));
    assert_eq!(code(client.submit_evidence(vec![good; 65]).await), ErrorCode::Refused as i32);
    assert_eq!(code(client.submit_evidence(Vec::new()).await), ErrorCode::Refused as i32);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_deal_is_refused_with_its_rule() {
    let world = World::in_memory();
    let node = world.start().await;
    let client = client(&node);
    let deal = client.quote_deal(world.terms()).await.unwrap();
    let mut hasty = deal.clone();
    hasty.legs[0].escape_at = hasty.lock_by;
    assert_eq!(code(client.register_deal(hasty).await), ErrorCode::Refused as i32);
    let mut endless = world.terms();
    endless.lock_within_s = 10_000_000;
    assert_eq!(code(client.quote_deal(endless).await), ErrorCode::Refused as i32);

    let cancel = DealCancel { deal: DealId::default(), signatures: Vec::new() };
    assert_eq!(code(client.cancel_deal(cancel).await), ErrorCode::Refused as i32);
    let id = client.register_deal(deal).await.unwrap();
    for length in [65, 1 << 20] {
        let forged = DealCancel { deal: id, signatures: vec![vec![1; length].into(), vec![2; length].into()] };
        assert_eq!(code(client.cancel_deal(forged).await), ErrorCode::Refused as i32);
        assert_eq!(client.status().await.unwrap().pending, 0, "junk must not reach the log");
    }
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_slowed_down() {
    let mut world = World::in_memory();
    world.settings.api.calls_per_second = 1;
    world.settings.api.calls_burst = 64;
    let node = world.start().await;
    let client = client(&node);
    let mut refused = None;
    for _ in 0..80 {
        if let Err(error) = client.status().await {
            refused = Some(error);
            break;
        }
    }
    assert_eq!(code(Err::<(), _>(refused.unwrap())), ErrorCode::Busy as i32);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_requests_and_batches_are_refused() {
    let mut world = World::in_memory();
    world.settings.api.request_bytes_max = 64 << 10;
    world.settings.api.batch_max = 2;
    let node = world.start().await;
    let client = client(&node);
    let mut large = vec![evidence(&[world.sent(1)])];
    let Evidence::Receipts(receipts) = &mut large[0];
    receipts.receipts[0].receipt = vec![0; 64 << 10].into();
    assert!(client.submit_evidence(large).await.is_err());
    let mut batch = BatchRequestBuilder::new();
    for _ in 0..3 {
        batch.insert("hub_status", jsonrpsee::rpc_params![]).unwrap();
    }
    assert!(client.batch_request::<serde_json::Value>(batch).await.is_err());
    assert!(client.status().await.is_ok());
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interface_describes_itself() {
    let world = World::in_memory();
    let node = world.start().await;
    let document = client(&node).discover().await.unwrap();
    assert_eq!(document["methods"][0]["name"], "hub_status");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_of_future_blocks_is_not_kept_and_honest_evidence_is_proven() {
    let mut world = World::in_memory();
    world.settings.evidence.queue_bytes_max = 1 << 20;
    world.settings.evidence.queue_bytes_per_caller_max = 1 << 20;
    let node = world.start().await;
    let client = client(&node);
    for round in 0..40 {
        let junk = (1..=64).map(|item| evidence(&[world.sent(FINAL_HEAD + 64 * round + item)])).collect();
        for outcome in client.submit_evidence(junk).await.unwrap() {
            let EvidenceOutcome::Retry { reason, .. } = outcome else { panic!("{outcome:?}") };
            assert!(reason.contains("final"), "{reason}");
        }
    }
    assert_eq!(submit(&client, &[world.sent(1)]).await, EvidenceOutcome::Accepted);
    assert_eq!(certified(&client, 0).await.leaves.len(), 1);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_registers_a_bounded_number_of_deals() {
    let mut world = World::in_memory();
    world.settings.api.registrations_per_minute = 1;
    world.settings.api.registrations_burst = 2;
    let node = world.start().await;
    let client = client(&node);
    let mut deals = Vec::new();
    for nonce in 1..=3 {
        let mut terms = world.terms();
        terms.nonce = B256::repeat_byte(nonce);
        deals.push(client.quote_deal(terms).await.unwrap());
    }
    for deal in &deals[..2] {
        client.register_deal(deal.clone()).await.unwrap();
    }
    assert_eq!(code(client.register_deal(deals[2].clone()).await), ErrorCode::Busy as i32);
    client.register_deal(deals[0].clone()).await.expect("the same again takes no place");
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_cost_more_than_other_calls() {
    let mut world = World::in_memory();
    world.settings.api.calls_per_second = 1;
    world.settings.api.calls_burst = 50;
    let node = world.start().await;
    let client = client(&node);
    for _ in 0..2 {
        client.messages(MessageFilter::default()).await.unwrap();
    }
    assert_eq!(code(client.messages(MessageFilter::default()).await), ErrorCode::Busy as i32);
    assert!(client.status().await.is_ok());
    node.shutdown().await;
}

/// Says something and waits for the other side to hang up.
async fn is_closed(address: SocketAddr, said: &str) {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(said.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut heard)).await;
    // Closed or reset: both free the place.
    assert!(closed.is_ok(), "still open after `{said}`");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_are_closed() {
    let mut world = World::in_memory();
    world.settings.api.first_request_timeout_ms = 200;
    world.settings.api.idle_timeout_ms = 300;
    let node = world.start().await;
    is_closed(node.api_addr, "").await;
    is_closed(node.api_addr, "POST / HTTP/1.1\r\nHost").await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"hub_status"}"#;
    let head = "POST / HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json";
    is_closed(node.api_addr, &format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
    assert!(client(&node).status().await.is_ok());
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_stays_short_and_what_it_leaves_out_can_be_asked_for() {
    const MESSAGES: u64 = 24;
    let mut world = World::in_memory();
    world.settings.api.response_bytes_max = 1 << 20;
    let node = world.start().await;
    let client = client(&node);
    let mut wanted = BTreeSet::new();
    let mut facts = Vec::new();
    for nonce in 1..=MESSAGES {
        let mut fact = world.sent(nonce);
        let FactKind::Sent { message, .. } = &mut fact.kind else { panic!("not a sent message") };
        message.payload = vec![7; 32 << 10].into();
        wanted.insert(world.message_id(&fact));
        facts.push(fact);
    }
    assert_eq!(submit(&client, &facts).await, EvidenceOutcome::Accepted);
    let last = *wanted.last().unwrap();
    eventually("the last proof", || async { client.message(last).await.unwrap() }).await;

    let mut found: BTreeSet<MessageId> = BTreeSet::new();
    let mut next = 0;
    while found.len() < wanted.len() {
        let page = eventually("the next page", || async {
            let page = client.certified(next, 1_000).await.unwrap();
            (!page.items.is_empty()).then_some(page)
        })
        .await;
        for view in page.items.iter().flat_map(|item| &item.leaves) {
            let Leaf::Message(id) = &view.leaf else { panic!("not a message") };
            let asked = client.message(*id).await.unwrap().unwrap().message;
            assert_eq!(view.message.as_ref().unwrap_or(&asked), &asked);
            found.insert(*id);
        }
        next = page.next;
    }
    assert_eq!(found, wanted);
    node.shutdown().await;
}
