//! Every fault on demand does what it says, and the ports answer it with the right remedy.

use infrastrukt_conformance::TestValidators;
use infrastrukt_ports::{
    Action, ChainReader, ChainWriter, FactVerifier, Remedy, ScanCursor, ScannedBlock, Store, SubmissionKey,
    SubmissionState,
};
use infrastrukt_sim::{
    Dropped, Faults, Lie, Recipient, SimChain, SimClock, SimConfig, SimReader, SimStore, SimVerifier, SimWriter,
    TokenKind, sim_account,
};
use infrastrukt_types::{
    Account, Amount, B256, Bytes, ChainId, CheckpointKind, DealId, Decision, FactKind, HubId, Leaf, Leg, LegRef,
    Timestamp, keccak256,
};
use std::{sync::Arc, time::Duration};

const HERE: ChainId = ChainId(900);
const PEER: ChainId = ChainId(901);
const HUB: HubId = HubId(B256::repeat_byte(0x42));
const START: Timestamp = Timestamp(1_800_000_000);
const FINALITY_LAG: u64 = 3;
const FROM_GENESIS: ScanCursor = ScanCursor { next: 0, parent: None };

fn chain(seed: u64) -> SimChain {
    let chain = SimChain::new(
        SimConfig {
            chain: HERE,
            seed,
            hub_id: HUB,
            peers: vec![(PEER, SimChain::contracts_of(PEER).gateway)],
            valset_hash: TestValidators::genesis().hash(),
            valset_expires_at: START.plus(365 * 24 * 3600),
            grace_s: 1000,
            finality_lag: FINALITY_LAG,
            block_time_s: 2,
            escape_window_min: 100,
            lock_horizon_max: 100_000,
        },
        SimClock::new(START),
    );
    for name in ["alice", "relayer"] {
        chain.fund(sim_account(name), Account::ZERO, Amount(10u128.pow(20))).expect("within the supply");
    }
    chain
}

fn writer(chain: &SimChain, name: &str) -> SimWriter {
    chain.writer(sim_account(name), Arc::new(SimStore::new()))
}

fn key(name: &str) -> SubmissionKey {
    SubmissionKey(keccak256(name))
}

fn send(payload: &'static str) -> Action {
    let (recipient, deadline) = (sim_account("far"), Timestamp(0));
    Action::Send { target: PEER, recipient, gas_limit: 1000, deadline, payload: Bytes::from_static(payload.as_bytes()) }
}

/// Sends one message and makes it final.
async fn send_final(chain: &SimChain) {
    writer(chain, "alice").submit(key("send"), &send("hello")).await.expect("alice has money");
    chain.mine(1);
    chain.finalize();
}

async fn scan_block(reader: &SimReader) -> ScannedBlock {
    reader.scan(FROM_GENESIS, 1000).await.expect("healthy").blocks.remove(0)
}

fn lie(lie: Lie) -> Faults {
    Faults { lie: Some(lie), ..Faults::default() }
}

fn quorum(chain: &SimChain, faults: &[Faults], needed: usize) -> SimVerifier {
    SimVerifier::new(faults.iter().map(|faults| chain.view(*faults)).collect(), needed)
}

fn native_leg(chain: &SimChain, payee: &str) -> (DealId, LegRef) {
    let leg = Leg {
        chain: HERE,
        escrow: chain.contracts().escrow,
        token: Account::ZERO,
        amount: Amount(1000),
        depositor: sim_account("alice"),
        on_commit: sim_account(payee),
        on_abort: sim_account("alice"),
        escape_at: START.plus(2000),
        escape_window: 100,
        tip: Amount(7),
    };
    (DealId(keccak256("deal")), LegRef { index: 0, lock_by: START.plus(1000), leg })
}

fn commit(deal: DealId, leg: &LegRef) -> Action {
    let leaves = [Leaf::Decision(deal, Decision::Commit)];
    let certified = TestValidators::genesis().certify(HUB, 1, CheckpointKind::Commits, &leaves, &[0]);
    let certified = certified.expect("one leaf, one index");
    Action::Settle { certified, settlements: vec![(deal, Decision::Commit, vec![leg.clone()])] }
}

#[tokio::test]
async fn same_seed_same_trace() {
    async fn run(seed: u64) -> B256 {
        let chain = chain(seed);
        send_final(&chain).await;
        chain.run_for(Duration::from_secs(60));
        chain.reorg(5, Dropped::Waiting);
        chain.mine(3);
        chain.trace()
    }
    assert_eq!(run(7).await, run(7).await);
    assert_ne!(run(7).await, run(8).await);
}

#[tokio::test]
async fn lying_rpc_halts_its_reader() {
    let chain = chain(1);
    send_final(&chain).await;
    for one in [Lie::OmitEvent, Lie::InventEvent] {
        let view = chain.view(lie(one));
        let error = SimReader::new(view.clone()).scan(FROM_GENESIS, 1000).await.expect_err("the root does not fit");
        assert_eq!(error.remedy, Remedy::Halt, "{one:?}: {error}");
        assert!(view.fault_counts()["lie"] > 0);
    }
    // A forged block carries a fitting root, but the true block after it does not follow it.
    chain.mine(1);
    let forger = SimReader::new(chain.view(lie(Lie::ForgeBlock)));
    let error = forger.scan(FROM_GENESIS, 1000).await.expect_err("the next parent does not fit");
    assert_eq!(error.remedy, Remedy::Halt, "{error}");
}

#[tokio::test]
async fn forged_block_fools_a_reader_but_no_validator() {
    let chain = chain(1);
    send_final(&chain).await;
    let number = scan_block(&chain.reader()).await.block.number;
    let forger = SimReader::new(chain.view(lie(Lie::ForgeBlock)));
    let cursor = ScanCursor { next: number, parent: None };
    let forged = forger.scan(cursor, 1).await.expect("one block alone looks right").blocks.remove(0);
    assert_eq!(forged.facts.len(), 2);

    let error = chain.verifier().verify(&forged.evidence).await.expect_err("another hash");
    assert_eq!(error.remedy, Remedy::Reject, "{error}");
    let outvoted = quorum(&chain, &[Faults::default(), Faults::default(), lie(Lie::ForgeBlock)], 2);
    let error = outvoted.verify(&forged.evidence).await.expect_err("two honest endpoints of three");
    assert_eq!(error.remedy, Remedy::Reject, "{error}");
}

#[tokio::test]
async fn kelp_fail_over_never_lowers_the_quorum() {
    let chain = chain(1);
    send_final(&chain).await;
    let good = scan_block(&chain.reader()).await;
    let dead = Faults { is_dead: true, ..Faults::default() };
    let (honest, liar) = (Faults::default(), lie(Lie::ForgeBlock));

    let enough = quorum(&chain, &[honest, honest, dead], 2).verify(&good.evidence).await.expect("two of three");
    assert_eq!(enough.len(), good.facts.len());
    for endpoints in [[honest, dead, dead], [honest, liar, dead], [dead, dead, dead]] {
        let error = quorum(&chain, &endpoints, 2).verify(&good.evidence).await.expect_err("no quorum");
        assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
    }
    let split = quorum(&chain, &[honest, liar], 2).verify(&good.evidence).await.expect_err("no side can win");
    assert_eq!(split.remedy, Remedy::Halt, "{split}");
}

#[tokio::test]
async fn failing_and_stale_endpoints_are_waited_for() {
    let chain = chain(1);
    send_final(&chain).await;
    let good = scan_block(&chain.reader()).await;
    let failing = SimReader::new(chain.view(Faults { errors_per_mille: 1000, ..Faults::default() }));
    let error = failing.scan(FROM_GENESIS, 10).await.expect_err("every call fails");
    assert!(matches!(error.remedy, Remedy::Retry { .. }));

    let stale = Faults { stale_blocks: 50, ..Faults::default() };
    let behind = SimReader::new(chain.view(stale));
    assert!(behind.scan(FROM_GENESIS, 1000).await.expect("it answers").blocks.is_empty());
    let error = quorum(&chain, &[stale], 1).verify(&good.evidence).await.expect_err("not final there");
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");

    // A cursor ahead of what a stale endpoint knows neither moves nor fails.
    let cursor = chain.reader().scan(FROM_GENESIS, 1000).await.expect("healthy").cursor;
    assert_eq!(behind.scan(cursor, 1000).await.expect("it answers").cursor, cursor);
}

#[tokio::test]
async fn changed_final_block_halts_reader_and_validator() {
    let chain = chain(1);
    send_final(&chain).await;
    chain.mine(5);
    let (reader, verifier) = (chain.reader(), chain.verifier());
    let scan = reader.scan(FROM_GENESIS, 1000).await.expect("healthy");
    verifier.verify(&scan.blocks[0].evidence).await.expect("healthy");

    let all = scan.head.number + FINALITY_LAG;
    assert_eq!(chain.reorg(all, Dropped::Lost), all, "everything but genesis");
    let error = reader.scan(scan.cursor, 1000).await.expect_err("below the cursor");
    assert_eq!(error.remedy, Remedy::Halt, "{error}");
    let error = verifier.verify(&scan.blocks[0].evidence).await.expect_err("it remembers");
    assert_eq!(error.remedy, Remedy::Halt, "{error}");
}

#[tokio::test]
async fn stalled_finality_hides_facts_until_it_goes_on() {
    let chain = chain(1);
    chain.stall_finality(true);
    send_final(&chain).await;
    chain.mine(50);
    let reader = chain.reader();
    assert!(reader.scan(FROM_GENESIS, 1000).await.expect("healthy").blocks.is_empty());
    chain.stall_finality(false);
    assert_eq!(scan_block(&reader).await.facts.len(), 1);
}

#[tokio::test]
async fn chain_time_follows_its_skew_but_never_goes_back() {
    let chain = chain(1);
    chain.skew_time(500);
    chain.mine(1);
    let ahead = chain.reader().now().await.expect("healthy");
    assert_eq!(ahead, START.plus(500));
    chain.skew_time(-500);
    chain.mine(1);
    assert_eq!(chain.reader().now().await.expect("healthy"), ahead);
}

#[tokio::test]
async fn dropped_broadcast_leaves_a_gap_that_is_healed() {
    let chain = chain(1);
    let view = chain.view(Faults { dropped_broadcasts: 1, ..Faults::default() });
    let alice = SimWriter::new(view.clone(), sim_account("alice"), Arc::new(SimStore::new()));
    for name in ["one", "two"] {
        alice.submit(key(name), &send("payload")).await.expect("alice has money");
    }
    chain.mine(2);
    assert_eq!(chain.pending(), 1, "the second waits for the nonce of the first");
    assert_eq!(alice.state(key("two")).await.expect("healthy"), SubmissionState::Pending);
    let report = alice.tick().await.expect("healthy");
    assert_eq!((report.gaps_healed, report.rebroadcast, report.open), (1, 1, 2));
    chain.mine(1);
    chain.finalize();
    assert_eq!(alice.tick().await.expect("healthy").finished, 2);
    assert_eq!(view.fault_counts()["dropped broadcast"], 1);
}

#[tokio::test]
async fn underpriced_transaction_is_replaced() {
    let chain = chain(1);
    let alice = writer(&chain, "alice");
    alice.submit(key("send"), &send("payload")).await.expect("alice has money");
    chain.set_gas_price(5_000_000_000);
    chain.mine(3);
    assert_eq!(alice.state(key("send")).await.expect("healthy"), SubmissionState::Pending);
    assert_eq!(alice.tick().await.expect("healthy").bumped, 1);
    chain.mine(1);
    chain.finalize();
    assert_eq!(alice.tick().await.expect("healthy").finished, 1);
    let sent = chain.receipts().into_iter().filter(|(_, receipt)| receipt.message_id.is_some()).count();
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn full_disk_sends_nothing() {
    let chain = chain(1);
    let store = Arc::new(SimStore::new());
    let alice = chain.writer(sim_account("alice"), store.clone() as Arc<dyn Store>);
    store.fail_after(0);
    let error = alice.submit(key("send"), &send("payload")).await.expect_err("it cannot be stored");
    assert_eq!(error.remedy, Remedy::Halt);
    assert_eq!(chain.pending(), 0);
    store.heal();
    alice.submit(key("send"), &send("payload")).await.expect("there is room again");
    assert_eq!(chain.pending(), 1);
}

#[tokio::test]
async fn censored_relayer_waits_and_another_delivers() {
    let chain = chain(1);
    chain.with_environment(|environment| environment.censored.insert(sim_account("alice")));
    let (alice, relayer) = (writer(&chain, "alice"), writer(&chain, "relayer"));
    alice.submit(key("send"), &send("censored")).await.expect("it is taken");
    relayer.submit(key("send"), &send("free")).await.expect("it is taken");
    chain.mine(10);
    assert_eq!(alice.state(key("send")).await.expect("healthy"), SubmissionState::Pending);
    assert!(matches!(relayer.state(key("send")).await.expect("healthy"), SubmissionState::Final(_)));
}

#[tokio::test]
async fn refused_payout_becomes_a_credit_for_its_owner_only() {
    let chain = chain(1);
    let (alice, relayer) = (writer(&chain, "alice"), writer(&chain, "relayer"));
    let (deal, leg) = native_leg(&chain, "grumpy");
    alice.submit(key("lock"), &Action::Lock { deal, leg: leg.clone() }).await.expect("alice has money");
    chain.mine(1);
    chain.with_environment(|environment| environment.refusing_payees.insert(sim_account("grumpy")));
    relayer.submit(key("commit"), &commit(deal, &leg)).await.expect("certified");
    chain.mine(1);

    let reader = chain.reader();
    let credit = || reader.credit(sim_account("grumpy"), Account::ZERO);
    assert_eq!(credit().await.expect("healthy"), Amount(993));
    let escrow = reader.balance(chain.contracts().escrow, Account::ZERO).await.expect("healthy");
    assert_eq!(escrow, Amount(993), "the tip was paid, the rest is owed");
    let withdraw = Action::WithdrawCredit { token: Account::ZERO, account: sim_account("grumpy") };
    let error = relayer.submit(key("early"), &withdraw).await.expect_err("it still refuses");
    assert_eq!(error.remedy, Remedy::Reject);

    chain.with_environment(|environment| environment.refusing_payees.clear());
    relayer.submit(key("withdraw"), &withdraw).await.expect("it accepts now");
    chain.mine(1);
    assert_eq!(credit().await.expect("healthy"), Amount::ZERO);
    assert_eq!(reader.balance(sim_account("grumpy"), Account::ZERO).await.expect("healthy"), Amount(993));
}

#[tokio::test]
async fn qubit_only_the_measured_balance_change_is_locked() {
    for kind in [TokenKind::FeeOnTransfer, TokenKind::MovesNothing] {
        let chain = chain(1);
        let token = chain.add_token("BAD", 6, kind);
        chain.fund(sim_account("alice"), token, Amount(5000)).expect("within the supply");
        let alice = writer(&chain, "alice");
        let approve = Action::Approve { token, spender: chain.contracts().escrow, amount: Amount(5000) };
        alice.submit(key("approve"), &approve).await.expect("approved");
        chain.mine(1);
        let (deal, mut leg) = native_leg(&chain, "bob");
        leg.leg.token = token;
        let error = alice.submit(key("lock"), &Action::Lock { deal, leg }).await.expect_err("it moves too little");
        assert_eq!(error.remedy, Remedy::Reject);
        assert!(error.to_string().contains("TransferMismatch"), "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn recipient_that_reverts_or_burns_its_gas_stays_deliverable() {
    let chain = chain(1);
    let recipient = sim_account("moody");
    let set = |behaviour| chain.with_environment(|environment| environment.recipients.insert(recipient, behaviour));
    let message = infrastrukt_types::Message {
        version: infrastrukt_types::MESSAGE_VERSION,
        source: PEER,
        target: HERE,
        nonce: infrastrukt_types::Nonce(1),
        sender: sim_account("far"),
        recipient,
        timestamp: START,
        gas_limit: 1000,
        deadline: Timestamp(0),
        payload: Bytes::new(),
    };
    let gateway = |chain| SimChain::contracts_of(chain).gateway;
    let route = infrastrukt_types::Route { source_gateway: gateway(PEER), target_gateway: gateway(HERE) };
    let id = message.id(HUB, &route);
    let certified = TestValidators::genesis().certify(HUB, 1, CheckpointKind::General, &[Leaf::Message(id)], &[0]);
    let certified = certified.expect("one leaf, one index");
    let deliver = Action::Deliver { certified, messages: vec![message] };
    let relayer = writer(&chain, "relayer");
    set(Recipient::Reverts(Bytes::from_static(&[7; 64])));
    for (name, next) in [("reverts", Recipient::BurnsGas), ("burns", Recipient::Accepts)] {
        relayer.submit(key(name), &deliver).await.expect("certified");
        chain.mine(1);
        let consumed = chain.reader().is_consumed(PEER, infrastrukt_types::Nonce(1)).await.expect("healthy");
        assert!(!consumed, "{name}");
        set(next);
    }
    relayer.submit(key("accepts"), &deliver).await.expect("certified");
    chain.mine(1);
    chain.finalize();
    let facts: Vec<_> = scan_block(&chain.reader()).await.facts.into_iter().map(|fact| fact.kind).collect();
    assert_eq!(facts, [FactKind::Delivered(id)]);
}
