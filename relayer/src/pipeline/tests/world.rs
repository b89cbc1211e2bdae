//! Two simulated chains, a hub, and a relayer that can be killed and started again.

use async_trait::async_trait;
use infrastrukt_ports::{Action, ChainReader, ChainWriter, PortError, SubmissionKey, SubmissionState, TickReport};
use infrastrukt_sim::{
    Event, Faults, Recipient, SimChain, SimClock, SimConfig, SimReader, SimStore, SimTx, SimView, SimWriter,
    sim_account,
};
use infrastrukt_types::{
    Account, Amount, B256, ChainId, Deal, DealId, FactKind, HubId, Leg, MessageId, Nonce, Scheme, Timestamp,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::hub::{TestHub, validators};
use crate::{
    ChainParts, LanePolicy, Limits, Parts, Relayer, RunningRelayer,
    pipeline::Shared,
    store::{Book, Counts},
};

pub(super) const LEFT: ChainId = ChainId(900);
pub(super) const RIGHT: ChainId = ChainId(901);
const START: Timestamp = Timestamp(1_800_000_000);
const HUB: HubId = HubId(B256::repeat_byte(0x42));
/// Times the tasks of the relayer get their turn between two steps of time.
const YIELDS: usize = 200;

/// A writer whose chain refuses every delivery that contains one message, as a contract might, or takes none at all.
struct PickyWriter {
    inner: SimWriter,
    poison: Arc<Mutex<Option<Nonce>>>,
    stuck: Arc<Mutex<Option<ChainId>>>,
}

#[async_trait]
impl ChainWriter for PickyWriter {
    fn chain(&self) -> ChainId {
        self.inner.chain()
    }

    fn account(&self) -> Account {
        self.inner.account()
    }

    async fn submit(&self, key: SubmissionKey, action: &Action) -> Result<(), PortError> {
        let poison = *self.poison.lock().expect("not poisoned");
        if let Action::Deliver { messages, .. } = action
            && messages.iter().any(|message| Some(message.nonce) == poison)
        {
            return Err(PortError::reject("Poisoned()"));
        }
        let stuck = *self.stuck.lock().expect("not poisoned");
        if matches!(action, Action::Deliver { .. }) && stuck == Some(self.chain()) {
            return Err(PortError::retry(Duration::from_secs(1), "nothing gets through"));
        }
        self.inner.submit(key, action).await
    }

    async fn state(&self, key: SubmissionKey) -> Result<SubmissionState, PortError> {
        self.inner.state(key).await
    }

    async fn tick(&self) -> Result<TickReport, PortError> {
        self.inner.tick().await
    }
}

pub(super) struct World {
    pub(super) clock: SimClock,
    pub(super) chains: BTreeMap<ChainId, SimChain>,
    pub(super) views: BTreeMap<ChainId, Arc<SimView>>,
    pub(super) hub: Arc<TestHub>,
    pub(super) store: Arc<SimStore>,
    pub(super) poison: Arc<Mutex<Option<Nonce>>>,
    /// The chain to which nothing can be delivered.
    pub(super) stuck: Arc<Mutex<Option<ChainId>>>,
    /// Bounds of the next relayer that is started.
    pub(super) limits: Limits,
    relayer: Option<RunningRelayer>,
    nonces: BTreeMap<(ChainId, Account), u64>,
}

fn config(chain: ChainId, peer: ChainId) -> SimConfig {
    SimConfig {
        chain,
        seed: chain.0,
        hub_id: HUB,
        peers: vec![(peer, SimChain::contracts_of(peer).gateway)],
        valset_hash: validators().hash(Scheme::Ecdsa),
        valset_expires_at: START.plus(365 * 24 * 3_600),
        grace_s: 7 * 24 * 3_600,
        finality_lag: 2,
        block_time_s: 1,
        escape_window_min: 600,
        lock_horizon_max: 7 * 24 * 3_600,
    }
}

/// One for each chain: a simulated writer tells its rows in the shared store apart by its account alone.
fn relayer_account(chain: ChainId) -> Account {
    sim_account(&format!("relayer on {}", chain.0))
}

impl World {
    pub(super) fn new() -> Self {
        let clock = SimClock::new(START);
        let chain = |here, peer| (here, SimChain::new(config(here, peer), clock.clone()));
        let chains = BTreeMap::from([chain(LEFT, RIGHT), chain(RIGHT, LEFT)]);
        for chain in chains.values() {
            chain.with_environment(|environment| {
                environment.recipients.insert(sim_account("recipient"), Recipient::Accepts);
            });
            for account in [sim_account("alice"), sim_account("bob"), relayer_account(chain.chain())] {
                chain.fund(account, Account::ZERO, Amount(10u128.pow(24))).expect("fresh supply");
            }
        }
        let views = chains.iter().map(|(id, chain)| (*id, chain.view(Faults::default()))).collect();
        let hub = Arc::new(TestHub::new(HUB, clock.clone(), chains.values().cloned().collect()));
        Self {
            clock,
            chains,
            views,
            hub,
            store: Arc::new(SimStore::new()),
            poison: Arc::default(),
            stuck: Arc::default(),
            limits: Limits::default(),
            relayer: None,
            nonces: BTreeMap::new(),
        }
    }

    pub(super) async fn start(&mut self) {
        let chain = |(id, chain): (&ChainId, &SimChain)| {
            let reader: Arc<dyn ChainReader> = Arc::new(SimReader::new(self.views[id].clone()));
            let inner = chain.writer(relayer_account(*id), self.store.clone());
            let policy = LanePolicy { batch_max: 6, in_flight_max: 3, scan_blocks_max: 4, ..LanePolicy::default() };
            ChainParts {
                name: format!("eip155:{}", id.0).parse().expect("a name"),
                reader,
                writer: Arc::new(PickyWriter { inner, poison: self.poison.clone(), stuck: self.stuck.clone() }),
                start_block: 0,
                policy,
            }
        };
        let parts = Parts {
            hub_url: "http://test".to_owned(),
            chains: self.chains.iter().map(chain).collect(),
            store: self.store.clone(),
            clock: Arc::new(self.clock.clone()),
            admin_listen: ([127, 0, 0, 1], 0).into(),
            health_listen: ([127, 0, 0, 1], 0).into(),
            limits: self.limits.clone(),
        };
        self.relayer = Some(Relayer::start_with(parts, self.hub.clone()).await.expect("well formed parts"));
    }

    /// Ends the relayer in the middle of whatever it does.
    pub(super) async fn kill(&mut self) {
        self.relayer = None;
        tokio::task::yield_now().await;
    }

    /// Ends it in good order.
    pub(super) async fn stop(&mut self) {
        if let Some(relayer) = self.relayer.take() {
            relayer.shutdown().await;
        }
    }

    pub(super) fn relayer(&self) -> &RunningRelayer {
        self.relayer.as_ref().expect("it was started")
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.relayer().shared()
    }

    /// Half a second: a block on each chain, a decision of the hub, and turns for everyone.
    pub(super) async fn step(&mut self) {
        self.clock.advance(Duration::from_millis(500));
        self.chains.values().for_each(|chain| chain.mine(1));
        self.hub.tick();
        for _ in 0..YIELDS {
            tokio::task::yield_now().await;
        }
    }

    /// Steps until it is so; fails after as many steps.
    pub(super) async fn until(&mut self, steps: usize, what: &str, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..steps {
            if is_so(self) {
                return;
            }
            self.step().await;
        }
        assert!(is_so(self), "not within {steps} steps: {what}; {:#?}", self.report());
    }

    /// What waits or died, and why.
    fn report(&self) -> Vec<(Counts, Vec<Option<String>>)> {
        let book = Book::open(self.store.clone(), self.chains.keys().copied()).expect("readable");
        let lane = |chain: &ChainId| {
            let dead = book.dead_items(*chain, None, 9).expect("readable");
            (book.counts(*chain), dead.into_iter().map(|item| item.last_error).collect())
        };
        self.chains.keys().map(lane).collect()
    }

    /// What the store holds for a lane, counted anew.
    pub(super) fn counts(&self, chain: ChainId) -> Counts {
        Book::open(self.store.clone(), [chain]).expect("readable").counts(chain)
    }

    /// True when nothing waits anywhere, dead letters aside.
    pub(super) fn is_idle(&self) -> bool {
        self.chains.keys().all(|chain| Counts { dead: 0, ..self.counts(*chain) } == Counts::default())
    }

    fn act(&mut self, chain: ChainId, from: &str, value: Amount, action: Action) {
        let from = sim_account(from);
        let nonce = self.nonces.entry((chain, from)).or_default();
        let tx = SimTx { from, nonce: *nonce, gas_price: 1_000_000_000, value, action };
        *nonce += 1;
        self.chains[&chain].broadcast(tx).expect("well funded and in order");
    }

    pub(super) fn send(&mut self, chain: ChainId, recipient: &str, deadline: Timestamp) {
        let target = if chain == LEFT { RIGHT } else { LEFT };
        let fee = self.chains[&chain].with_state(|state| state.gateway.quote(target)).expect("a known target");
        let recipient = sim_account(recipient);
        let payload = b"hello".to_vec().into();
        self.act(chain, "alice", fee, Action::Send { target, recipient, gas_limit: 100_000, deadline, payload });
    }

    /// A deal in which alice gives on the left and bob on the right.
    pub(super) fn deal(&mut self, nonce: u8) -> (DealId, Deal) {
        let now = infrastrukt_ports::Clock::now(&self.clock);
        let leg = |chain: ChainId, from: &str, to: &str| Leg {
            chain,
            escrow: SimChain::contracts_of(chain).escrow,
            token: Account::ZERO,
            amount: Amount(1_000),
            depositor: sim_account(from),
            on_commit: sim_account(to),
            on_abort: sim_account(from),
            escape_at: now.plus(10_000),
            escape_window: 3_600,
            tip: Amount::ZERO,
        };
        let deal = Deal {
            nonce: B256::repeat_byte(nonce),
            lock_by: now.plus(30),
            decide_by: now.plus(45),
            sign_by: now.plus(60),
            legs: vec![leg(LEFT, "alice", "bob's purse"), leg(RIGHT, "bob", "alice's purse")],
        };
        (self.hub.register(deal.clone()), deal)
    }

    pub(super) fn lock(&mut self, id: DealId, deal: &Deal, index: u8) {
        let leg = deal.leg_ref(index).expect("a leg of the deal");
        let from = if index == 0 { "alice" } else { "bob" };
        self.act(leg.leg.chain, from, leg.leg.amount, Action::Lock { deal: id, leg });
    }

    /// Facts on the chains as they stand.
    pub(super) fn facts(&self, chain: ChainId) -> Vec<FactKind> {
        let logs = self.chains[&chain].receipts().into_iter().flat_map(|(_, receipt)| receipt.logs);
        logs.filter_map(|log| match log.event {
            Event::Fact(kind) => Some(kind),
            _ => None,
        })
        .collect()
    }

    /// How often each message was delivered on a chain.
    pub(super) fn deliveries(&self, chain: ChainId) -> BTreeMap<MessageId, u32> {
        let mut deliveries = BTreeMap::new();
        for fact in self.facts(chain) {
            if let FactKind::Delivered(id) = fact {
                *deliveries.entry(id).or_default() += 1;
            }
        }
        deliveries
    }

    pub(super) fn balance(&self, chain: ChainId, name: &str) -> Amount {
        self.chains[&chain].with_state(|state| state.ledger.balance(Account::ZERO, sim_account(name)))
    }
}
