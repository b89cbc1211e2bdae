//! The transaction manager against a real node, with the accidents it is there for.

mod common;

use alloy_primitives::{Address, B256, Bytes, hex};
use common::{ACCEPTS, ANSWERS_ZERO, CONTRACTS, Node, SENDER, chain, dead_url, key, proxy::Proxy};
use infrastrukt_evm::{SecretKey, TX_COLUMNS};
use infrastrukt_ports::{Action, ChainWriter, Receipt, Remedy, Store, StoreError, SubmissionKey, SubmissionState};
use infrastrukt_store::{MemoryStore, RocksStore};
use infrastrukt_types::{Account, Amount, DealId, Leg, LegRef, Timestamp};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(TX_COLUMNS))
}

fn writer(url: String, store: &Arc<dyn Store>) -> Arc<dyn ChainWriter> {
    chain(&[url], 1).writer(store.clone(), &key()).expect("is set up")
}

fn submission(byte: u8) -> SubmissionKey {
    SubmissionKey(B256::repeat_byte(byte))
}

/// A call of the escrow that costs nothing.
fn action() -> Action {
    Action::WithdrawCredit { token: Account::ZERO, account: Account::from(SENDER) }
}

async fn accepting(node: Node) -> Node {
    node.set_code(CONTRACTS.escrow, &ACCEPTS).await;
    node
}

async fn finish(node: &Node, writer: &Arc<dyn ChainWriter>, byte: u8) -> Receipt {
    for _ in 0..12 {
        node.mine(1).await;
        writer.tick().await.expect("ticks");
        match writer.state(submission(byte)).await.expect("has a state") {
            SubmissionState::Final(receipt) => return receipt,
            SubmissionState::Pending | SubmissionState::Included { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("did not become final");
}

#[tokio::test]
async fn a_submission_becomes_final_once() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    assert_eq!(writer.state(submission(1)).await.expect("reads"), SubmissionState::Unknown);
    writer.submit(submission(1), &action()).await.expect("submits");
    writer.submit(submission(1), &action()).await.expect("the same key again changes nothing");
    assert_eq!(writer.state(submission(1)).await.expect("reads"), SubmissionState::Pending);
    node.mine(1).await;
    assert_eq!(writer.tick().await.expect("ticks").open, 1);
    assert!(matches!(writer.state(submission(1)).await, Ok(SubmissionState::Included { .. })));
    let receipt = finish(&node, &writer, 1).await;
    assert!(receipt.gas_used > 21_000 && receipt.fee.0 > 0);
    assert_eq!(node.mined_nonce(SENDER).await, 1);
    writer.submit(submission(1), &action()).await.expect("a finished key changes nothing");
    assert_eq!(writer.tick().await.expect("ticks").open, 0);
    assert_eq!(node.mined_nonce(SENDER).await, 1);
}

#[tokio::test]
async fn many_are_in_flight_up_to_the_bound() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    for byte in 1..=8 {
        writer.submit(submission(byte), &action()).await.expect("submits");
    }
    let full = writer.submit(submission(9), &action()).await.expect_err("is full");
    assert!(matches!(full.remedy, Remedy::Retry { .. }), "{full}");
    for byte in 1..=8 {
        finish(&node, &writer, byte).await;
    }
    assert_eq!(node.mined_nonce(SENDER).await, 8);
    writer.submit(submission(9), &action()).await.expect("there is room again");
}

#[tokio::test]
async fn a_restart_sends_the_same_bytes() {
    let node = accepting(Node::start_manual().await).await;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let open = || -> Arc<dyn Store> { Arc::new(RocksStore::open(folder.path(), TX_COLUMNS).expect("opens")) };
    let cut_off = Proxy::refusing(node.url(), "eth_sendRawTransaction").await;
    {
        let store = open();
        let writer = writer(cut_off.url(), &store);
        writer.submit(submission(1), &action()).await.expect("is stored, though no node took it");
        assert_eq!(cut_off.refusals(), 1);
    }
    let store = open();
    let writer = writer(node.url(), &store);
    assert_eq!(writer.state(submission(1)).await.expect("reads"), SubmissionState::Pending);
    let report = writer.tick().await.expect("ticks");
    assert_eq!((report.rebroadcast, report.open), (1, 1));
    writer.submit(submission(1), &action()).await.expect("the same key again changes nothing");
    finish(&node, &writer, 1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 1);
}

#[tokio::test]
async fn nothing_is_broadcast_that_is_not_stored() {
    let node = accepting(Node::start_manual().await).await;
    let broken = Arc::new(AtomicBool::new(true));
    let switch = broken.clone();
    let fault = move |_: &infrastrukt_ports::Batch| match switch.load(Ordering::SeqCst) {
        true => Err(StoreError::Io("disk full".into())),
        false => Ok(()),
    };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_fault(TX_COLUMNS, fault));
    let watched = Proxy::refusing(node.url(), "eth_sendRawTransaction").await;
    let writer = writer(watched.url(), &store);
    let error = writer.submit(submission(1), &action()).await.expect_err("cannot be stored");
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
    assert_eq!(watched.refusals(), 0);
    assert_eq!(writer.state(submission(1)).await.expect("reads"), SubmissionState::Unknown);
    broken.store(false, Ordering::SeqCst);
    writer.submit(submission(1), &action()).await.expect("is stored");
    assert_eq!(watched.refusals(), 1);
}

#[tokio::test]
async fn a_nonce_gap_is_closed() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    let foreign = node.foreign(Address::repeat_byte(7), Bytes::new(), Some(0)).await;
    writer.submit(submission(1), &action()).await.expect("takes the nonce after the foreign one");
    node.rpc::<Value>("anvil_dropTransaction", json!([foreign])).await;
    node.mine(1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 0, "nothing after a gap is mined");
    let report = writer.tick().await.expect("ticks");
    assert_eq!(report.gaps_healed, 1);
    finish(&node, &writer, 1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 2);
    assert_eq!(writer.tick().await.expect("ticks").open, 0);
}

#[tokio::test]
async fn an_underpriced_transaction_is_replaced() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    writer.submit(submission(1), &action()).await.expect("submits");
    // Four times today's price is more than twice, which is what it offered.
    let gas_price: alloy_primitives::U128 = node.rpc("eth_gasPrice", json!([])).await;
    let dear = format!("0x{:x}", gas_price.to::<u128>() * 4);
    for _ in 0..3 {
        node.rpc::<Value>("anvil_setNextBlockBaseFeePerGas", json!([dear])).await;
        node.mine(1).await;
    }
    assert_eq!(node.mined_nonce(SENDER).await, 0, "it offered too little");
    let report = writer.tick().await.expect("ticks");
    assert_eq!((report.bumped, report.rebroadcast), (1, 0));
    finish(&node, &writer, 1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 1);
}

#[tokio::test]
async fn a_nonce_used_by_another_transaction_is_planned_anew() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let cut_off = Proxy::refusing(node.url(), "eth_sendRawTransaction").await;
    let isolated = writer(cut_off.url(), &store);
    isolated.submit(submission(1), &action()).await.expect("is stored");
    node.foreign(Address::repeat_byte(7), Bytes::new(), Some(0)).await;
    node.mine(1).await;
    let writer = writer(node.url(), &store);
    writer.tick().await.expect("ticks");
    assert_eq!(
        writer.state(submission(1)).await.expect("reads"),
        SubmissionState::Pending,
        "the foreign transaction is not final, so ours might still be mined after a reorganisation"
    );
    assert_eq!(node.mined_nonce(SENDER).await, 1);
    finish(&node, &writer, 1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 2);
}

#[tokio::test]
async fn a_reorganisation_makes_it_pending_again() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    let snapshot: Value = node.rpc("evm_snapshot", json!([])).await;
    writer.submit(submission(1), &action()).await.expect("submits");
    node.mine(1).await;
    writer.tick().await.expect("ticks");
    assert!(matches!(writer.state(submission(1)).await, Ok(SubmissionState::Included { .. })));
    node.rpc::<bool>("evm_revert", json!([snapshot])).await;
    writer.tick().await.expect("ticks");
    assert_eq!(writer.state(submission(1)).await.expect("reads"), SubmissionState::Pending);
    finish(&node, &writer, 1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 1);
}

#[tokio::test]
async fn what_would_revert_is_rejected_with_its_reason() {
    let node = Node::start_manual().await;
    // mstore(0, selector of NothingSettled() << 224); revert(0, 4)
    let selector = <infrastrukt_evm::bindings::IEscrow::NothingSettled as alloy::sol_types::SolError>::SELECTOR;
    let code = [&hex!("63")[..], &selector, &hex!("60e01b60005260046000fd")].concat();
    node.set_code(CONTRACTS.escrow, &code).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    let error = writer.submit(submission(1), &action()).await.expect_err("would revert");
    assert_eq!(error.remedy, Remedy::Reject);
    assert!(error.message.contains("NothingSettled"), "{error}");
    assert_eq!(writer.state(submission(1)).await.expect("reads"), SubmissionState::Unknown);
    node.mine(1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 0);
}

#[tokio::test]
async fn a_revert_on_the_chain_is_told_with_its_reason() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    writer.submit(submission(1), &action()).await.expect("submits");
    // Between simulation and block the contract came to refuse it.
    node.set_code(CONTRACTS.escrow, &hex!("60006000fd")).await;
    node.mine(4).await;
    writer.tick().await.expect("ticks");
    match writer.state(submission(1)).await.expect("reads") {
        SubmissionState::Reverted { reason, .. } => assert!(reason.contains("reverted"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn empty_wallets_are_told_what_to_do() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let chain = node.chain();
    let poor = chain.writer(store.clone(), &SecretKey::random()).expect("is set up");
    let error = poor.submit(submission(1), &action()).await.expect_err("cannot pay gas");
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
    assert!(error.message.contains("send it"), "{error}");

    let leg = Leg {
        chain: common::CHAIN,
        escrow: Account::from(CONTRACTS.escrow),
        token: Account::ZERO,
        amount: Amount(20_000 * 10u128.pow(18)),
        depositor: Account::from(SENDER),
        on_commit: Account::from(SENDER),
        on_abort: Account::from(SENDER),
        escape_at: Timestamp(1),
        escape_window: 1,
        tip: Amount::ZERO,
    };
    let lock = Action::Lock { deal: DealId::default(), leg: LegRef { index: 0, lock_by: Timestamp(1), leg } };
    let rich = writer(node.url(), &store);
    let error = rich.submit(submission(2), &lock).await.expect_err("has only half of it");
    assert_eq!(error.remedy, Remedy::Reject, "{error}");
}

#[tokio::test]
async fn two_writers_with_one_key_share_its_nonces() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writers = [writer(node.url(), &store), writer(node.url(), &store)];
    let both = (1..=6).map(|byte| {
        let writer = writers[usize::from(byte % 2)].clone();
        async move { writer.submit(submission(byte), &action()).await }
    });
    for result in futures::future::join_all(both).await {
        result.expect("submits");
    }
    for byte in 1..=6 {
        finish(&node, &writers[0], byte).await;
    }
    assert_eq!(node.mined_nonce(SENDER).await, 6);
}

/// A message, which would be sent twice if it were executed twice.
fn message() -> Action {
    let (target, recipient) = (common::TARGET, Account::from(SENDER));
    let (deadline, payload) = (Timestamp(0), Bytes::from_static(b"once"));
    Action::Send { target, recipient, gas_limit: 100_000, deadline, payload }
}

async fn quoting(node: Node) -> Node {
    node.set_code(CONTRACTS.gateway, &ANSWERS_ZERO).await;
    node
}

/// An endpoint that has forgotten every receipt while the switch is on.
async fn forgetful(node: &Node, forgets: &Arc<AtomicBool>) -> Proxy {
    let forgets = forgets.clone();
    Proxy::lying(node.url(), move |method, _, result| {
        if method == "eth_getTransactionReceipt" && forgets.load(Ordering::SeqCst) {
            *result = Value::Null;
        }
    })
    .await
}

#[tokio::test]
async fn a_final_block_finishes_a_submission_whose_receipt_is_forgotten() {
    let node = quoting(Node::start_manual().await).await;
    let forgets = Arc::new(AtomicBool::new(false));
    let proxy = forgetful(&node, &forgets).await;
    let store = memory();
    let writer = writer(proxy.url(), &store);
    writer.submit(submission(1), &message()).await.expect("submits");
    node.mine(1).await;
    writer.tick().await.expect("ticks");
    assert!(matches!(writer.state(submission(1)).await, Ok(SubmissionState::Included { succeeded: true, .. })));
    forgets.store(true, Ordering::SeqCst);
    finish(&node, &writer, 1).await;
    assert_eq!(writer.tick().await.expect("ticks").open, 0);
    node.mine(1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 1, "nothing is sent a second time");
}

#[tokio::test]
async fn a_message_without_a_receipt_is_never_sent_again() {
    let node = quoting(Node::start_manual().await).await;
    let forgets = Arc::new(AtomicBool::new(true));
    let proxy = forgetful(&node, &forgets).await;
    let store = memory();
    let writer = writer(proxy.url(), &store);
    writer.submit(submission(1), &message()).await.expect("submits");
    for _ in 0..6 {
        node.mine(1).await;
        assert_eq!(writer.tick().await.expect("ticks").open, 1);
    }
    assert_eq!(writer.state(submission(1)).await.expect("reads"), SubmissionState::Pending);
    assert_eq!(node.mined_nonce(SENDER).await, 1);
    forgets.store(false, Ordering::SeqCst);
    finish(&node, &writer, 1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 1, "it was executed the first time");
}

#[tokio::test]
async fn a_message_is_sent_anew_only_when_a_foreign_transaction_is_named() {
    let node = quoting(Node::start_manual().await).await;
    let store = memory();
    let cut_off = Proxy::refusing(node.url(), "eth_sendRawTransaction").await;
    writer(cut_off.url(), &store).submit(submission(1), &message()).await.expect("is stored");
    node.foreign(Address::repeat_byte(7), Bytes::new(), Some(0)).await;
    node.mine(4).await;

    // An endpoint that shows no transactions of a block cannot name the one that used the nonce.
    let vague = Proxy::lying(node.url(), |method, params, result| {
        if method == "eth_getBlockByNumber" && params[1] == json!(true) {
            result["transactions"] = json!([]);
        }
    })
    .await;
    let unsure = writer(vague.url(), &store);
    assert_eq!(unsure.tick().await.expect("ticks").open, 1);
    node.mine(1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 1, "nothing is sent while nobody knows");

    let sure = writer(node.url(), &store);
    finish(&node, &sure, 1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 2);
}

#[tokio::test]
async fn nonces_of_one_endpoint_are_not_believed() {
    const TAGS: [&[&str]; 2] = [&["pending"], &["latest", "pending"]];
    for tags in TAGS {
        let node = accepting(Node::start_manual().await).await;
        let liar = Proxy::lying(node.url(), move |method, params, result| {
            if method == "eth_getTransactionCount" && tags.iter().any(|tag| params[1] == *tag) {
                *result = json!("0xf4240");
            }
        })
        .await;
        let store = memory();
        let writer = chain(&[liar.url(), node.url()], 2).writer(store.clone(), &key()).expect("is set up");
        writer.submit(submission(1), &action()).await.expect("the other endpoint is asked");
        node.mine(1).await;
        assert_eq!(node.mined_nonce(SENDER).await, 1, "it has the first nonce");
        assert_eq!(writer.tick().await.expect("ticks").gaps_healed, 0);

        let cut_off = Proxy::refusing(node.url(), "eth_getTransactionCount").await;
        let alone = chain(&[liar.url(), cut_off.url()], 2).writer(store.clone(), &key()).expect("is set up");
        let error = alone.submit(submission(2), &action()).await.expect_err("nobody confirms it");
        assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
    }
}

/// Twelve foreign transactions that wait, one of ours behind them, and then none of the foreign ones.
async fn gaps(node: &Node, writer: &Arc<dyn ChainWriter>) {
    let mut foreign = Vec::new();
    for nonce in 0..12 {
        foreign.push(node.foreign(Address::repeat_byte(7), Bytes::new(), Some(nonce)).await);
    }
    writer.submit(submission(1), &action()).await.expect("takes the nonce after the foreign ones");
    for hash in foreign {
        node.rpc::<Value>("anvil_dropTransaction", json!([hash])).await;
    }
}

#[tokio::test]
async fn no_more_gaps_are_filled_at_a_time_than_may_be_in_flight() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    gaps(&node, &writer).await;
    assert_eq!(writer.tick().await.expect("ticks").gaps_healed, 8);
    assert_eq!(writer.tick().await.expect("ticks").gaps_healed, 0, "eight are open");
    finish(&node, &writer, 1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 13);
}

#[tokio::test]
async fn gaps_wait_for_funds() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    let foreign = node.foreign(Address::repeat_byte(7), Bytes::new(), Some(0)).await;
    writer.submit(submission(1), &action()).await.expect("submits");
    node.rpc::<Value>("anvil_dropTransaction", json!([foreign])).await;
    node.rpc::<Value>("anvil_setBalance", json!([SENDER, "0x1"])).await;
    assert_eq!(writer.tick().await.expect("ticks").gaps_healed, 0, "it could not be paid");
    node.rpc::<Value>("anvil_setBalance", json!([SENDER, "0xde0b6b3a7640000"])).await;
    assert_eq!(writer.tick().await.expect("ticks").gaps_healed, 1);
    finish(&node, &writer, 1).await;
}

#[tokio::test]
async fn one_endpoints_revert_is_not_blamed_on_the_action() {
    let node = accepting(Node::start_manual().await).await;
    let (one, other) =
        (Proxy::reverting(node.url(), "eth_estimateGas").await, Proxy::reverting(node.url(), "eth_estimateGas").await);
    let submit = |urls: [String; 2]| async move {
        let writer = chain(&urls, 2).writer(memory(), &key()).expect("is set up");
        writer.submit(submission(1), &action()).await
    };
    let alone = submit([one.url(), dead_url()]).await.expect_err("nobody else answers");
    assert!(matches!(alone.remedy, Remedy::Retry { .. }), "{alone}");
    let both = submit([one.url(), other.url()]).await.expect_err("two say so");
    assert_eq!(both.remedy, Remedy::Reject, "{both}");
    submit([one.url(), node.url()]).await.expect("the other endpoint knows better");
}

#[tokio::test]
async fn a_fee_is_quoted_by_a_quorum() {
    let node = quoting(Node::start_manual().await).await;
    let liar = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_call" {
            *result = json!(format!("0x{:064x}{:064x}", 1_000_000, 0));
        }
    })
    .await;
    let honest = Proxy::lying(node.url(), |_, _, _| {}).await;
    let submit = |urls: Vec<String>| async move {
        let writer = chain(&urls, 2).writer(memory(), &key()).expect("is set up");
        writer.submit(submission(1), &message()).await
    };
    let disputed = submit(vec![liar.url(), node.url()]).await.expect_err("one against one");
    assert!(matches!(disputed.remedy, Remedy::Retry { .. }), "{disputed}");
    submit(vec![liar.url(), node.url(), honest.url()]).await.expect("two agree");
}

#[tokio::test]
async fn an_endpoint_that_swallows_transactions_keeps_none_from_its_chain() {
    let node = accepting(Node::start_manual().await).await;
    let swallows = Proxy::swallowing(node.url(), "eth_sendRawTransaction", json!(B256::repeat_byte(1))).await;
    let writer = chain(&[swallows.url(), node.url()], 2).writer(memory(), &key()).expect("is set up");
    writer.submit(submission(1), &action()).await.expect("submits");
    assert_eq!(swallows.refusals(), 1, "it was asked, and said yes");
    node.mine(1).await;
    assert_eq!(node.mined_nonce(SENDER).await, 1);
}

#[tokio::test]
async fn nothing_that_one_endpoint_says_of_a_wallet_holds_it_up() {
    let node = accepting(Node::start_manual().await).await;
    let liar = Proxy::lying(node.url(), |method, _, result| {
        if ["eth_getBalance", "eth_getTransactionCount"].contains(&method) {
            *result = json!("0x0");
        }
    })
    .await;
    let honest = Proxy::lying(node.url(), |_, _, _| {}).await;
    let urls = [liar.url(), node.url(), honest.url()];
    let writer = chain(&urls, 2).writer(memory(), &key()).expect("is set up");
    writer.submit(submission(1), &action()).await.expect("there are funds");
    node.mine(1).await;
    writer.tick().await.expect("ticks");
    let state = writer.state(submission(1)).await.expect("reads");
    assert!(matches!(state, SubmissionState::Included { succeeded: true, .. }), "{state:?}");
}

#[tokio::test]
async fn no_endpoint_alone_lets_a_transaction_run_out_of_gas() {
    let node = Node::start_manual().await;
    // sstore(0, 1), which costs more than the margin over a plain transfer.
    node.set_code(CONTRACTS.escrow, &hex!("60015f5500")).await;
    for estimate in ["0x5208", "0xffffffff"] {
        let liar = Proxy::lying(node.url(), move |method, _, result| {
            if method == "eth_estimateGas" {
                *result = json!(estimate);
            }
        })
        .await;
        let honest = Proxy::lying(node.url(), |_, _, _| {}).await;
        let store = memory();
        let urls = [liar.url(), node.url(), honest.url()];
        let writer = chain(&urls, 2).writer(store, &key()).expect("is set up");
        writer.submit(submission(1), &action()).await.expect("submits");
        node.mine(1).await;
        writer.tick().await.expect("ticks");
        let state = writer.state(submission(1)).await.expect("reads");
        assert!(matches!(state, SubmissionState::Included { succeeded: true, .. }), "{estimate}: {state:?}");
    }
}

#[tokio::test]
async fn the_price_of_gas_is_not_one_endpoints_to_make() {
    const GWEI: u128 = 1_000_000_000;
    // Above the limit of 1,000 gwei, where nothing would be sent any more, and below it.
    for (base_fee, tip) in [(5_000 * GWEI, GWEI), (GWEI, 900 * GWEI)] {
        let node = accepting(Node::start_manual().await).await;
        let liar = Proxy::lying(node.url(), move |method, _, result| match method {
            "eth_getBlockByNumber" => result["baseFeePerGas"] = json!(format!("0x{base_fee:x}")),
            "eth_maxPriorityFeePerGas" => *result = json!(format!("0x{tip:x}")),
            _ => {}
        })
        .await;
        let honest = Proxy::lying(node.url(), |_, _, _| {}).await;
        let urls = [liar.url(), node.url(), honest.url()];
        let writer = chain(&urls, 2).writer(memory(), &key()).expect("is set up");
        writer.submit(submission(1), &action()).await.expect("submits");
        node.mine(1).await;
        let block: Value = node.rpc("eth_getBlockByNumber", json!(["latest", true])).await;
        let offered = block["transactions"][0]["maxPriorityFeePerGas"].clone();
        let offered: alloy_primitives::U128 = serde_json::from_value(offered).expect("it is in the block");
        assert!(offered.to::<u128>() < 100 * GWEI, "{offered}");
    }
}

#[tokio::test]
async fn a_missing_balance_takes_a_quorum_to_refuse() {
    let node = Node::start_manual().await;
    node.set_code(CONTRACTS.token_bridge, &ANSWERS_ZERO).await;
    let liar = Proxy::lying(node.url(), |method, _, result| {
        if method == "eth_getBalance" {
            *result = json!("0x0");
        }
    })
    .await;
    let bridge = Action::Bridge {
        token: Account::ZERO,
        target: common::TARGET,
        recipient: Account::from(SENDER),
        amount: Amount(1_000),
        deadline: Timestamp(1_000),
        refund_to: Account::from(SENDER),
    };
    let writer = chain(&[liar.url(), node.url()], 2).writer(memory(), &key()).expect("is set up");
    let error = writer.submit(submission(1), &bridge).await.expect_err("one against one");
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
}

#[tokio::test]
async fn a_revert_shows_while_its_block_is_not_final() {
    let node = accepting(Node::start_manual().await).await;
    let store = memory();
    let writer = writer(node.url(), &store);
    writer.submit(submission(1), &action()).await.expect("submits");
    node.set_code(CONTRACTS.escrow, &hex!("60006000fd")).await;
    node.mine(1).await;
    writer.tick().await.expect("ticks");
    let state = writer.state(submission(1)).await.expect("reads");
    assert!(matches!(state, SubmissionState::Included { succeeded: false, .. }), "{state:?}");
}
