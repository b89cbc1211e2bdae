//! A real node, contracts reduced to what a test needs, and a proxy that lies.
#![allow(dead_code)]

use alloy::{
    node_bindings::{Anvil, AnvilInstance},
    sol_types::SolEvent,
};
use alloy_primitives::{Address, B256, Bytes, U64, address, hex};
use infrastrukt_evm::{
    Context, Contracts, Endpoint, EndpointUrl, Environment, EvmChain, EvmConfig, FeeMode, FeePolicy, Limits, Profile,
    SecretKey,
    bindings::{IEscrow, IGateway},
};
use infrastrukt_types::{Account, ChainId, HubId, Message, Nonce, Route, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

pub(crate) mod proxy;

pub(crate) const CHAIN: ChainId = ChainId(31_337);
pub(crate) const TARGET: ChainId = ChainId(56);
pub(crate) const HUB: HubId = HubId(B256::repeat_byte(0x42));
pub(crate) const CONTRACTS: Contracts = Contracts {
    gateway: address!("00000000000000000000000000000000000000a1"),
    escrow: address!("00000000000000000000000000000000000000a2"),
    verifier: address!("00000000000000000000000000000000000000a3"),
    token_bridge: address!("00000000000000000000000000000000000000a4"),
};
/// First of the node's funded accounts.
pub(crate) const SENDER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// `log3(calldata[96..], calldata[0], calldata[32], calldata[64])`: writes whatever event it is called with.
const EMITTER: [u8; 24] = hex!("60603603806060600037604035602035600035836000a300");

/// Accepts every call.
pub(crate) const ACCEPTS: [u8; 1] = hex!("00");

/// Accepts every call and answers it with two words of zero, which is what a free quote looks like.
pub(crate) const ANSWERS_ZERO: [u8; 5] = hex!("60406000f3");

/// Accepts every call and answers it with the number six.
pub(crate) const ANSWERS_SIX: [u8; 10] = hex!("600660005260206000f3");

pub(crate) const LIMITS: Limits = Limits {
    scan_blocks_max: 256,
    batch_max: 7,
    response_bytes_max: 8 << 20,
    request_timeout: Duration::from_secs(5),
    tx_gas_max: 1 << 24,
    in_flight_max: 8,
};

/// A node whose blocks are final two blocks later.
pub(crate) struct Node {
    anvil: AnvilInstance,
    control: Endpoint,
}

impl Node {
    /// Mines a block for every transaction.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Mines only when told to.
    pub(crate) async fn start_manual() -> Self {
        Self::start_with(&["--no-mining"]).await
    }

    async fn start_with(arguments: &[&str]) -> Self {
        let binary = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
        assert!(binary.exists(), "{} is missing: run `make setup`", binary.display());
        let anvil = Anvil::at(binary)
            .chain_id(CHAIN.0)
            .args(["--slots-in-an-epoch", "1", "--hardfork", "osaka"])
            .args(arguments)
            .try_spawn()
            .expect("anvil starts");
        let url = EndpointUrl::parse(&anvil.endpoint(), 1).expect("is a URL");
        let node = Self { control: Endpoint::new(url, CHAIN, LIMITS).expect("is set up"), anvil };
        for contract in [CONTRACTS.gateway, CONTRACTS.escrow, CONTRACTS.verifier, CONTRACTS.token_bridge] {
            node.set_code(contract, &EMITTER).await;
        }
        node
    }

    pub(crate) fn url(&self) -> String {
        self.anvil.endpoint()
    }

    pub(crate) async fn rpc<R: DeserializeOwned>(&self, method: &str, params: Value) -> R {
        self.control.request(method, params).await.unwrap_or_else(|error| panic!("{method}: {error:?}"))
    }

    pub(crate) async fn set_code(&self, address: Address, code: &[u8]) {
        self.rpc::<Value>("anvil_setCode", json!([address, Bytes::copy_from_slice(code)])).await;
    }

    pub(crate) async fn mine(&self, blocks: u64) {
        self.rpc::<Value>("anvil_mine", json!([format!("0x{blocks:x}")])).await;
    }

    pub(crate) async fn head(&self) -> u64 {
        self.rpc::<U64>("eth_blockNumber", json!([])).await.to()
    }

    pub(crate) async fn mined_nonce(&self, account: Address) -> u64 {
        self.rpc::<U64>("eth_getTransactionCount", json!([account, "latest"])).await.to()
    }

    /// A transaction signed by the node itself with the writer's key: somebody else's, as the writer sees it.
    pub(crate) async fn foreign(&self, to: Address, data: Bytes, nonce: Option<u64>) -> B256 {
        let mut transaction = json!({ "from": SENDER, "to": to, "data": data, "gas": "0x186a0" });
        if let Some(nonce) = nonce {
            transaction["nonce"] = json!(format!("0x{nonce:x}"));
        }
        self.rpc("eth_sendTransaction", json!([transaction])).await
    }

    /// Lets a contract write an event of three topics.
    pub(crate) async fn emit<E: SolEvent>(&self, contract: Address, event: &E) {
        let log = event.encode_log_data();
        let topics: Vec<u8> = log.topics().iter().flat_map(|topic| topic.0).collect();
        assert_eq!(topics.len(), 96, "the emitter writes three topics");
        self.foreign(contract, [topics.as_slice(), log.data.as_ref()].concat().into(), None).await;
    }

    /// A message event whose id follows from its fields.
    pub(crate) async fn emit_sent(&self, nonce: u64) {
        self.emit(CONTRACTS.gateway, &sent(nonce)).await;
    }

    pub(crate) async fn emit_locked(&self, index: u8) {
        let event = IEscrow::Locked { dealId: B256::repeat_byte(1), lockKey: B256::repeat_byte(index), index };
        self.emit(CONTRACTS.escrow, &event).await;
    }

    pub(crate) fn chain(&self) -> EvmChain {
        chain(&[self.url()], 1)
    }
}

fn peer() -> Account {
    Account(B256::repeat_byte(0x77))
}

pub(crate) fn sent(nonce: u64) -> IGateway::Sent {
    let message = Message {
        version: 1,
        source: CHAIN,
        target: TARGET,
        nonce: Nonce(nonce),
        sender: Account::from(SENDER),
        recipient: Account::from(Address::repeat_byte(8)),
        timestamp: Timestamp(1),
        gas_limit: 100_000,
        deadline: Timestamp(0),
        payload: Bytes::from(vec![7; 40]),
    };
    let route = Route { source_gateway: Account::from(CONTRACTS.gateway), target_gateway: peer() };
    IGateway::Sent {
        id: message.id(HUB, &route).0,
        target: message.target.0,
        nonce: message.nonce.0,
        sender: message.sender.0,
        recipient: message.recipient.0,
        timestamp: message.timestamp.0,
        gasLimit: message.gas_limit,
        deadline: message.deadline.0,
        payload: message.payload,
    }
}

pub(crate) fn config(urls: &[String], quorum: usize) -> EvmConfig {
    let endpoints = (1..).zip(urls).map(|(index, url)| EndpointUrl::parse(url, index).expect("is a URL"));
    let fees = FeePolicy { max_fee_per_gas_wei: 1_000_000_000_000, min_tip_wei: 1 };
    let profile = Profile {
        kind: "test",
        finality_tag: "finalized",
        fee_mode: FeeMode::Eip1559,
        block_time: Duration::from_millis(100),
        stuck_blocks: 2,
        rebroadcast_blocks: 4,
        limits: LIMITS,
        fees,
    };
    EvmConfig {
        chain: CHAIN,
        name: CHAIN.to_string().parse().expect("is CAIP-2"),
        native_symbol: "ETH".into(),
        endpoints: endpoints.collect(),
        quorum,
        contracts: CONTRACTS,
        start_block: 0,
        profile,
        limits: LIMITS,
        fees,
        environment: Environment::Devnet,
    }
}

pub(crate) fn chain(urls: &[String], quorum: usize) -> EvmChain {
    chain_of(config(urls, quorum))
}

pub(crate) fn chain_of(config: EvmConfig) -> EvmChain {
    let gateways = [(CHAIN, Account::from(CONTRACTS.gateway)), (TARGET, peer())].into();
    EvmChain::new(config, Context { hub: HUB, gateways, hub_epoch: None }).expect("is valid")
}

pub(crate) fn key() -> SecretKey {
    SecretKey::read(&mut KEY.as_bytes()).expect("is a key")
}

/// An address nobody listens at.
pub(crate) fn dead_url() -> String {
    "http://127.0.0.1:9".into()
}
