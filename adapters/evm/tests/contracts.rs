//! Reader, writer and verifier on the hub's real contracts.

mod common;

use alloy_primitives::{B256, Bytes};
use common::{CHAIN, HUB, LIMITS, TARGET};
use infrastrukt_evm::{
    Context, Contracts, Endpoint, EndpointUrl, EvmChain, SecretKey, TX_COLUMNS,
    devnet::{Addresses, Anvil, AnvilOptions, DeployOptions, Peer, addresses, deploy, dev_key},
};
use infrastrukt_ports::{Action, ChainReader, ChainWriter, CheckStatus, LockStatus, Receipt, Remedy, ScanCursor};
use infrastrukt_ports::{SubmissionKey, SubmissionState};
use infrastrukt_store::MemoryStore;
use infrastrukt_types::{Account, Amount, DealId, FactKind, Leg, LegRef, Timestamp};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc, time::Duration};

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
            peers: vec![Peer { chain_id: TARGET.0, addresses: at }],
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
