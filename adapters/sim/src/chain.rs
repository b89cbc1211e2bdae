//! The chain as a test holds it: endpoints to it, and power over its blocks, its time and everyone on it.

use infrastrukt_ports::{Clock, Store, TokenInfo};
use infrastrukt_types::{Account, Amount, B256, ChainId, HubId, Timestamp, keccak256};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    Contracts, Environment, Faults, PoolError, Revert, SimBlock, SimClock, SimReader, SimReceipt, SimTx, SimVerifier,
    SimView, SimWriter, State, TokenKind, history::History,
};

/// What a chain is made with.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// The chain.
    pub chain: ChainId,
    /// Sets its hashes apart from those of other runs.
    pub seed: u64,
    /// The hub whose certificates count.
    pub hub_id: HubId,
    /// Chains that its gateway knows, with their gateways.
    pub peers: Vec<(ChainId, Account)>,
    /// Hash of the validator set of epoch 1.
    pub valset_hash: B256,
    /// When that set loses all power.
    pub valset_expires_at: Timestamp,
    /// Seconds for which a retired set's decisions count.
    pub grace_s: u64,
    /// How many blocks finality is behind the head.
    pub finality_lag: u64,
    /// Seconds between blocks made by [`SimChain::run_for`].
    pub block_time_s: u64,
    /// The escrow's shortest escape window.
    pub escape_window_min: u64,
    /// The escrow's longest way to a deal's `lock_by`.
    pub lock_horizon_max: u64,
}

/// What becomes of the transactions of replaced blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The nodes forget them.
    Lost,
    /// They wait for a block again.
    Waiting,
}

/// A chain in memory. Clones are the same chain.
#[derive(Clone)]
pub struct SimChain {
    history: Arc<Mutex<History>>,
    clock: SimClock,
}

/// An EVM-shaped account from a name, the same for the same name.
pub fn sim_account(name: &str) -> Account {
    let mut bytes = keccak256(name.as_bytes());
    bytes[..12].fill(0);
    Account(bytes)
}

impl SimChain {
    /// A chain with its genesis block at the clock's time.
    pub fn new(config: SimConfig, clock: SimClock) -> Self {
        let contracts = Self::contracts_of(config.chain);
        let history = History::new(config, contracts, clock.now());
        Self { history: Arc::new(Mutex::new(history)), clock }
    }

    /// The contracts of any simulated chain: what its peers name as its gateway.
    pub fn contracts_of(chain: ChainId) -> Contracts {
        let contract = |name: &str| sim_account(&format!("{name} of {}", chain.0));
        Contracts { gateway: contract("gateway"), escrow: contract("escrow"), verifier: contract("verifier") }
    }

    /// The chain.
    pub fn chain(&self) -> ChainId {
        self.history().config.chain
    }

    /// Its contracts.
    pub fn contracts(&self) -> Contracts {
        self.history().contracts
    }

    /// The clock that its blocks follow.
    pub const fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// An endpoint with faults of its own.
    pub fn view(&self, faults: Faults) -> Arc<SimView> {
        Arc::new(SimView::new(self.clone(), faults))
    }

    /// A reader over an honest endpoint.
    pub fn reader(&self) -> SimReader {
        SimReader::new(self.view(Faults::default()))
    }

    /// A writer over an honest endpoint.
    pub fn writer(&self, account: Account, store: Arc<dyn Store>) -> SimWriter {
        SimWriter::new(self.view(Faults::default()), account, store)
    }

    /// A verifier over one honest endpoint.
    pub fn verifier(&self) -> SimVerifier {
        SimVerifier::new(vec![self.view(Faults::default())], 1)
    }

    /// Makes blocks with what waits, at the clock's time.
    pub fn mine(&self, blocks: u64) {
        let now = self.clock.now();
        let mut history = self.history();
        (0..blocks).for_each(|_| history.mine(now, true));
    }

    /// Makes as many blocks as the last block needs to become final.
    pub fn finalize(&self) {
        let lag = self.history().config.finality_lag;
        self.mine(lag);
    }

    /// Lets the clock run and makes a block each time one is due.
    pub fn run_for(&self, duration: Duration) {
        let block_time_s = self.history().config.block_time_s.max(1);
        for _ in 0..duration.as_secs() / block_time_s {
            self.clock.advance(Duration::from_secs(block_time_s));
            self.mine(1);
        }
    }

    /// Replaces the last `depth` blocks by as many empty ones, final or not. At most the blocks whose state is kept can
    /// be replaced; returns how many were.
    pub fn reorg(&self, depth: u64, dropped: Dropped) -> u64 {
        self.history().reorg(depth, dropped)
    }

    /// All nodes forget what waits.
    pub fn lose_pending(&self) {
        self.history().pool.clear();
    }

    /// Stops or continues finality. Blocks go on either way.
    pub fn stall_finality(&self, is_stalled: bool) {
        let mut history = self.history();
        history.is_stalled = is_stalled;
        history.advance_finality();
    }

    /// Sets the chain's time apart from the clock. Chain time still never goes back.
    pub fn skew_time(&self, skew_s: i64) {
        self.history().skew_s = skew_s;
    }

    /// Sets the gas price that blocks ask for: what waits for less stays behind.
    pub fn set_gas_price(&self, price: u64) {
        self.history().gas_price_min = price;
    }

    /// Changes how everyone outside the hub's contracts behaves: recipients, payees that refuse, censorship.
    pub fn with_environment<T>(&self, change: impl FnOnce(&mut Environment) -> T) -> T {
        change(&mut self.history().environment)
    }

    /// Changes the head's state without a transaction, such as a pause by the guardian.
    pub fn with_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(self.history().head_state_mut())
    }

    /// Reads the head's state.
    pub fn inspect<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(self.history().state())
    }

    /// Registers a token under this name and returns its account.
    pub fn add_token(&self, symbol: &str, decimals: u8, kind: TokenKind) -> Account {
        let token = sim_account(&format!("token {symbol}"));
        let info = TokenInfo { symbol: symbol.into(), decimals };
        self.with_state(|state| state.ledger.add_token(token, info, kind));
        token
    }

    /// Gives an account units of a token (zero account: native coin).
    pub fn fund(&self, account: Account, token: Account, amount: Amount) -> Result<(), Revert> {
        self.with_state(|state| state.ledger.mint(token, account, amount))
    }

    /// Takes a transaction for a block to come.
    pub fn broadcast(&self, tx: SimTx) -> Result<(), PoolError> {
        let mut history = self.history();
        let (next, price) = (history.state().nonce(tx.from), history.gas_price_min);
        history.pool.insert(tx, next, price)
    }

    /// Transactions that wait.
    pub fn pending(&self) -> usize {
        self.history().pool.len()
    }

    /// The head's hash: equal for two runs that did the same.
    pub fn trace(&self) -> B256 {
        self.history().head().hash
    }

    /// Number of the last final block.
    pub fn finalized(&self) -> u64 {
        self.history().finalized()
    }

    /// Number of the last block.
    pub fn head(&self) -> u64 {
        self.history().head().number
    }

    /// All blocks from the genesis on, for checkers that share no code with the adapter.
    pub fn blocks(&self) -> Vec<SimBlock> {
        self.history().blocks.clone()
    }

    /// Every receipt of the chain with its block, for checkers that share no code with the adapter.
    pub fn receipts(&self) -> Vec<(u64, SimReceipt)> {
        let history = self.history();
        let of_block = |block: &SimBlock| {
            let number = block.header.number;
            block.receipts.iter().map(move |receipt| (number, receipt.clone())).collect::<Vec<_>>()
        };
        history.blocks.iter().flat_map(of_block).collect()
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
