//! The hub's contracts on a real node, as the conformance suite needs them. The crate of each EVM chain includes this
//! folder in its own test and hands in what distinguishes it.
//!
//! The contracts are deployed once. Every case begins on the chain of that moment: the node goes back to it, and
//! readers, writers, verifiers and stores are new.

mod node;

use alloy::{
    primitives::{Address, Bytes, U256},
    signers::local::PrivateKeySigner,
    sol,
    sol_types::SolCall,
};
use async_trait::async_trait;
use infrastrukt_conformance::{Failure, Harness, Party, TestValidators, World, run_all};
use infrastrukt_evm::{
    Context, Contracts, EndpointUrl, Environment, EvmChain, EvmConfig, Profile, SecretKey, TX_COLUMNS,
    devnet::{Addresses, DeployOptions, Peer, addresses, deploy, dev_key},
};
use infrastrukt_ports::{ChainReader, ChainWriter, FactVerifier, ManualCall, PortError, Store, TokenInfo};
use infrastrukt_store::MemoryStore;
use infrastrukt_types::{Account, Amount, B256, ChainId, Epoch, HubId};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::timeout};

use node::{FINALITY_LAG, Node};

sol! {
    function transfer(address to, uint256 amount) external returns (bool);
}

/// Cases that must have run at least, so that a suite which lost its cases does not pass.
const CASES_MIN: usize = 30;
/// How long it may take until the contracts are on the node.
const SETUP_TIMEOUT: Duration = Duration::from_secs(60);

const HUB: HubId = HubId(B256::repeat_byte(0x42));
/// Which published development keys deploy here and, by name only, on the peer: two gateways at two addresses.
const DEPLOYER: u32 = 9;
const PEER_DEPLOYER: u32 = 8;
/// Seconds for which decisions of a retired epoch still count.
const GRACE_S: u64 = 7 * 24 * 3_600;
const YEAR_S: u64 = 365 * 24 * 3_600;
const ESCAPE_WINDOW_S: u64 = 3_600;
/// What a message may spend: `DevRecipient` needs about half of it.
const GAS_LIMIT: u64 = 100_000;
/// Where a contract stands that refuses every call.
const REFUSER: Address = Address::repeat_byte(0xfa);
/// `revert(0, 0)`
const REFUSER_CODE: &str = "0x60006000fd";

/// What distinguishes one EVM chain.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// Its id.
    pub(crate) chain: ChainId,
    /// The chain it talks to.
    pub(crate) peer: ChainId,
    /// Ticker of its coin.
    pub(crate) symbol: &'static str,
    /// Its rules.
    pub(crate) profile: Profile,
    /// How its crate puts it together.
    pub(crate) connect: fn(EvmConfig, Context) -> Result<EvmChain, PortError>,
}

/// Runs every case of the suite.
///
/// # Panics
/// If a case fails or the node cannot be set up.
pub(crate) async fn assert_conforms(kind: Kind) {
    let stage = timeout(SETUP_TIMEOUT, Stage::set_up(kind)).await.expect("is set up in time");
    let stage = Arc::new(stage.expect("is set up"));
    match run_all(|| stage.clone().fresh()).await {
        Ok(passed) => assert!(passed >= CASES_MIN, "only {passed} cases ran"),
        Err(failure) => panic!("{failure}"),
    }
}

/// A node with the contracts on it, and the moment at which every case begins.
struct Stage {
    kind: Kind,
    node: Node,
    config: EvmConfig,
    world: World,
    keys: BTreeMap<Party, PrivateKeySigner>,
    deployer: Address,
    beginning: Mutex<Value>,
}

impl Stage {
    async fn set_up(kind: Kind) -> Result<Self, Failure> {
        let node = Node::start(kind.chain.0)?;
        let keys: BTreeMap<_, _> = (0u32..).zip(Party::ALL).map(|(index, party)| (party, dev_key(index))).collect();
        let at = deploy_contracts(&node, kind, keys.values().map(PrivateKeySigner::address).collect()).await?;
        node.rpc::<Value>("anvil_setCode", json!([REFUSER, REFUSER_CODE])).await?;
        node.stop_mining().await?;
        node.mine(FINALITY_LAG).await?;
        let world = world(kind, &at, node.head().await? - FINALITY_LAG + 1);
        let config = config(kind, &at, &node.url(), world.start)?;
        let beginning = Mutex::new(node.remember().await?);
        Ok(Self { kind, node, config, world, keys, deployer: dev_key(DEPLOYER).address(), beginning })
    }

    /// Goes back to the beginning.
    async fn fresh(self: Arc<Self>) -> Result<EvmHarness, Failure> {
        let mut beginning = self.beginning.lock().await;
        self.node.go_back(&beginning).await?;
        *beginning = self.node.remember().await?;
        drop(beginning);
        let stores = Party::ALL.map(|party| (party, memory())).into();
        Ok(EvmHarness { stage: self, stores })
    }

    /// A new connection, which remembers nothing of the ones before.
    fn connect(&self) -> Result<EvmChain, Failure> {
        let World { chain, peer, gateway, peer_gateway, .. } = self.world;
        let gateways = [(chain, gateway), (peer, peer_gateway)].into();
        let context = Context { hub: HUB, gateways, hub_epoch: Some(Epoch(1)) };
        Ok((self.kind.connect)(self.config.clone(), context)?)
    }
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(TX_COLUMNS))
}

async fn deploy_contracts(node: &Node, kind: Kind, token_holders: Vec<Address>) -> Result<Addresses, Failure> {
    let options = DeployOptions {
        url: node.url(),
        hub_id: HUB.0,
        valset_hash: TestValidators::genesis().hash(),
        epoch_expires_at: node.time().await? + YEAR_S,
        grace_s: GRACE_S,
        escape_window_min_s: ESCAPE_WINDOW_S,
        peers: vec![Peer::twin(kind.peer.0, &addresses(dev_key(DEPLOYER).address()), &peer_contracts())],
        token_holders,
    };
    deploy(&options, dev_key(DEPLOYER)).await.map_err(Failure::new)
}

fn peer_contracts() -> Addresses {
    addresses(dev_key(PEER_DEPLOYER).address())
}

fn world(kind: Kind, at: &Addresses, start: u64) -> World {
    World {
        hub_id: HUB,
        chain: kind.chain,
        peer: kind.peer,
        gateway: at.gateway.into(),
        peer_gateway: peer_contracts().gateway.into(),
        escrow: at.escrow.into(),
        token_bridge: Some(at.token_bridge.into()),
        token: at.token.into(),
        token_info: TokenInfo { symbol: "DEV".into(), decimals: 18 },
        native_unit: 1,
        recipient: at.recipient.into(),
        failing_recipient: REFUSER.into(),
        gas_limit: GAS_LIMIT,
        start,
        escape_window: ESCAPE_WINDOW_S,
    }
}

fn config(kind: Kind, at: &Addresses, url: &str, start_block: u64) -> Result<EvmConfig, Failure> {
    let Addresses { gateway, escrow, verifier, token_bridge, .. } = *at;
    Ok(EvmConfig {
        chain: kind.chain,
        name: kind.chain.to_string().parse().map_err(Failure::new)?,
        native_symbol: kind.symbol.into(),
        endpoints: vec![EndpointUrl::parse(url, 1).map_err(Failure::new)?],
        quorum: 1,
        contracts: Contracts { gateway, escrow, verifier, token_bridge },
        start_block,
        profile: kind.profile,
        limits: kind.profile.limits,
        fees: kind.profile.fees,
        environment: Environment::Devnet,
    })
}

/// One case's chain.
struct EvmHarness {
    stage: Arc<Stage>,
    stores: BTreeMap<Party, Arc<dyn Store>>,
}

#[async_trait]
impl Harness for EvmHarness {
    fn world(&self) -> &World {
        &self.stage.world
    }

    fn account(&self, party: Party) -> Account {
        self.stage.keys[&party].address().into()
    }

    async fn reader(&self) -> Result<Arc<dyn ChainReader>, Failure> {
        Ok(self.stage.connect()?.reader())
    }

    async fn writer(&self, party: Party) -> Result<Arc<dyn ChainWriter>, Failure> {
        let key = SecretKey::from_bytes(self.stage.keys[&party].to_bytes().0).map_err(Failure::new)?;
        Ok(self.stage.connect()?.writer(self.stores[&party].clone(), &key)?)
    }

    async fn verifier(&self) -> Result<Arc<dyn FactVerifier>, Failure> {
        Ok(self.stage.connect()?.verifier())
    }

    async fn mine(&self, blocks: u64) -> Result<(), Failure> {
        self.stage.node.mine(blocks).await
    }

    async fn finalize(&self) -> Result<(), Failure> {
        self.stage.node.mine(FINALITY_LAG).await
    }

    async fn advance(&self, seconds: u64) -> Result<(), Failure> {
        self.stage.node.advance(seconds).await
    }

    async fn reorg(&self, depth: u64) -> Result<(), Failure> {
        self.stage.node.reorg(depth).await
    }

    async fn lose_pending(&self) -> Result<(), Failure> {
        self.stage.node.drop_pool().await
    }

    async fn fund(&self, account: Account, token: Account, amount: Amount) -> Result<(), Failure> {
        let (to, token) = (account.to_evm().map_err(Failure::new)?, token.to_evm().map_err(Failure::new)?);
        if token.is_zero() {
            return self.stage.node.give(to, amount.0).await;
        }
        let data = transferCall { to, amount: U256::from(amount.0) }.abi_encode();
        self.stage.node.call(self.stage.deployer, token, &Bytes::from(data), 0).await
    }

    async fn call_by_hand(&self, party: Party, call: &ManualCall) -> Result<(), Failure> {
        let to: Address = call.to.parse().map_err(|_| Failure::new(format_args!("`{}` is no address", call.to)))?;
        self.stage.node.call(self.stage.keys[&party].address(), to, &call.data, call.value.0).await
    }
}
