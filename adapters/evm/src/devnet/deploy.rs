//! Puts the hub's contracts on a development chain, at addresses known before: the deployer's first nonces.
//!
//! Safe to repeat: what is there already is left as it is.

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256, Uint},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol,
    sol_types::{SolCall, SolValue},
    transports::{RpcError, TransportErrorKind},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

sol! {
    function setTarget(uint64 target, bytes32 gateway, uint32 maxGasLimit, uint16 maxPayload, bool evm) external;
    function setFee(uint64 target, uint48 baseFeeGwei, uint48 feePerGasMwei, uint40 validUntil) external;
    function refuseRecipient(address recipient) external;
    enum RouteKind { None, Lock, Mint }
    function registerPeer(uint64 chain, bytes32 peer) external;
    function registerRoute(address token, uint64 chain, bytes32 remoteToken, RouteKind kind, uint8 remoteDecimals, uint64 receiveGas) external;
    function setOutflowLimit(address token, uint208 capacity, uint48 windowSeconds) external;
    function transfer(address to, uint256 amount) external returns (bool);
}

const RECEIPT_TIMEOUT: Duration = Duration::from_secs(60);
const RECEIPT_POLL: Duration = Duration::from_millis(100);
/// Enough for every contract here; anvil refunds what is not used.
const GAS_LIMIT: u64 = 8_000_000;
const GAS_PRICE_WEI: u128 = 10_000_000_000;
/// Fee of a message on the devnet, so that paying it is exercised: 1,000 gwei and 1 mwei a unit of gas.
const BASE_FEE_GWEI: u64 = 1_000;
const FEE_PER_GAS_MWEI: u64 = 1;
/// The year 2100: devnet prices and epochs do not run out.
const FAR_FUTURE: u64 = 4_102_444_800;
const GAS_LIMIT_MAX: u32 = 2_000_000;
const PAYLOAD_MAX: u16 = 10_000;
/// Of the test tokens.
const DECIMALS: u8 = 18;
/// Gas that the other side's bridge is given to mint or release.
const RECEIVE_GAS: u64 = 300_000;
const OUTFLOW_WINDOW_S: u64 = 3_600;
/// A devnet may be run by a single validator.
const VALIDATORS_MIN: u16 = 1;
const LOCK_HORIZON_S: u64 = 30 * 24 * 3_600;

/// Where the contracts stand; the same on every development chain, since deployer and order are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Judges certificates.
    pub verifier: Address,
    /// Messages.
    pub gateway: Address,
    /// Deals.
    pub escrow: Address,
    /// Tokens.
    pub token_bridge: Address,
    /// A plain ERC-20 native to this chain.
    pub token: Address,
    /// The other chain's token, minted here.
    pub bridged_token: Address,
    /// The other chain's native coin, minted here.
    pub bridged_native: Address,
    /// Takes messages for anyone.
    pub recipient: Address,
}

/// A chain to talk to, of any kind.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its id on the wire.
    pub chain_id: u64,
    /// Its gateway.
    pub gateway: B256,
    /// Its token bridge.
    pub token_bridge: B256,
    /// Whether its accounts have 20 bytes.
    pub is_evm: bool,
    /// Most gas (or compute units) that a message there may ask for.
    pub gas_limit_max: u32,
    /// Most bytes of a message there.
    pub payload_max: u16,
    /// Tokens that go there.
    pub routes: Vec<TokenRoute>,
}

/// A token here with its counterpart on a peer.
#[derive(Clone, Copy, Debug)]
pub struct TokenRoute {
    /// The token here; zero is the native coin.
    pub token: Address,
    /// Its counterpart there.
    pub remote_token: B256,
    /// Locked here and minted there where true, the reverse where false.
    pub is_home: bool,
    /// Decimals of the counterpart.
    pub remote_decimals: u8,
}

/// What to deploy for.
#[derive(Clone, Debug)]
pub struct DeployOptions {
    /// The node.
    pub url: String,
    /// Identity of the hub.
    pub hub_id: B256,
    /// Hash of the first epoch's validator set.
    pub valset_hash: B256,
    /// When that epoch ends.
    pub epoch_expires_at: u64,
    /// Seconds for which decisions of a retired epoch still count.
    pub grace_s: u64,
    /// Shortest escape window an escrow takes.
    pub escape_window_min_s: u64,
    /// The chains to talk to.
    pub peers: Vec<Peer>,
    /// Accounts that get an equal share of the test token.
    pub token_holders: Vec<Address>,
}

/// Why a deployment failed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The node cannot be reached or refused a transaction.
    #[error("the development node failed: {0}")]
    Rpc(#[from] RpcError<TransportErrorKind>),
    /// The node's address is malformed.
    #[error("`{0}` is no URL")]
    Url(String),
    /// A committed artifact is damaged.
    #[error("the artifact of {0} is damaged: run `make contracts`")]
    Artifact(&'static str),
    /// A step reverted.
    #[error("step {step} of the deployment reverted (transaction {hash})")]
    Reverted {
        /// The deployer's nonce.
        step: u64,
        /// The transaction.
        hash: B256,
    },
    /// A step was not mined.
    #[error("step {0} of the deployment was not mined within {max}s", max = RECEIPT_TIMEOUT.as_secs())]
    NotMined(u64),
}

impl Peer {
    /// Another chain on which [`deploy`] put the same: its token and coin are minted here, and the reverse.
    pub fn twin(chain_id: u64, here: &Addresses, there: &Addresses) -> Self {
        let route = |token: Address, remote: Address, is_home| TokenRoute {
            token,
            remote_token: remote.into_word(),
            is_home,
            remote_decimals: DECIMALS,
        };
        Self {
            chain_id,
            gateway: there.gateway.into_word(),
            token_bridge: there.token_bridge.into_word(),
            is_evm: true,
            gas_limit_max: GAS_LIMIT_MAX,
            payload_max: PAYLOAD_MAX,
            routes: vec![
                route(here.token, there.bridged_token, true),
                route(here.bridged_token, there.token, false),
                route(Address::ZERO, there.bridged_native, true),
                route(here.bridged_native, Address::ZERO, false),
            ],
        }
    }
}

/// Where [`deploy`] puts the contracts.
pub fn addresses(deployer: Address) -> Addresses {
    Addresses {
        verifier: deployer.create(0),
        gateway: deployer.create(1),
        escrow: deployer.create(2),
        token_bridge: deployer.create(3),
        token: deployer.create(4),
        bridged_token: deployer.create(5),
        bridged_native: deployer.create(6),
        recipient: deployer.create(7),
    }
}

/// Code to deploy, from the committed artifact, with encoded constructor arguments.
fn creation(name: &'static str, artifact: &str, arguments: Vec<u8>) -> Result<Bytes, DeployError> {
    let value: serde_json::Value = serde_json::from_str(artifact).map_err(|_| DeployError::Artifact(name))?;
    let code: Option<Bytes> = value["bytecode"].as_str().and_then(|text| text.parse().ok());
    Ok([code.ok_or(DeployError::Artifact(name))?.as_ref(), &arguments].concat().into())
}

macro_rules! artifact {
    ($name:literal, $arguments:expr) => {
        creation($name, include_str!(concat!("../../../../contracts/artifacts/", $name, ".json")), $arguments)
    };
}

/// All transactions in order of the deployer's nonce.
fn plan(options: &DeployOptions, deployer: Address) -> Result<Vec<TransactionRequest>, DeployError> {
    let at = addresses(deployer);
    let hub = options.hub_id;
    let deployed = [
        artifact!(
            "EcdsaVerifier",
            (hub, deployer, 1u64, options.valset_hash, options.epoch_expires_at, options.grace_s, VALIDATORS_MIN)
                .abi_encode_params()
        )?,
        artifact!("Gateway", (hub, at.verifier, deployer, deployer).abi_encode_params())?,
        artifact!(
            "Escrow",
            (hub, at.verifier, deployer, options.escape_window_min_s, LOCK_HORIZON_S).abi_encode_params()
        )?,
        artifact!("TokenBridge", (at.gateway, deployer, deployer).abi_encode_params())?,
        artifact!(
            "DevToken",
            ("Dev Token".to_string(), "DEV".to_string(), U256::from(DECIMALS), supply()).abi_encode_params()
        )?,
        artifact!(
            "BridgedToken",
            ("Bridged Dev Token".to_string(), "bDEV".to_string(), U256::from(DECIMALS), at.token_bridge)
                .abi_encode_params()
        )?,
        artifact!(
            "BridgedToken",
            ("Bridged Native Coin".to_string(), "bNAT".to_string(), U256::from(DECIMALS), at.token_bridge)
                .abi_encode_params()
        )?,
        artifact!("DevRecipient", Vec::new())?,
    ];
    let mut steps: Vec<TransactionRequest> =
        deployed.into_iter().map(|code| TransactionRequest::default().with_deploy_code(code)).collect();
    // Only before the first chain is opened.
    steps.extend([at.escrow, at.verifier].map(|recipient| call(at.gateway, refuseRecipientCall { recipient })));
    for peer in &options.peers {
        steps.extend(wiring(&at, peer));
    }
    for holder in &options.token_holders {
        steps.push(call(at.token, transferCall { to: *holder, amount: share() }));
    }
    Ok(steps)
}

/// Of each test token: a billion coins.
fn supply() -> U256 {
    U256::from(10).pow(U256::from(9 + DECIMALS))
}

/// Of each holder: a million coins. As much may leave a bridge within an hour.
fn share() -> U256 {
    U256::from(10).pow(U256::from(6 + DECIMALS))
}

fn call(to: Address, call: impl SolCall) -> TransactionRequest {
    TransactionRequest::default().with_to(to).with_input(call.abi_encode())
}

/// Gateway, bridge and token routes towards one peer.
fn wiring(at: &Addresses, peer: &Peer) -> Vec<TransactionRequest> {
    let target = peer.chain_id;
    let set_target = setTargetCall {
        target,
        gateway: peer.gateway,
        maxGasLimit: peer.gas_limit_max,
        maxPayload: peer.payload_max,
        evm: peer.is_evm,
    };
    let set_fee = setFeeCall {
        target,
        baseFeeGwei: Uint::from(BASE_FEE_GWEI),
        feePerGasMwei: Uint::from(FEE_PER_GAS_MWEI),
        validUntil: Uint::from(FAR_FUTURE),
    };
    let mut steps = vec![
        call(at.gateway, set_target),
        call(at.gateway, set_fee),
        call(at.token_bridge, registerPeerCall { chain: target, peer: peer.token_bridge }),
    ];
    steps.extend(peer.routes.iter().map(|route| register(at, target, route)));
    steps.extend(peer.routes.iter().map(|route| limit(at, route.token)));
    steps
}

fn register(at: &Addresses, chain: u64, route: &TokenRoute) -> TransactionRequest {
    let kind = if route.is_home { RouteKind::Lock } else { RouteKind::Mint };
    let TokenRoute { token, remote_token, remote_decimals, .. } = *route;
    let register = registerRouteCall {
        token,
        chain,
        remoteToken: remote_token,
        kind,
        remoteDecimals: remote_decimals,
        receiveGas: RECEIVE_GAS,
    };
    call(at.token_bridge, register)
}

fn limit(at: &Addresses, token: Address) -> TransactionRequest {
    let (capacity, window) = (Uint::from(share()), Uint::from(OUTFLOW_WINDOW_S));
    call(at.token_bridge, setOutflowLimitCall { token, capacity, windowSeconds: window })
}

/// Deploys and wires everything with `deployer`, which nobody else may use before. Steps that were mined are skipped.
pub async fn deploy(options: &DeployOptions, deployer: PrivateKeySigner) -> Result<Addresses, DeployError> {
    let from = deployer.address();
    let url = options.url.parse().map_err(|_| DeployError::Url(options.url.clone()))?;
    let provider = ProviderBuilder::new()
        .disable_recommended_fillers()
        .wallet(EthereumWallet::from(deployer))
        .connect_http(url)
        .erased();
    let chain_id = provider.get_chain_id().await?;
    let done = provider.get_transaction_count(from).await?;
    let mut sent = Vec::new();
    for (step, request) in (0u64..).zip(plan(options, from)?).filter(|(step, _)| *step >= done) {
        let request = request
            .with_from(from)
            .with_nonce(step)
            .with_chain_id(chain_id)
            .with_gas_limit(GAS_LIMIT)
            .with_gas_price(GAS_PRICE_WEI);
        sent.push((step, *provider.send_transaction(request).await?.tx_hash()));
    }
    for (step, hash) in sent {
        wait(&provider, step, hash).await?;
    }
    Ok(addresses(from))
}

async fn wait(provider: &DynProvider, step: u64, hash: B256) -> Result<(), DeployError> {
    let deadline = Instant::now() + RECEIPT_TIMEOUT;
    while Instant::now() < deadline {
        match provider.get_transaction_receipt(hash).await? {
            Some(receipt) if receipt.status() => return Ok(()),
            Some(_) => return Err(DeployError::Reverted { step, hash }),
            None => sleep(RECEIPT_POLL).await,
        }
    }
    Err(DeployError::NotMined(step))
}
