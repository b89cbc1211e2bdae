//! The simulated chain passes what every adapter passes.

use async_trait::async_trait;
use infrastrukt_conformance::{Failure, Harness, Party, TestValidators, World, run_all};
use infrastrukt_ports::{Action, ChainReader, ChainWriter, FactVerifier, ManualCall, TokenInfo};
use infrastrukt_sim::{
    Dropped, Faults, Lie, Recipient, SimChain, SimClock, SimConfig, SimReader, SimStore, SimTx, TokenKind, sim_account,
};
use infrastrukt_types::{Account, Amount, B256, Bytes, ChainId, HubId, Timestamp, codec};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

const CHAIN: ChainId = ChainId(900);
const PEER: ChainId = ChainId(901);
const START: Timestamp = Timestamp(1_800_000_000);
const YEAR_S: u64 = 365 * 24 * 3600;
const ESCAPE_WINDOW_S: u64 = 3600;
const GAS_PRICE: u64 = 1_000_000_000;

struct SimHarness {
    chain: SimChain,
    world: World,
    stores: BTreeMap<Party, Arc<SimStore>>,
    /// Faults of the endpoint that readers use.
    faults: Faults,
    /// Whether a restarted writer finds what it stored.
    is_durable: bool,
}

fn party_account(party: Party) -> Account {
    sim_account(&format!("{party:?}"))
}

fn chain() -> SimChain {
    let config = SimConfig {
        chain: CHAIN,
        seed: 1,
        hub_id: HubId(B256::repeat_byte(0x42)),
        peers: vec![(PEER, SimChain::contracts_of(PEER).gateway)],
        valset_hash: TestValidators::genesis().hash(),
        valset_expires_at: START.plus(YEAR_S),
        grace_s: 7 * 24 * 3600,
        finality_lag: 3,
        block_time_s: 2,
        escape_window_min: ESCAPE_WINDOW_S,
        lock_horizon_max: 7 * 24 * 3600,
    };
    SimChain::new(config, SimClock::new(START))
}

impl SimHarness {
    fn fresh() -> Result<Self, Failure> {
        let chain = chain();
        let token = chain.add_token("TOK", 6, TokenKind::Honest);
        let (recipient, failing_recipient) = (sim_account("recipient"), sim_account("failing recipient"));
        chain.with_environment(|environment| {
            environment.recipients.insert(recipient, Recipient::Accepts);
            let refusal = Recipient::Reverts(Bytes::from_static(b"never"));
            environment.recipients.insert(failing_recipient, refusal);
        });
        for party in Party::ALL {
            chain.fund(party_account(party), Account::ZERO, Amount(10u128.pow(20))).map_err(Failure::new)?;
            chain.fund(party_account(party), token, Amount(10u128.pow(12))).map_err(Failure::new)?;
        }
        let contracts = chain.contracts();
        let world = World {
            hub_id: HubId(B256::repeat_byte(0x42)),
            chain: CHAIN,
            peer: PEER,
            gateway: contracts.gateway,
            peer_gateway: SimChain::contracts_of(PEER).gateway,
            escrow: contracts.escrow,
            token_bridge: None,
            token,
            token_info: TokenInfo { symbol: "TOK".into(), decimals: 6 },
            native_unit: 1,
            recipient,
            failing_recipient,
            gas_limit: 100_000,
            start: 0,
            escape_window: ESCAPE_WINDOW_S,
        };
        let stores = Party::ALL.map(|party| (party, Arc::new(SimStore::new()))).into();
        Ok(Self { chain, world, stores, faults: Faults::default(), is_durable: true })
    }
}

#[async_trait]
impl Harness for SimHarness {
    fn world(&self) -> &World {
        &self.world
    }

    fn account(&self, party: Party) -> Account {
        party_account(party)
    }

    async fn reader(&self) -> Result<Arc<dyn ChainReader>, Failure> {
        Ok(Arc::new(SimReader::new(self.chain.view(self.faults))))
    }

    async fn writer(&self, party: Party) -> Result<Arc<dyn ChainWriter>, Failure> {
        let store = if self.is_durable { self.stores[&party].clone() } else { Arc::new(SimStore::new()) };
        Ok(Arc::new(self.chain.writer(party_account(party), store)))
    }

    async fn verifier(&self) -> Result<Arc<dyn FactVerifier>, Failure> {
        Ok(Arc::new(self.chain.verifier()))
    }

    async fn mine(&self, blocks: u64) -> Result<(), Failure> {
        self.chain.mine(blocks);
        Ok(())
    }

    async fn finalize(&self) -> Result<(), Failure> {
        self.chain.finalize();
        Ok(())
    }

    async fn advance(&self, seconds: u64) -> Result<(), Failure> {
        self.chain.clock().advance(Duration::from_secs(seconds));
        self.chain.mine(1);
        Ok(())
    }

    async fn reorg(&self, depth: u64) -> Result<(), Failure> {
        let replaced = self.chain.reorg(depth, Dropped::Lost);
        if replaced == depth { Ok(()) } else { Err(Failure::new(format!("{replaced} of {depth} blocks replaced"))) }
    }

    async fn lose_pending(&self) -> Result<(), Failure> {
        self.chain.lose_pending();
        Ok(())
    }

    async fn fund(&self, account: Account, token: Account, amount: Amount) -> Result<(), Failure> {
        self.chain.fund(account, token, amount).map_err(Failure::new)
    }

    async fn call_by_hand(&self, party: Party, call: &ManualCall) -> Result<(), Failure> {
        let action: Action = codec::decode(&call.data).map_err(Failure::new)?;
        let from = party_account(party);
        let nonce = self.chain.with_state(|state| state.nonce(from));
        let tx = SimTx { from, nonce, gas_price: GAS_PRICE, value: call.value, action };
        self.chain.broadcast(tx).map_err(Failure::new)?;
        self.chain.mine(1);
        Ok(())
    }
}

#[tokio::test]
async fn the_simulated_chain_passes_every_case() {
    let cases = run_all(|| async { SimHarness::fresh() }).await;
    match cases {
        Ok(passed) => assert!(passed >= 30, "only {passed} cases ran"),
        Err(failure) => panic!("{failure}"),
    }
}

/// The cases that a broken adapter fails.
async fn failures(break_it: impl Fn(&mut SimHarness)) -> String {
    let outcome = run_all(|| async {
        let mut harness = SimHarness::fresh()?;
        break_it(&mut harness);
        Ok(harness)
    });
    outcome.await.expect_err("a broken adapter must not pass").to_string()
}

#[tokio::test]
async fn broken_adapters_fail() {
    let invents = failures(|harness| harness.faults.lie = Some(Lie::ForgeBlock)).await;
    assert!(invents.contains("reading::facts_equal_what_was_done"), "{invents}");
    assert!(invents.contains("evidence::evidence_proves_what_was_scanned"), "{invents}");
    let withholds = failures(|harness| harness.faults.lie = Some(Lie::OmitEvent)).await;
    assert!(withholds.contains("messages::delivered_twice_has_one_effect"), "{withholds}");
    let forgets = failures(|harness| harness.is_durable = false).await;
    assert!(forgets.contains("submitting::restart_before_broadcast_sends_once"), "{forgets}");
    assert!(forgets.contains("submitting::same_key_is_one_transaction"), "{forgets}");
}
