//! The hub's program on a real node, as the conformance suite needs it. Every case begins on a new chain: the node starts
//! in less than a second.

mod chain;
mod hands;
mod line;
mod story;

use async_trait::async_trait;
use infrastrukt_conformance::{Failure, Harness, Party, TestValidators, World, run_all};
use infrastrukt_evm::{Context, EndpointUrl, Environment};
use infrastrukt_ports::{ChainReader, ChainWriter, FactVerifier, ManualCall, Store, TokenInfo};
use infrastrukt_solana::{
    FeePolicy, Gateway, Limits, SolanaChain, SolanaConfig, SolanaKey, TX_COLUMNS, account,
    devnet::{PROGRAM, dev_key, mint_of},
    pubkey_of,
};
use infrastrukt_store::MemoryStore;
use infrastrukt_types::{Account, Amount, B256, ChainId, Epoch, HubId, keccak256};
use std::{collections::BTreeMap, sync::Arc};

use chain::Chain;
pub(crate) use chain::{CHAIN, DEPLOYER, PEER};

/// Cases that must have run at least, so that a suite which lost its cases does not pass.
const CASES_MIN: usize = 30;

pub(crate) const HUB: HubId = HubId(B256::repeat_byte(0x42));
pub(crate) const ESCAPE_WINDOW_S: u64 = 3_600;

/// The test token.
pub(crate) const TOKEN: &str = "conformance";
pub(crate) const TOKEN_DECIMALS: u8 = 6;

/// Characters of its mint by which a token without ticker is called.
const SHORT_MINT: usize = 8;

/// Lamports beyond the rent of an account without data.
const NATIVE_UNIT: u128 = 1_000_000;

/// What a message may spend; nothing runs at its delivery here.
const GAS_LIMIT: u64 = 100_000;

/// Runs every case of the suite.
///
/// # Panics
/// If a case fails, or node or program were not built.
pub(crate) async fn assert_conforms() {
    match run_all(SolanaHarness::fresh).await {
        Ok(passed) => assert!(passed >= CASES_MIN, "only {passed} cases ran"),
        Err(failure) => panic!("{failure}"),
    }
}

/// A payee cannot undo a decision.
///
/// # Panics
/// If it can, or node or program were not built.
pub(crate) async fn assert_payees_are_harmless() {
    if let Err(failure) = story::payee_takes_its_account_away().await {
        panic!("{failure}");
    }
}

/// The node that a case steers has done what it was told once it answers.
///
/// # Panics
/// If it has not, or node or program were not built.
pub(crate) async fn assert_steering_waits() {
    if let Err(failure) = chain::assert_answers_belong_to_their_commands().await {
        panic!("{failure}");
    }
}

/// The gateway on the chain that messages come from: nothing stands there.
pub(crate) fn peer_gateway() -> Account {
    evm_like("gateway on the peer")
}

pub(crate) fn peer_bridge() -> Account {
    evm_like("bridge on the peer")
}

fn evm_like(name: &str) -> Account {
    let mut bytes = keccak256(name);
    bytes[..12].fill(0);
    Account(bytes)
}

/// Which development key acts for a party.
pub(crate) fn key(party: Party) -> SolanaKey {
    dev_key(index(party))
}

pub(crate) fn index(party: Party) -> u32 {
    match party {
        Party::Alice => 0,
        Party::Bob => 1,
        Party::Relayer => 2,
    }
}

/// One case's chain.
struct SolanaHarness {
    chain: Chain,
    world: World,
    config: SolanaConfig,
    stores: BTreeMap<Party, Arc<dyn Store>>,
}

impl SolanaHarness {
    async fn fresh() -> Result<Self, Failure> {
        let chain = Chain::start().await?;
        let world = world(chain.beginning());
        let config = config(&chain, world.start)?;
        let memory = || -> Arc<dyn Store> { Arc::new(MemoryStore::new(TX_COLUMNS)) };
        let stores = Party::ALL.map(|party| (party, memory())).into();
        Ok(Self { chain, world, config, stores })
    }

    /// A new connection, which remembers nothing of the ones before.
    fn connect(&self) -> Result<SolanaChain, Failure> {
        let World { chain, peer, gateway, peer_gateway, .. } = self.world;
        let gateways = [(chain, gateway), (peer, peer_gateway)].into();
        let context = Context { hub: HUB, gateways, hub_epoch: Some(Epoch(1)) };
        Ok(SolanaChain::new(self.config.clone(), context)?)
    }
}

fn world(start: u64) -> World {
    let at = Gateway::new(PROGRAM);
    let mint = mint_of(&dev_key(DEPLOYER).address(), TOKEN);
    World {
        hub_id: HUB,
        chain: CHAIN,
        peer: PEER,
        gateway: account(&at.program),
        peer_gateway: peer_gateway(),
        escrow: account(&at.escrow),
        token_bridge: Some(account(&at.bridge)),
        token: account(&mint),
        token_info: TokenInfo { symbol: mint.to_string().chars().take(SHORT_MINT).collect(), decimals: TOKEN_DECIMALS },
        native_unit: NATIVE_UNIT,
        recipient: account(&dev_key(5).address()),
        failing_recipient: account(&at.config),
        gas_limit: GAS_LIMIT,
        start,
        escape_window: ESCAPE_WINDOW_S,
    }
}

fn config(chain: &Chain, start_slot: u64) -> Result<SolanaConfig, Failure> {
    let reference: String = chain.genesis_hash().chars().take(32).collect();
    Ok(SolanaConfig {
        chain: CHAIN,
        name: format!("solana:{reference}").parse().map_err(Failure::new)?,
        native_symbol: "SOL".into(),
        endpoints: vec![EndpointUrl::parse(&chain.url(), 1).map_err(Failure::new)?],
        quorum: 1,
        program: PROGRAM,
        start_slot,
        limits: Limits::default(),
        fees: FeePolicy::default(),
        environment: Environment::Devnet,
    })
}

#[async_trait]
impl Harness for SolanaHarness {
    fn world(&self) -> &World {
        &self.world
    }

    fn account(&self, party: Party) -> Account {
        account(&key(party).address())
    }

    async fn reader(&self) -> Result<Arc<dyn ChainReader>, Failure> {
        Ok(self.connect()?.reader())
    }

    async fn writer(&self, party: Party) -> Result<Arc<dyn ChainWriter>, Failure> {
        Ok(self.connect()?.writer(self.stores[&party].clone(), &key(party))?)
    }

    async fn verifier(&self) -> Result<Arc<dyn FactVerifier>, Failure> {
        Ok(self.connect()?.verifier())
    }

    async fn mine(&self, blocks: u64) -> Result<(), Failure> {
        self.chain.mine(blocks).await
    }

    async fn finalize(&self) -> Result<(), Failure> {
        self.chain.finalize().await
    }

    async fn advance(&self, seconds: u64) -> Result<(), Failure> {
        self.chain.advance(seconds).await
    }

    async fn reorg(&self, depth: u64) -> Result<(), Failure> {
        self.chain.reorg(depth).await
    }

    async fn lose_pending(&self) -> Result<(), Failure> {
        self.chain.lose_pending().await;
        Ok(())
    }

    async fn fund(&self, account: Account, token: Account, amount: Amount) -> Result<(), Failure> {
        let units = u64::try_from(amount.0).map_err(Failure::new)?;
        hands::fund(&self.chain, pubkey_of(account), pubkey_of(token), units).await
    }

    async fn call_by_hand(&self, party: Party, call: &ManualCall) -> Result<(), Failure> {
        hands::call(&self.chain, index(party), &call.data).await
    }
}

/// The validators whose certificates count.
pub(crate) fn validators() -> TestValidators {
    TestValidators::genesis()
}

/// The wire id of a chain that the hub named itself.
pub(crate) const fn assigned(number: u64) -> ChainId {
    ChainId(ChainId::HUB_ASSIGNED_MIN + number)
}
