//! What the interface refuses.

use infrastrukt_api::{ErrorCode, EvidenceOutcome, HubApiClient};
use infrastrukt_types::{ChainId, DealCancel, DealId, Evidence};
use jsonrpsee::core::{ClientError, client::ClientT, params::BatchRequestBuilder};

use crate::world::{World, client, evidence};

fn code<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> i32 {
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
