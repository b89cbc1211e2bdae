//! Two simulated chains with everyone's endpoints to them.

use infrastrukt_ports::{ChainReader, Clock, LockStatus};
use infrastrukt_sim::{
    Event, FaultCounts, Faults, Recipient, SimChain, SimClock, SimConfig, SimReader, SimView, TokenKind, sim_account,
};
use infrastrukt_types::{Account, Amount, ChainId, LockKey, Scheme, Timestamp};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{env::Env, hub, party::VALIDATORS, people::Person};

pub(crate) const LEFT: ChainId = ChainId(900);
pub(crate) const RIGHT: ChainId = ChainId(901);
pub(crate) const CHAINS: [ChainId; 2] = [LEFT, RIGHT];

/// Unix seconds at which every run begins.
pub(crate) const START: Timestamp = Timestamp(1_800_000_000);
/// Milliseconds between blocks.
pub(crate) const BLOCK_MS: u64 = 2_000;
/// How many blocks finality is behind the head.
pub(crate) const FINALITY_LAG: u64 = 2;
/// Price of gas in quiet times.
pub(crate) const GAS_PRICE: u64 = 1_000_000_000;
/// Endpoints of each validator, and how many of them must agree.
pub(crate) const ENDPOINTS: usize = 3;
pub(crate) const QUORUM: usize = 2;
/// What everybody has of everything at first.
pub(crate) const FUNDS: Amount = Amount(10u128.pow(24));
/// A token beside the native coin.
pub(crate) const GOLD: &str = "GOLD";

/// Who receives messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shop {
    /// Takes every message.
    Open,
    /// Takes none.
    Closed,
    /// Takes them at times.
    Moody,
}

impl Shop {
    pub(crate) fn account(self) -> Account {
        sim_account(match self {
            Self::Open => "the open shop",
            Self::Closed => "the closed shop",
            Self::Moody => "the moody shop",
        })
    }
}

pub(crate) struct Chain {
    pub(crate) id: ChainId,
    pub(crate) sim: SimChain,
    pub(crate) gold: Account,
    /// The relayer's endpoint for reading.
    pub(crate) reading: Arc<SimView>,
    /// The relayer's endpoint for writing.
    pub(crate) writing: Arc<SimView>,
    /// The endpoints of each validator.
    pub(crate) validators: Vec<Vec<Arc<SimView>>>,
    /// What users and checkers see: the chain itself.
    honest: SimReader,
    clock: SimClock,
    is_halted: AtomicBool,
}

fn config(here: ChainId, peer: ChainId, seed: u64) -> SimConfig {
    SimConfig {
        chain: here,
        seed: seed ^ here.0,
        hub_id: hub::genesis().identity.hub_id(),
        peers: vec![(peer, SimChain::contracts_of(peer).gateway)],
        valset_hash: hub::first_set().hash(Scheme::Ecdsa),
        valset_expires_at: hub::EPOCH_EXPIRES_AT,
        grace_s: 60 * 24 * 3_600,
        finality_lag: FINALITY_LAG,
        block_time_s: BLOCK_MS / 1_000,
        escape_window_min: hub::ESCAPE_WINDOW_S,
        lock_horizon_max: 24 * 3_600,
    }
}

/// One for each chain: a simulated writer tells its rows in a shared store apart by its account alone.
pub(crate) fn relayer_account(chain: ChainId) -> Account {
    sim_account(&format!("relayer on {}", chain.0))
}

/// Whoever claims what others claim as well.
pub(crate) fn claimer() -> Account {
    sim_account("the double claimer")
}

/// Whom miners' fees go to.
pub(crate) fn miner() -> Account {
    sim_account("miner")
}

/// Everyone who has money at first.
pub(crate) fn funded(chain: ChainId) -> Vec<Account> {
    vec![Person::Alice.account(), Person::Bob.account(), relayer_account(chain), claimer()]
}

impl Chain {
    pub(crate) fn new(here: ChainId, peer: ChainId, seed: u64) -> Self {
        let clock = SimClock::new(START);
        let sim = SimChain::new(config(here, peer, seed), clock.clone());
        sim.with_environment(|around| {
            around.recipients.insert(Shop::Open.account(), Recipient::Accepts);
            around.recipients.insert(Shop::Closed.account(), closed());
            around.recipients.insert(Shop::Moody.account(), Recipient::Accepts);
        });
        let gold = sim.add_token(GOLD, 6, TokenKind::Honest);
        for account in funded(here) {
            for token in [Account::ZERO, gold] {
                sim.fund(account, token, FUNDS).expect("far below 2^128");
            }
        }
        let view = || sim.view(Faults::default());
        let validators = (0..VALIDATORS).map(|_| (0..ENDPOINTS).map(|_| view()).collect()).collect();
        let (reading, writing, honest) = (view(), view(), sim.reader());
        Self { id: here, sim, gold, reading, writing, validators, honest, clock, is_halted: AtomicBool::new(false) }
    }

    /// Makes a block, unless the chain stands still.
    pub(crate) fn mine(&self, env: &Env) {
        if self.is_halted.load(Ordering::Relaxed) {
            return;
        }
        let behind_ms = env.time.now_ms().saturating_sub(self.clock.now_ms());
        self.clock.advance(Duration::from_millis(behind_ms));
        self.sim.mine(1);
        let hash = self.sim.trace();
        env.act("block", &[self.id.0, self.sim.head(), u64::from(u16::from_be_bytes([hash[0], hash[1]]))]);
    }

    pub(crate) fn halt(&self, is_halted: bool) {
        self.is_halted.store(is_halted, Ordering::Relaxed);
    }

    /// Chain time at the head.
    pub(crate) async fn now(&self) -> Timestamp {
        self.honest.now().await.expect("this endpoint has no faults")
    }

    pub(crate) async fn lock(&self, key: LockKey) -> LockStatus {
        self.honest.lock_status(key).await.expect("this endpoint has no faults")
    }

    fn views(&self) -> impl Iterator<Item = &Arc<SimView>> {
        [&self.reading, &self.writing].into_iter().chain(self.validators.iter().flatten())
    }

    /// Ends every fault.
    pub(crate) fn heal(&self) {
        self.views().for_each(|view| view.set_faults(Faults::default()));
        self.halt(false);
        self.sim.stall_finality(false);
        self.sim.skew_time(0);
        self.sim.set_gas_price(GAS_PRICE);
        self.sim.with_environment(|around| {
            around.censored.clear();
            around.refusing_payees.clear();
            around.recipients.insert(Shop::Moody.account(), Recipient::Accepts);
        });
    }

    /// Faults of endpoints and payouts that took effect.
    pub(crate) fn faults(&self) -> FaultCounts {
        let mut counts = FaultCounts::new();
        for (kind, count) in self.views().flat_map(|view| view.fault_counts()) {
            *counts.entry(kind).or_default() += count;
        }
        let logs = self.sim.receipts().into_iter().flat_map(|(_, receipt)| receipt.logs);
        for log in logs {
            match log.event {
                Event::Credited { .. } => *counts.entry("payout that reverts").or_default() += 1,
                Event::DeliveryFailed { .. } => *counts.entry("delivery that reverts").or_default() += 1,
                Event::Fact(_) | Event::EscapeRequested { .. } | Event::CreditWithdrawn { .. } | Event::Rotated => {}
            }
        }
        counts
    }
}

/// What a closed shop says.
pub(crate) fn closed() -> Recipient {
    Recipient::Reverts(b"closed".to_vec().into())
}
