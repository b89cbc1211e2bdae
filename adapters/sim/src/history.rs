//! The blocks of a chain with their states: how it grows, becomes final and forks.

use infrastrukt_ports::{Action, BlockRef};
use infrastrukt_types::{Account, Amount, B256, ChainId, Epoch, Nonce, Timestamp};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    Contracts, Dropped, Environment, Epochs, Escrow, Gateway, Header, Ledger, LegRules, SimBlock, SimConfig,
    SimReceipt, SimTx, State, Target,
    block::receipt_digests,
    machine::{Around, gas_used},
    pool::Pool,
    receipts_root, sim_account,
};

/// Transactions in one block.
const BLOCK_TXS_MAX: usize = 200;
/// Blocks whose state is kept, and so the deepest reorg and the stalest answer.
const STATES_MAX: usize = 128;
/// Price of gas that a block asks for at first.
const GAS_PRICE: u64 = 1_000_000_000;
/// Caps and price of messages.
const MESSAGE_GAS_MAX: u64 = 2_000_000;
const PAYLOAD_MAX: usize = 8 * 1024;
const MESSAGE_FEE: Amount = Amount(10_000_000_000_000);

/// Everything that all endpoints of a chain share.
pub(crate) struct History {
    pub(crate) config: SimConfig,
    pub(crate) contracts: Contracts,
    pub(crate) environment: Environment,
    pub(crate) blocks: Vec<SimBlock>,
    /// States after the last blocks, the head's last. Blocks without transactions share one.
    states: VecDeque<Arc<State>>,
    pub(crate) pool: Pool,
    located: BTreeMap<B256, (u64, usize)>,
    finalized: u64,
    pub(crate) is_stalled: bool,
    pub(crate) gas_price_min: u64,
    pub(crate) skew_s: i64,
    forks: u64,
}

fn miner() -> Account {
    sim_account("miner")
}

fn genesis_state(config: &SimConfig, contracts: Contracts) -> State {
    let target = |(chain, gateway): &(ChainId, Account)| {
        let target = Target {
            gateway: *gateway,
            nonce: Nonce(0),
            paused: false,
            gas_limit_max: MESSAGE_GAS_MAX,
            payload_max: PAYLOAD_MAX,
            fee: MESSAGE_FEE,
        };
        (*chain, target)
    };
    let targets = config.peers.iter().map(target).collect();
    let gateway = Gateway::new(config.hub_id, config.chain, contracts.gateway, targets);
    let rules = LegRules {
        here: config.chain,
        escrow: contracts.escrow,
        escape_window_min: config.escape_window_min,
        lock_horizon_max: config.lock_horizon_max,
    };
    let escrow = Escrow::new(config.hub_id, sim_account("guardian"), rules);
    let epochs = Epochs::new(config.hub_id, Epoch(1), config.valset_hash, config.valset_expires_at, config.grace_s);
    State::new(Ledger::new(), gateway, escrow, epochs)
}

impl History {
    /// A chain of one block.
    pub(crate) fn new(config: SimConfig, contracts: Contracts, now: Timestamp) -> Self {
        let header =
            Header { number: 0, parent: B256::ZERO, time: now, receipts_root: receipts_root(&[]), salt: config.seed };
        Self {
            states: VecDeque::from([Arc::new(genesis_state(&config, contracts))]),
            blocks: vec![SimBlock { header, txs: Vec::new(), receipts: Vec::new() }],
            config,
            contracts,
            environment: Environment::default(),
            pool: Pool::default(),
            located: BTreeMap::new(),
            finalized: 0,
            is_stalled: false,
            gas_price_min: GAS_PRICE,
            skew_s: 0,
            forks: 0,
        }
    }

    pub(crate) fn head(&self) -> BlockRef {
        let header = self.blocks.last().expect("there is always a genesis").header;
        BlockRef { number: header.number, hash: header.hash(), time: header.time }
    }

    pub(crate) const fn finalized(&self) -> u64 {
        self.finalized
    }

    pub(crate) fn state(&self) -> &State {
        self.states.back().expect("the head's state is always kept")
    }

    /// The state after a block, or after the oldest one whose state is kept.
    pub(crate) fn state_at(&self, number: u64) -> &State {
        let back = self.head().number.saturating_sub(number);
        let index = self.states.len().saturating_sub(1).saturating_sub(usize::try_from(back).unwrap_or(usize::MAX));
        &self.states[index]
    }

    /// The receipt of a transaction and the block that holds it.
    pub(crate) fn receipt(&self, tx: B256) -> Option<(u64, &SimReceipt)> {
        let (number, index) = self.located.get(&tx)?;
        let block = self.blocks.get(usize::try_from(*number).ok()?)?;
        Some((*number, block.receipts.get(*index)?))
    }

    pub(crate) fn waits(&self, tx: &SimTx) -> bool {
        self.pool.contains(tx)
    }

    pub(crate) const fn around(&self, now: Timestamp) -> Around<'_> {
        Around { contracts: self.contracts, environment: &self.environment, now }
    }

    pub(crate) fn head_state_mut(&mut self) -> &mut State {
        Arc::make_mut(self.states.back_mut().expect("the head's state is always kept"))
    }

    pub(crate) fn mine(&mut self, clock_now: Timestamp, takes_txs: bool) {
        let parent = self.head();
        let now = Timestamp(clock_now.0.saturating_add_signed(self.skew_s)).max(parent.time);
        let (txs, receipts) = if takes_txs { self.run_pool(now) } else { self.run_nothing() };
        let number = parent.number + 1;
        for (index, receipt) in receipts.iter().enumerate() {
            self.located.insert(receipt.tx, (number, index));
        }
        let salt = self.config.seed ^ self.forks;
        let root = receipts_root(&receipt_digests(&receipts));
        let header = Header { number, parent: parent.hash, time: now, receipts_root: root, salt };
        self.blocks.push(SimBlock { header, txs, receipts });
        self.advance_finality();
    }

    fn run_nothing(&mut self) -> (Vec<SimTx>, Vec<SimReceipt>) {
        let state = Arc::clone(self.states.back().expect("the head's state is always kept"));
        self.push_state(state);
        (Vec::new(), Vec::new())
    }

    /// Takes what waits, sender by sender in the order of their nonces.
    fn run_pool(&mut self, now: Timestamp) -> (Vec<SimTx>, Vec<SimReceipt>) {
        let mut state = Arc::clone(self.states.back().expect("the head's state is always kept"));
        let (mut txs, mut receipts) = (Vec::new(), Vec::new());
        for from in self.pool.senders() {
            if self.environment.censored.contains(&from) {
                continue;
            }
            while txs.len() < BLOCK_TXS_MAX {
                let Some(tx) = self.pool.take(from, state.nonce(from), self.gas_price_min) else { break };
                let around = Around { contracts: self.contracts, environment: &self.environment, now };
                // A transaction whose sender cannot pay for gas is forgotten, as nodes do.
                let Some(receipt) = Arc::make_mut(&mut state).apply(&tx, around, miner()) else { break };
                txs.push(tx);
                receipts.push(receipt);
            }
        }
        self.push_state(Arc::clone(&state));
        self.pool.forget_used(|account| state.nonce(account));
        (txs, receipts)
    }

    fn push_state(&mut self, state: Arc<State>) {
        self.states.push_back(state);
        if self.states.len() > STATES_MAX {
            self.states.pop_front();
        }
    }

    pub(crate) fn advance_finality(&mut self) {
        if !self.is_stalled {
            let final_now = self.head().number.saturating_sub(self.config.finality_lag);
            self.finalized = self.finalized.max(final_now);
        }
    }

    pub(crate) fn reorg(&mut self, depth: u64, dropped: Dropped) -> u64 {
        let deepest = self.states.len() - 1;
        let depth = usize::try_from(depth).unwrap_or(usize::MAX).min(deepest);
        let now = self.head().time;
        let mut orphans = Vec::new();
        for _ in 0..depth {
            self.states.pop_back();
            if let Some(block) = self.blocks.pop() {
                for receipt in &block.receipts {
                    self.located.remove(&receipt.tx);
                }
                orphans.extend(block.txs);
            }
        }
        self.forks += 1;
        (0..depth).for_each(|_| self.mine(now, false));
        if dropped == Dropped::Waiting {
            for tx in orphans {
                let next = self.state().nonce(tx.from);
                // What no longer fits into the pool is lost, as it is on a real node.
                let _ = self.pool.insert(tx, next, self.gas_price_min);
            }
        }
        depth as u64
    }

    /// The fee of an action at the present price.
    pub(crate) fn fee(&self, action: &Action) -> Amount {
        Amount(u128::from(gas_used(action)) * u128::from(self.gas_price_min))
    }
}
