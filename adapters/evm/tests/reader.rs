//! Reading a real node, honest and not.

mod common;

use alloy::consensus::Header;
use alloy_primitives::{Address, B256};
use common::{
    ANSWERS_SIX, ANSWERS_ZERO, CHAIN, CONTRACTS, Node, TARGET, chain, chain_of, config, dead_url, proxy::Proxy, sent,
};
use infrastrukt_evm::{EvmConfig, bindings::IGateway};
use infrastrukt_ports::{CheckStatus, LockStatus, PortError, Remedy, Scan, ScanCursor};
use infrastrukt_types::{Account, Amount, ChainId, Epoch, Evidence, Fact, FactKind, LockKey, Nonce};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const START: ScanCursor = ScanCursor { next: 0, parent: None };

/// A node with two messages and a lock in final blocks.
async fn busy_node() -> Node {
    let node = Node::start().await;
    node.emit_sent(1).await;
    node.mine(3).await;
    node.emit_locked(5).await;
    node.emit_sent(2).await;
    node.mine(3).await;
    node
}

async fn scan(urls: &[String], quorum: usize) -> Result<Scan, PortError> {
    chain(urls, quorum).reader().scan(START, 100).await
}

fn facts(scan: &Scan) -> Vec<&FactKind> {
    scan.blocks.iter().flat_map(|block| &block.facts).map(|fact| &fact.kind).collect()
}

fn assert_halts(result: Result<Scan, PortError>, words: &[&str]) {
    let error = result.expect_err("nobody can be believed");
    assert_eq!(error.remedy, Remedy::Halt, "{error}");
    for word in words {
        assert!(error.message.contains(word), "{error} should name {word}");
    }
}

#[tokio::test]
async fn reads_every_fact_of_final_blocks_once() {
    let node = busy_node().await;
    let reader = node.chain().reader();
    let mut cursor = START;
    let mut found: Vec<Fact> = Vec::new();
    loop {
        let scan = reader.scan(cursor, 3).await.expect("scans");
        found.extend(scan.blocks.into_iter().flat_map(|block| block.facts));
        if scan.cursor == cursor {
            break;
        }
        assert!(scan.cursor.next <= cursor.next + 3 && scan.cursor.parent.is_some());
        cursor = scan.cursor;
    }
    assert_eq!(cursor.next, node.head().await - 1, "final blocks are two behind the head");
    let kinds: Vec<&FactKind> = found.iter().map(|fact| &fact.kind).collect();
    assert!(matches!(
        kinds.as_slice(),
        [FactKind::Sent { .. }, FactKind::Locked { index: 5, .. }, FactKind::Sent { .. }]
    ));
    assert!(found.windows(2).all(|pair| pair[0].origin < pair[1].origin));
}

#[tokio::test]
async fn a_validator_proves_what_a_relayer_read() {
    let node = busy_node().await;
    let chain = node.chain();
    let scan = chain.reader().scan(START, 100).await.expect("scans");
    let verifier = chain.verifier();
    for block in &scan.blocks {
        let proven = verifier.verify(&block.evidence).await.expect("verifies");
        assert_eq!(proven.iter().map(|fact| fact.get().clone()).collect::<Vec<_>>(), block.facts);
    }
    let Evidence::Receipts(genuine) = scan.blocks[0].evidence.clone();
    let refuse = |change: fn(&mut infrastrukt_types::ReceiptEvidence)| {
        let mut evidence = genuine.clone();
        change(&mut evidence);
        let verifier = verifier.clone();
        async move { verifier.verify(&Evidence::Receipts(evidence)).await.expect_err("is refused").remedy }
    };
    assert_eq!(refuse(|evidence| evidence.block_hash = B256::repeat_byte(1)).await, Remedy::Reject);
    assert_eq!(refuse(|evidence| evidence.chain = ChainId(1)).await, Remedy::Reject);
    assert_eq!(refuse(|evidence| evidence.receipts.clear()).await, Remedy::Reject);
    assert_eq!(refuse(|evidence| evidence.receipts[0].tx_index += 1).await, Remedy::Reject);
    assert_eq!(refuse(|evidence| evidence.receipts.push(evidence.receipts[0].clone())).await, Remedy::Reject);
    assert_eq!(refuse(|evidence| evidence.receipts[0].nodes.push(vec![1].into())).await, Remedy::Reject);
    let early = refuse(|evidence| evidence.block_number += 1_000).await;
    assert!(matches!(early, Remedy::Retry { .. }), "not final yet is wait, not reject");
}

#[tokio::test]
async fn kelp_lying_endpoint_that_drops_a_log_halts() {
    let node = busy_node().await;
    let proxy = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_getBlockReceipts" {
            for receipt in result.as_array_mut().expect("is a list") {
                receipt["logs"] = json!([]);
            }
        }
    })
    .await;
    assert_halts(scan(&[proxy.url()], 1).await, &[&proxy.host(), "receipts"]);
}

#[tokio::test]
async fn an_endpoint_that_invents_a_log_halts() {
    let node = busy_node().await;
    let proxy = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_getBlockReceipts"
            && let Some(Value::Array(logs)) = result.pointer_mut("/0/logs")
            && let Some(first) = logs.first().cloned()
        {
            logs.push(first);
        }
    })
    .await;
    assert_halts(scan(&[proxy.url()], 1).await, &[&proxy.host(), "receipts"]);
}

#[tokio::test]
async fn an_endpoint_that_changes_a_block_halts() {
    let node = busy_node().await;
    let proxy = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_getBlockByNumber" && result["number"] == "0x2" {
            result["receiptsRoot"] = json!(B256::repeat_byte(1));
        }
    })
    .await;
    assert_halts(scan(&[proxy.url()], 1).await, &[&proxy.host(), "block 2"]);
}

#[tokio::test]
async fn an_endpoint_that_serves_another_fork_halts() {
    let node = busy_node().await;
    let proxy = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_getBlockByNumber" && result["number"] == "0x2" {
            result["extraData"] = json!("0x1234");
            let header: Header = serde_json::from_value(result.clone()).expect("is a header");
            result["hash"] = json!(header.hash_slow());
        }
    })
    .await;
    assert_halts(scan(&[proxy.url()], 1).await, &[&proxy.host(), "another fork"]);
}

#[tokio::test]
async fn a_changed_final_block_halts() {
    let node = busy_node().await;
    let cursor = ScanCursor { next: 2, parent: Some(B256::repeat_byte(9)) };
    assert_halts(node.chain().reader().scan(cursor, 10).await, &["final block 1", "changed"]);

    let snapshot: Value = node.rpc("evm_snapshot", json!([])).await;
    node.mine(4).await;
    let reader = node.chain().reader();
    let read = reader.scan(START, 100).await.expect("scans");
    node.rpc::<bool>("evm_revert", json!([snapshot])).await;
    node.emit_sent(9).await;
    node.mine(8).await;
    assert_halts(reader.scan(read.cursor, 100).await, &["changed"]);
}

#[tokio::test]
async fn a_wrong_chain_behind_an_endpoint_is_named() {
    let node = Node::start().await;
    let proxy = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_chainId" {
            *result = json!("0x1");
        }
    })
    .await;
    assert_halts(scan(&[proxy.url()], 1).await, &[&proxy.host(), "serves chain"]);
}

#[tokio::test]
async fn a_quorum_outvotes_a_liar_and_survives_a_dead_endpoint() {
    let node = busy_node().await;
    let honest = [Proxy::lying(node.url(), |_, _, _| {}).await, Proxy::lying(node.url(), |_, _, _| {}).await];
    let liar = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_getBlockByNumber" && !result["number"].is_null() {
            result["extraData"] = json!("0x1234");
            let header: Header = serde_json::from_value(result.clone()).expect("is a header");
            result["hash"] = json!(header.hash_slow());
        }
        if method == "eth_getBlockReceipts" {
            *result = json!([]);
        }
    })
    .await;
    for order in [[liar.url(), honest[0].url(), honest[1].url()], [honest[0].url(), liar.url(), honest[1].url()]] {
        let scan = scan(&order, 2).await.expect("two of three agree");
        assert_eq!(facts(&scan).len(), 3);
    }
    let scan_dead = scan(&[dead_url(), honest[0].url(), honest[1].url()], 2).await.expect("fail-over reaches two");
    assert_eq!(facts(&scan_dead).len(), 3);

    let stuck = Proxy::lying(node.url(), |method, params, result| {
        if method == "eth_getBlockByNumber" && params[0] == "finalized" {
            result["number"] = json!("0x0");
            let header: Header = serde_json::from_value(result.clone()).expect("is a header");
            result["hash"] = json!(header.hash_slow());
        }
    })
    .await;
    let scan_stuck = scan(&[stuck.url(), honest[0].url(), honest[1].url()], 2).await.expect("two of three go on");
    assert_eq!(facts(&scan_stuck).len(), 3);

    let disputed = scan(&[liar.url(), honest[0].url(), dead_url()], 2).await.expect_err("the third could decide");
    assert!(matches!(disputed.remedy, Remedy::Retry { .. }), "{disputed}");
    assert!(disputed.message.contains("differ"), "{disputed}");
    let contradicted = scan(&[liar.url(), honest[0].url()], 2).await;
    assert_halts(contradicted, &[&liar.host(), &honest[0].host(), "contradict"]);
    let alone = scan(&[dead_url(), honest[0].url()], 2).await.expect_err("fail-over never lowers k");
    assert!(matches!(alone.remedy, Remedy::Retry { .. }), "{alone}");
}

#[tokio::test]
async fn a_message_of_another_hub_halts() {
    let node = Node::start().await;
    node.emit(CONTRACTS.gateway, &IGateway::Sent { id: B256::repeat_byte(3), ..sent(1) }).await;
    node.mine(3).await;
    assert_halts(scan(&[node.url()], 1).await, &["another hub"]);
}

#[tokio::test]
async fn health_names_what_is_missing() {
    let node = busy_node().await;
    node.set_code(CONTRACTS.escrow, &[]).await;
    let checks = chain(&[node.url(), dead_url()], 2).reader().check().await;
    let failed: Vec<&str> =
        checks.iter().filter(|check| check.status == CheckStatus::Fail).map(|check| check.name.as_str()).collect();
    assert!(failed.contains(&"endpoint 127.0.0.1:9"), "{failed:?}");
    assert!(failed.contains(&format!("escrow {}", CONTRACTS.escrow).as_str()), "{failed:?}");
    assert!(failed.contains(&"verifier epoch"), "{failed:?}");
    let endpoint = checks.iter().find(|check| check.name.starts_with("endpoint ") && check.status == CheckStatus::Ok);
    assert!(endpoint.is_some_and(|check| check.detail.contains(&CHAIN.to_string())), "{checks:?}");

    let reader = node.chain().reader();
    let without_code = reader.lock_status(LockKey(B256::ZERO)).await.expect_err("has no code");
    assert_eq!(without_code.remedy, Remedy::Reject);
    assert!(without_code.message.contains("no code"), "{without_code}");
}

#[tokio::test]
async fn reads_balances() {
    let node = Node::start().await;
    let reader = node.chain().reader();
    let rich = reader.balance(Account::from(common::SENDER), Account::ZERO).await.expect("reads");
    assert_eq!(rich.0, 10_000 * 10u128.pow(18));
    let poor = reader.balance(Account::from(Address::repeat_byte(0x99)), Account::ZERO).await.expect("reads");
    assert_eq!(poor.0, 0);
    assert_eq!(reader.token(Account::ZERO).await.expect("reads").decimals, 18);
    assert!(reader.rpc_calls() >= 2);
}

#[tokio::test]
async fn one_liar_and_a_time_out_are_waited_out() {
    let node = busy_node().await;
    let liar = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_getBlockByNumber" && !result["number"].is_null() {
            result["receiptsRoot"] = json!(B256::repeat_byte(1));
        }
    })
    .await;
    let honest = Proxy::lying(node.url(), |_, _, _| {}).await;
    let error = scan(&[liar.url(), node.url(), dead_url()], 2).await.expect_err("one of two is too few");
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
    assert_eq!(facts(&scan(&[liar.url(), node.url(), honest.url()], 2).await.expect("two agree")).len(), 3);
    assert_halts(scan(&[liar.url(), node.url()], 2).await, &[&liar.host()]);
}

#[tokio::test]
async fn false_receipts_are_waited_out_while_another_endpoint_is_away() {
    let node = busy_node().await;
    let liar = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_getBlockReceipts" {
            *result = json!([]);
        }
    })
    .await;
    let away = Proxy::refusing(node.url(), "eth_getBlockReceipts").await;
    let error = scan(&[liar.url(), away.url()], 2).await.expect_err("nobody gives the receipts");
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
}

#[tokio::test]
async fn an_empty_answer_of_one_endpoint_is_no_answer() {
    let node = Node::start().await;
    node.set_code(CONTRACTS.gateway, &ANSWERS_ZERO).await;
    let empty = |url: String| {
        Proxy::lying(url, |method, _, result| {
            if method == "eth_call" {
                *result = json!("0x");
            }
        })
    };
    let (one, other) = (empty(node.url()).await, empty(node.url()).await);
    let honest = Proxy::lying(node.url(), |_, _, _| {}).await;
    let ask = |urls: Vec<String>| async move { chain(&urls, 2).reader().is_consumed(TARGET, Nonce(1)).await };
    assert!(!ask(vec![one.url(), node.url(), honest.url()]).await.expect("the other two answer"));
    let alone = ask(vec![one.url(), dead_url()]).await.expect_err("nobody else answers");
    assert!(matches!(alone.remedy, Remedy::Retry { .. }), "{alone}");
    let both = ask(vec![one.url(), other.url()]).await.expect_err("two say so");
    assert_eq!(both.remedy, Remedy::Reject, "{both}");
}

#[tokio::test]
async fn money_is_counted_by_a_quorum() {
    let node = Node::start().await;
    let token = Address::repeat_byte(0x70);
    node.set_code(token, &ANSWERS_SIX).await;
    node.set_code(CONTRACTS.escrow, &ANSWERS_ZERO).await;
    let liar = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_call" {
            // One decimal, or a lock that is there.
            *result = json!(format!("0x{:064x}{:064x}", 1, 0));
        }
    })
    .await;
    let honest = Proxy::lying(node.url(), |_, _, _| {}).await;

    let split = chain(&[liar.url(), node.url()], 2).reader();
    let decimals = split.token(Account::from(token)).await.expect_err("one against one");
    assert!(matches!(decimals.remedy, Remedy::Retry { .. }), "{decimals}");
    let lock = split.lock_status(LockKey(B256::ZERO)).await.expect_err("one against one");
    assert!(matches!(lock.remedy, Remedy::Retry { .. }), "{lock}");

    let outvoted = chain(&[liar.url(), node.url(), honest.url()], 2).reader();
    assert_eq!(outvoted.token(Account::from(token)).await.expect("two agree").decimals, 6);
    assert_eq!(outvoted.lock_status(LockKey(B256::ZERO)).await.expect("two agree"), LockStatus::None);
}

#[tokio::test]
async fn nothing_is_believed_on_the_word_of_one_endpoint() {
    const YEAR_3000: u64 = 32_503_680_000;
    let node = Node::start().await;
    for contract in [CONTRACTS.gateway, CONTRACTS.escrow, CONTRACTS.verifier] {
        node.set_code(contract, &ANSWERS_ZERO).await;
    }
    let (account, coin) = (Account::from(common::SENDER), Account::ZERO);
    let honest = Proxy::lying(node.url(), |_, _, _| {}).await;
    let truth = node.chain().reader();
    let (now, balance) = (truth.now().await.expect("reads"), truth.balance(account, coin).await.expect("reads"));
    for (word, time, wei) in [(1, YEAR_3000, u128::MAX), (u64::MAX, 1, 0)] {
        let liar = Proxy::lying(node.url(), move |method, _, result| match method {
            "eth_call" => *result = json!(format!("0x{word:064x}{word:064x}")),
            "eth_getBalance" => *result = json!(format!("0x{wei:x}")),
            "eth_getBlockByNumber" => result["timestamp"] = json!(format!("0x{time:x}")),
            _ => {}
        })
        .await;
        let reader = chain(&[liar.url(), node.url(), honest.url()], 2).reader();
        assert_eq!(reader.now().await.expect("two tell it"), now);
        assert_eq!(reader.balance(account, coin).await.expect("two tell it"), balance);
        assert_eq!(reader.credit(account, coin).await.expect("two tell it"), Amount::ZERO);
        assert!(!reader.is_consumed(TARGET, Nonce(1)).await.expect("two agree"));
        assert!(!reader.is_refunded(TARGET, Nonce(1)).await.expect("two agree"));
        assert_eq!(reader.epoch().await.expect("two agree"), Epoch(0));
    }
}

#[tokio::test]
async fn evidence_from_before_the_contracts_is_refused_unasked() {
    let node = busy_node().await;
    let scan = node.chain().reader().scan(START, 100).await.expect("scans");
    let first = scan.blocks[0].block.number;
    let of = |start_block: u64| chain_of(EvmConfig { start_block, ..config(&[node.url()], 1) });
    let later = of(first + 1);
    let error = later.verifier().verify(&scan.blocks[0].evidence).await.expect_err("is before the contracts");
    assert_eq!(error.remedy, Remedy::Reject, "{error}");
    assert_eq!(later.reader().rpc_calls(), 0);
    of(first).verifier().verify(&scan.blocks[0].evidence).await.expect("the first block counts");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let (url, to) = (listener.local_addr().expect("is bound"), elsewhere.local_addr().expect("is bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{to}\r\ncontent-length: 0\r\n\r\n");
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    let error = chain(&[format!("http://{url}")], 1).reader().finalized().await.expect_err("is no answer");
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
    assert!(tokio::time::timeout(Duration::from_millis(200), elsewhere.accept()).await.is_err());
}
