//! Reader, writer and verifier on the hub's real contracts.

mod common;

use alloy_primitives::{Address, B256, Bytes, U64};
use common::{CHAIN, HUB, LIMITS, TARGET, proxy::Proxy};
use infrastrukt_evm::{
    Context, Contracts, Endpoint, EndpointUrl, EvmChain, EvmConfig, SecretKey, TX_COLUMNS,
    devnet::{Addresses, Anvil, AnvilOptions, DeployOptions, Peer, addresses, deploy, dev_key},
};
use infrastrukt_ports::{
    Action, BridgeBooks, BridgeRoute, ChainReader, ChainWriter, CheckStatus, LockStatus, Receipt, Remedy, RouteKind,
    RouteSearch, ScanCursor, SubmissionKey, SubmissionState,
};
use infrastrukt_store::MemoryStore;
use infrastrukt_types::{Account, Amount, DealId, FactKind, Leg, LegRef, Timestamp};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const DEPLOYER: u32 = 9;
const COIN: u128 = 10u128.pow(18);

struct Devnet {
    node: Anvil,
    control: Endpoint,
    at: Addresses,
    chain: EvmChain,
    writer: Arc<dyn ChainWriter>,
    _folder: tempfile::TempDir,
}

impl Devnet {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let binary = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
        assert!(binary.is_file(), "{} is missing: run `make setup`", binary.display());
        let dir = folder.path().to_path_buf();
        let options = AnvilOptions { binary, chain_id: CHAIN.0, port: None, block_time_s: 0.2, dir };
        let node = Anvil::start(&options).await.expect("anvil starts");
        let at = addresses(dev_key(DEPLOYER).address());
        let deployment = DeployOptions {
            url: node.url().into(),
            hub_id: HUB.0,
            valset_hash: B256::repeat_byte(2),
            epoch_expires_at: 4_102_444_800,
            grace_s: 604_800,
            escape_window_min_s: 60,
            peers: vec![Peer::twin(TARGET.0, &at, &at)],
            token_holders: vec![dev_key(0).address()],
        };
        deploy(&deployment, dev_key(DEPLOYER)).await.expect("deploys");
        let url = EndpointUrl::parse(node.url(), 1).expect("is a URL");
        let control = Endpoint::new(url, CHAIN, LIMITS).expect("is set up");

        let mut config = common::config(&[node.url().into()], 1);
        config.contracts =
            Contracts { gateway: at.gateway, escrow: at.escrow, verifier: at.verifier, token_bridge: at.token_bridge };
        // Both chains have their contracts at the same addresses.
        let gateway = Account::from(at.gateway);
        let gateways = [(CHAIN, gateway), (TARGET, gateway)].into();
        let chain = EvmChain::new(config, Context { hub: HUB, gateways, hub_epoch: None }).expect("is valid");
        let key = SecretKey::from_bytes(dev_key(0).to_bytes().0).expect("is a key");
        let writer = chain.writer(Arc::new(MemoryStore::new(TX_COLUMNS)), &key).expect("is set up");
        Self { node, control, at, chain, writer, _folder: folder }
    }

    fn reader(&self) -> Arc<dyn ChainReader> {
        self.chain.reader()
    }

    /// The chain as other endpoints show it.
    fn seen_by(&self, urls: &[String], quorum: usize) -> EvmChain {
        let (at, gateway) = (self.at, Account::from(self.at.gateway));
        let contracts =
            Contracts { gateway: at.gateway, escrow: at.escrow, verifier: at.verifier, token_bridge: at.token_bridge };
        let config = EvmConfig { contracts, ..common::config(urls, quorum) };
        let gateways = [(CHAIN, gateway), (TARGET, gateway)].into();
        EvmChain::new(config, Context { hub: HUB, gateways, hub_epoch: None }).expect("is valid")
    }

    fn alice(&self) -> Account {
        self.writer.account()
    }

    async fn run(&self, byte: u8, action: &Action) -> Receipt {
        let key = SubmissionKey(B256::repeat_byte(byte));
        self.writer.submit(key, action).await.unwrap_or_else(|error| panic!("{}: {error}", action.name()));
        for _ in 0..200 {
            self.writer.tick().await.expect("ticks");
            match self.writer.state(key).await.expect("has a state") {
                SubmissionState::Final(receipt) => return receipt,
                SubmissionState::Pending | SubmissionState::Included { .. } => {}
                other => panic!("{}: {other:?}", action.name()),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} did not become final", action.name());
    }

    /// All facts so far, each proven to a validator as well.
    async fn facts(&self) -> Vec<FactKind> {
        let (reader, verifier) = (self.reader(), self.chain.verifier());
        let mut cursor = ScanCursor { next: 0, parent: None };
        let mut kinds = Vec::new();
        loop {
            let scan = reader.scan(cursor, 64).await.expect("scans");
            for block in &scan.blocks {
                let proven = verifier.verify(&block.evidence).await.expect("verifies");
                assert_eq!(proven.len(), block.facts.len());
                kinds.extend(proven.into_iter().map(|fact| fact.into_inner().kind));
            }
            if scan.cursor == cursor {
                return kinds;
            }
            cursor = scan.cursor;
        }
    }

    async fn now(&self) -> u64 {
        self.reader().now().await.expect("has a clock").0
    }

    async fn leg(&self, token: Account, amount: u128, index: u8) -> LegRef {
        let now = self.now().await;
        let leg = Leg {
            chain: CHAIN,
            escrow: Account::from(self.at.escrow),
            token,
            amount: Amount(amount),
            depositor: self.alice(),
            on_commit: Account::from(dev_key(1).address()),
            on_abort: self.alice(),
            escape_at: Timestamp(now + 7_200),
            escape_window: 120,
            tip: Amount(amount / 100),
        };
        LegRef { index, lock_by: Timestamp(now + 3_600), leg }
    }
}

#[tokio::test]
async fn locks_stand_under_the_keys_that_the_hub_computes() {
    let devnet = Devnet::start().await;
    let reader = devnet.reader();
    let deal = DealId(B256::repeat_byte(0xd1));
    let token = Account::from(devnet.at.token);

    let native = devnet.leg(Account::ZERO, 5 * COIN, 3).await;
    devnet.run(1, &Action::Lock { deal, leg: native.clone() }).await;
    let held = reader.balance(Account::from(devnet.at.escrow), Account::ZERO).await.expect("reads");
    assert_eq!(held, Amount(5 * COIN));

    // The lock is simulated on top of the approval that no block holds yet.
    let leg = devnet.leg(token, 7 * COIN, 4).await;
    let spender = Account::from(devnet.at.escrow);
    let approval = Action::Approve { token, spender, amount: Amount(7 * COIN) };
    devnet.writer.submit(SubmissionKey(B256::repeat_byte(2)), &approval).await.expect("submits");
    devnet.run(3, &Action::Lock { deal, leg: leg.clone() }).await;
    assert_eq!(reader.balance(spender, token).await.expect("reads"), Amount(7 * COIN));

    let keys = [native.lock_key(deal), leg.lock_key(deal)];
    for key in keys {
        let status = reader.lock_status(key).await.expect("reads");
        assert_eq!(status, LockStatus::Locked { escape_requested_at: None });
    }
    let expected = [(3, keys[0]), (4, keys[1])].map(|(index, lock_key)| FactKind::Locked { deal, index, lock_key });
    assert_eq!(devnet.facts().await, expected);
    let info = reader.token(token).await.expect("reads");
    assert_eq!((info.symbol.as_str(), info.decimals), ("DEV", 18));

    let again = devnet.writer.submit(SubmissionKey(B256::repeat_byte(4)), &Action::Lock { deal, leg: native }).await;
    let again = again.expect_err("is locked");
    assert_eq!(again.remedy, Remedy::Reject);
    assert!(again.message.contains("AlreadyLocked"), "{again}");
    devnet.node.stop().await;
}

#[tokio::test]
async fn messages_pay_the_quoted_fee_and_have_the_id_that_the_hub_computes() {
    let devnet = Devnet::start().await;
    let send = Action::Send {
        target: TARGET,
        recipient: Account::from(devnet.at.recipient),
        gas_limit: 100_000,
        deadline: Timestamp(0),
        payload: Bytes::from_static(b"hello"),
    };
    let sent = devnet.run(1, &send).await;
    let bridge = Action::Bridge {
        token: Account::ZERO,
        target: TARGET,
        recipient: devnet.alice(),
        amount: Amount(COIN),
        deadline: Timestamp(devnet.now().await + 3_600),
        refund_to: devnet.alice(),
    };
    let bridged = devnet.run(2, &bridge).await;
    let held = devnet.reader().balance(Account::from(devnet.at.token_bridge), Account::ZERO).await.expect("reads");
    assert_eq!(held, Amount(COIN));

    let gateway = Account::from(devnet.at.gateway);
    let route = infrastrukt_types::Route { source_gateway: gateway, target_gateway: gateway };
    let ids: Vec<_> = devnet
        .facts()
        .await
        .into_iter()
        .map(|kind| match kind {
            FactKind::Sent { message, .. } => Some(message.id(HUB, &route)),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, [sent.message_id, bridged.message_id]);
    assert!(!devnet.reader().is_consumed(TARGET, infrastrukt_types::Nonce(1)).await.expect("reads"));

    let unknown = Action::Send {
        target: infrastrukt_types::ChainId(77),
        recipient: gateway,
        gas_limit: 1,
        deadline: Timestamp(0),
        payload: Bytes::new(),
    };
    let refused = devnet.writer.submit(SubmissionKey(B256::repeat_byte(9)), &unknown).await.expect_err("has no route");
    assert!(refused.message.contains("UnknownTarget(77)"), "{refused}");
    devnet.node.stop().await;
}

#[tokio::test]
async fn the_books_of_the_bridge_show_every_route_and_what_is_locked() {
    let devnet = Devnet::start().await;
    let reader = devnet.reader();
    let before = reader.bridge_books(&mut RouteSearch::default()).await.expect("reads").expect("has a bridge");
    let bridge = Action::Bridge {
        token: Account::ZERO,
        target: TARGET,
        recipient: devnet.alice(),
        amount: Amount(2 * COIN),
        deadline: Timestamp(devnet.now().await + 3_600),
        refund_to: devnet.alice(),
    };
    devnet.run(1, &bridge).await;
    let after = reader.bridge_books(&mut RouteSearch::default()).await.expect("reads").expect("has a bridge");
    assert!(after.block.number > before.block.number && after.block.time >= before.block.time);

    let at = devnet.at;
    let routes = |sent: u128| {
        let route = |token: Address, remote_token: Address, kind: RouteKind, sent: u128, held: u128| BridgeRoute {
            token: Account::from(token),
            remote: TARGET,
            remote_token: Account::from(remote_token),
            kind,
            wire_unit: 10u128.pow(10),
            sent,
            returned: 0,
            received: 0,
            held: Some(Amount(held)),
        };
        let mut routes = vec![
            route(at.token, at.bridged_token, RouteKind::Lock, 0, 0),
            route(at.bridged_token, at.token, RouteKind::Mint, 0, 0),
            route(Address::ZERO, at.bridged_native, RouteKind::Lock, sent, sent * 10u128.pow(10)),
            route(at.bridged_native, Address::ZERO, RouteKind::Mint, 0, 0),
        ];
        routes.sort_by_key(|route| route.token);
        routes
    };
    let sorted = |books: BridgeBooks| {
        let mut routes = books.routes;
        routes.sort_by_key(|route| route.token);
        routes
    };
    assert_eq!(sorted(before), routes(0));
    assert_eq!(sorted(after), routes(200_000_000));
    devnet.node.stop().await;
}

#[tokio::test]
async fn the_books_are_those_of_one_block_whatever_becomes_of_the_head() {
    let devnet = Devnet::start().await;
    let by_hash = Arc::new(AtomicUsize::new(0));
    let counted = by_hash.clone();
    let watched = Proxy::lying(devnet.node.url().into(), move |method, params, _| {
        if ["eth_call", "eth_getBalance"].contains(&method) {
            assert!(params[1]["blockHash"].is_string(), "{method} asks for {}", params[1]);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let reader = devnet.seen_by(&[watched.url()], 1).reader();
    reader.bridge_books(&mut RouteSearch::default()).await.expect("reads").expect("has a bridge");
    assert_eq!(by_hash.load(Ordering::SeqCst), 8, "four routes, and what stands behind each");
    devnet.node.stop().await;
}

#[tokio::test]
async fn a_liar_beside_an_endpoint_that_is_a_block_behind_keeps_no_books_from_being_read() {
    let devnet = Devnet::start().await;
    let url: String = devnet.node.url().into();
    let honest = devnet.seen_by(std::slice::from_ref(&url), 1).reader();
    devnet.control.request::<Value>("evm_setIntervalMining", json!([0])).await.expect("stops");
    // The routes were registered well below what an endpoint that is behind knows.
    devnet.control.request::<Value>("anvil_mine", json!(["0x20"])).await.expect("mines");
    let head: U64 = devnet.control.request("eth_blockNumber", json!([])).await.expect("answers");
    let head = head.to::<u64>();
    let at = move |number: u64| {
        move |method: &str, params: &Value, result: &mut Value| match method {
            "eth_blockNumber" => *result = json!(format!("0x{number:x}")),
            "eth_getBlockByNumber" => {
                let asked = params[0].as_str().and_then(|text| u64::from_str_radix(text.get(2..)?, 16).ok());
                if asked.is_some_and(|asked| asked > number) {
                    *result = Value::Null;
                }
            }
            _ => {}
        }
    };
    let (first, behind) = (Proxy::lying(url.clone(), at(head)).await, Proxy::lying(url.clone(), at(head - 1)).await);
    let liar = Proxy::lying(url, |method, _, result| match method {
        "eth_blockNumber" => *result = json!("0xffffffffffff"),
        "eth_call" => *result = json!("0x"),
        _ => {}
    })
    .await;
    let reader = devnet.seen_by(&[liar.url(), first.url(), behind.url()], 2).reader();
    let books = reader
        .bridge_books(&mut RouteSearch::default())
        .await
        .expect("two know an earlier block")
        .expect("has a bridge");
    assert!(books.block.number < head, "{:?}", books.block);
    assert_eq!(
        books.routes,
        honest.bridge_books(&mut RouteSearch::default()).await.expect("reads").expect("has a bridge").routes
    );
    devnet.node.stop().await;
}

#[tokio::test]
async fn routes_that_were_found_are_not_looked_for_again_after_a_restart() {
    let devnet = Devnet::start().await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let watched = Proxy::lying(devnet.node.url().into(), move |method, params, _| {
        if method == "eth_getLogs" {
            let from: U64 = serde_json::from_value(params[0]["fromBlock"].clone()).expect("is a number");
            noted.lock().expect("not poisoned").push(from.to::<u64>());
        }
    })
    .await;
    let started = || devnet.seen_by(&[watched.url()], 1).reader();
    let mut search = RouteSearch::default();
    let reader = started();
    for _ in 0..100 {
        reader.bridge_books(&mut search).await.expect("reads");
        if search.found.len() == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(search.found.len(), 4, "all are final by now");
    asked.lock().expect("not poisoned").clear();
    let next = search.next;
    let books = started().bridge_books(&mut search).await.expect("reads").expect("has a bridge");
    assert_eq!(books.routes.len(), 4);
    assert!(asked.lock().expect("not poisoned").iter().all(|from| *from >= next));

    let mut foreign = RouteSearch { bridge: Account::from(devnet.at.gateway), ..search };
    started().bridge_books(&mut foreign).await.expect("reads");
    assert!(asked.lock().expect("not poisoned").contains(&0), "another bridge is looked for from the start");
    devnet.node.stop().await;
}

#[tokio::test]
async fn a_token_whose_code_fails_hides_no_other_from_the_books() {
    let devnet = Devnet::start().await;
    let before = devnet.reader().bridge_books(&mut RouteSearch::default()).await.expect("reads").expect("has a bridge");
    let reverts = Bytes::from_static(&[0x5f, 0x5f, 0xfd]);
    devnet.control.request::<Value>("anvil_setCode", json!([devnet.at.token, reverts])).await.expect("is set");
    let after = devnet.reader().bridge_books(&mut RouteSearch::default()).await.expect("reads").expect("has a bridge");
    let token = Account::from(devnet.at.token);
    assert_eq!(after.routes.len(), before.routes.len());
    for (after, before) in after.routes.iter().zip(&before.routes) {
        let held = before.held.filter(|_| before.token != token);
        assert_eq!(*after, BridgeRoute { held, ..before.clone() });
    }
    devnet.node.stop().await;
}

#[tokio::test]
async fn health_is_good_and_escapes_work_without_a_hub() {
    let devnet = Devnet::start().await;
    let checks = devnet.reader().check().await;
    assert!(checks.iter().all(|check| check.status == CheckStatus::Ok), "{checks:#?}");

    let deal = DealId(B256::repeat_byte(0xd2));
    let leg = devnet.leg(Account::ZERO, COIN, 0).await;
    devnet.run(1, &Action::Lock { deal, leg: leg.clone() }).await;
    let request = Action::RequestEscape { deal, leg: leg.clone() };
    let early = devnet.writer.submit(SubmissionKey(B256::repeat_byte(2)), &request).await.expect_err("is early");
    assert!(early.message.contains("EscapeNotYet"), "{early}");
    let later = |seconds: u64| devnet.control.request::<Value>("evm_increaseTime", json!([seconds]));
    later(7_300).await.expect("turns the clock");
    devnet.run(3, &request).await;
    later(200).await.expect("turns the clock");
    devnet.run(4, &Action::ExecuteEscape { deal, leg: leg.clone() }).await;
    assert_eq!(devnet.reader().lock_status(leg.lock_key(deal)).await.expect("reads"), LockStatus::Escaped);
    let facts = devnet.facts().await;
    assert!(matches!(facts.as_slice(), [FactKind::Locked { .. }, FactKind::Escaped { .. }]), "{facts:?}");
    devnet.node.stop().await;
}
