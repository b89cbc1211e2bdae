//! Sets the gateway up on a development chain. Every step looks first whether it is done, so that all of it can be
//! repeated, and a start that was killed goes on where it stopped.

use infrastrukt_evm::{CallError, EndpointUrl, Environment};
use infrastrukt_ports::PortError;
use infrastrukt_types::{Account, B256, ChainId, Scheme, ValidatorSet};
use serde_json::Value;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use super::{
    PROGRAM,
    token::{MINT_BYTES, bridged_mint, bridged_name, mint_setup},
};
use crate::{
    address::{Gateway, TOKEN_PROGRAM},
    config::{FeePolicy, Limits, SolanaConfig},
    errors,
    instruction::{Initialize, TargetTerms, create_associated_token},
    key::SolanaKey,
    plan::{message, signed},
    rpc::{AccountState, Commitment, Endpoint},
    state::{self, Config, Target},
};

/// The most that a message to another chain may ask for, and carry.
const GAS_LIMIT_MAX: u32 = 5_000_000;
const PAYLOAD_MAX: u16 = 4_096;

/// Lamports that a message costs, and micro-lamports for each unit of its gas.
const BASE_FEE: u64 = 10_000;
const FEE_PER_GAS_MICRO: u64 = 100_000;

/// Until when: the year 2100.
const FEE_VALID_UNTIL: u64 = 4_102_444_800;

/// Gas that a delivery of a transfer gets on the other chain.
const RECEIVE_GAS: u64 = 300_000;

/// Coins of the bridged token that may arrive within this many seconds.
const OUTFLOW_COINS: u64 = 1_000_000;
const OUTFLOW_WINDOW_S: u64 = 3_600;

/// A route that mints here.
const MINTS: u8 = 2;

/// How far ahead a leg's time to lock may be.
const LOCK_HORIZON_MAX_S: u64 = 30 * 86_400;

/// Compute units of one step, and what is offered for them.
const BUDGET: (u32, u64) = (1_000_000, 0);

/// How long one step may take, and how often it is looked at.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// What is set up.
#[derive(Clone, Debug)]
pub struct DeployOptions {
    /// The node.
    pub url: String,
    /// Identity of the hub.
    pub hub_id: B256,
    /// The chain's id on the wire.
    pub chain: ChainId,
    /// The first validator set.
    pub validators: ValidatorSet,
    /// When its epoch ends, Unix seconds.
    pub epoch_expires_at: u64,
    /// Seconds for which decisions of a retired epoch still count.
    pub grace_s: u64,
    /// Shortest escape window in seconds.
    pub escape_window_min_s: u64,
    /// Decimals of the token that is minted here.
    pub bridged_decimals: u8,
    /// The other chains.
    pub peers: Vec<Peer>,
}

/// Another chain.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its id on the wire.
    pub chain: ChainId,
    /// Its gateway.
    pub gateway: Account,
    /// Its token bridge.
    pub token_bridge: Account,
    /// True where accounts there are EVM addresses.
    pub is_evm: bool,
    /// Its tokens that are minted here; one at most.
    pub routes: Vec<TokenRoute>,
}

/// A token at home on another chain.
#[derive(Clone, Debug)]
pub struct TokenRoute {
    /// The token there.
    pub remote_token: Account,
    /// Its decimals there.
    pub remote_decimals: u8,
}

/// Why the gateway was not set up.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The node.
    #[error("the Solana node failed at `{step}`: {reason}")]
    Node {
        /// What was to be done.
        step: &'static str,
        /// Why not.
        reason: String,
    },
    /// The chain refused a step.
    #[error("`{step}` failed on the chain: {reason}")]
    Refused {
        /// What was to be done.
        step: &'static str,
        /// Why not.
        reason: String,
    },
    /// Nothing came of a step in time.
    #[error("`{0}` was in no block within {wait}s", wait = STEP_TIMEOUT.as_secs())]
    Timeout(&'static str),
    /// The chain was set up for something else.
    #[error("the gateway on this chain belongs to hub {found}, not {wanted}: start with an empty folder")]
    OtherHub {
        /// The hub it belongs to.
        found: B256,
        /// The one it was to be set up for.
        wanted: B256,
    },
}

struct Deployment<'a> {
    endpoint: Endpoint,
    gateway: Gateway,
    key: &'a SolanaKey,
    owner: Pubkey,
}

/// Sets all of it up with the key that may upgrade the program, which becomes owner and guardian.
pub async fn deploy(options: &DeployOptions, key: &SolanaKey) -> Result<(), DeployError> {
    let deployment = Deployment::new(options, key).await?;
    deployment.initialize(options).await?;
    deployment.publish(options).await?;
    deployment.make_token(options).await?;
    for peer in &options.peers {
        deployment.add_peer(peer).await?;
    }
    Ok(())
}

impl<'a> Deployment<'a> {
    async fn new(options: &DeployOptions, key: &'a SolanaKey) -> Result<Self, DeployError> {
        let step = "connect";
        let node = |reason: String| DeployError::Node { step, reason };
        let url = EndpointUrl::parse(&options.url, 1).map_err(|error| node(error.to_string()))?;
        let genesis = genesis_name(&options.url).await.map_err(node)?;
        let config = SolanaConfig {
            chain: options.chain,
            name: genesis.parse().map_err(|error: infrastrukt_types::CaipError| node(error.to_string()))?,
            native_symbol: "SOL".into(),
            endpoints: vec![url.clone()],
            quorum: 1,
            program: PROGRAM,
            start_slot: super::FIRST_SLOT,
            limits: Limits::default(),
            fees: FeePolicy::default(),
            environment: Environment::Devnet,
        };
        let endpoint = Endpoint::new(url, &config).map_err(|error| node(error.message))?;
        Ok(Self { endpoint, gateway: Gateway::new(PROGRAM), key, owner: key.address() })
    }

    async fn initialize(&self, options: &DeployOptions) -> Result<(), DeployError> {
        const STEP: &str = "initialize";
        let found = self.account(STEP, &self.gateway.config).await?;
        if let Some(found) = found {
            let config: Config = state::read(&PROGRAM, &self.gateway.config, &found)
                .map_err(|error| DeployError::Node { step: STEP, reason: error.to_string() })?;
            let found = B256::from(config.hub_id);
            let wanted = options.hub_id;
            return if found == wanted { Ok(()) } else { Err(DeployError::OtherHub { found, wanted }) };
        }
        let owner = self.owner.to_bytes();
        let args = Initialize {
            hub_id: options.hub_id.0,
            chain: options.chain.0,
            owner,
            recovery_owner: owner,
            guardian: owner,
            grace: options.grace_s,
            min_validators: 1,
            min_escape_window: options.escape_window_min_s,
            max_lock_horizon: LOCK_HORIZON_MAX_S,
            epoch: 1,
            expires_at: options.epoch_expires_at,
            valset_hash: options.validators.hash(Scheme::Ecdsa).0,
        };
        self.run(STEP, vec![self.gateway.initialize(self.owner, &args)]).await
    }

    /// Harmless where the members are published already.
    async fn publish(&self, options: &DeployOptions) -> Result<(), DeployError> {
        let set = options.validators.encode(Scheme::Ecdsa);
        self.run("publish_set", vec![self.gateway.publish_set(self.owner, 1, &set)]).await
    }

    /// The token that the bridge mints, and its vaults.
    async fn make_token(&self, options: &DeployOptions) -> Result<(), DeployError> {
        let (mint, step) = (bridged_mint(), "make the bridged token");
        if self.account(step, &mint).await?.is_none() {
            let rent = self.endpoint.rent_exempt(MINT_BYTES).await.map_err(|error| failed(step, error))?;
            let terms = (options.bridged_decimals, self.gateway.bridge, rent);
            self.run(step, mint_setup(&self.owner, bridged_name(), terms, &[])).await?;
        }
        let step = "open_asset";
        if self.account(step, &self.gateway.asset(&mint)).await?.is_some() {
            return Ok(());
        }
        let vault = |owner| create_associated_token(self.owner, owner, mint, TOKEN_PROGRAM);
        let open = self.gateway.open_asset(self.owner, mint, TOKEN_PROGRAM);
        // Without a limit nothing may arrive; in the same transaction, so that no asset is without one.
        let capacity = OUTFLOW_COINS.saturating_mul(10u64.saturating_pow(options.bridged_decimals.into()));
        let limit = self.gateway.set_outflow_limit(self.owner, mint, capacity, OUTFLOW_WINDOW_S);
        self.run(step, vec![vault(self.gateway.escrow), vault(self.gateway.bridge), open, limit]).await
    }

    async fn add_peer(&self, peer: &Peer) -> Result<(), DeployError> {
        let (step, key) = ("set_target", self.gateway.target(peer.chain));
        if self.account(step, &key).await?.is_none() {
            let (gateway, is_evm) = (peer.gateway.0.0, peer.is_evm);
            let terms = TargetTerms { gateway, max_gas_limit: GAS_LIMIT_MAX, max_payload: PAYLOAD_MAX, is_evm };
            let fee = (BASE_FEE, FEE_PER_GAS_MICRO);
            let target = self.gateway.set_target(self.owner, peer.chain, &terms);
            let fee = self.gateway.set_fee(self.owner, peer.chain, fee, FEE_VALID_UNTIL);
            self.run(step, vec![target, fee]).await?;
        }
        let step = "register_peer";
        let found = self.account(step, &key).await?;
        let target = found.map(|found| state::read::<Target>(&PROGRAM, &key, &found)).transpose();
        let target = target.map_err(|error| DeployError::Node { step, reason: error.to_string() })?;
        if target.is_none_or(|target| target.bridge_peer == [0; 32]) {
            let call = self.gateway.register_peer(self.owner, peer.chain, peer.token_bridge.0.0);
            self.run(step, vec![call]).await?;
        }
        for route in &peer.routes {
            self.add_route(peer.chain, route).await?;
        }
        Ok(())
    }

    async fn add_route(&self, chain: ChainId, route: &TokenRoute) -> Result<(), DeployError> {
        let (step, mint) = ("register_route", bridged_mint());
        if self.account(step, &self.gateway.route(chain, &mint)).await?.is_some() {
            return Ok(());
        }
        let remote = (route.remote_token.0, MINTS, route.remote_decimals);
        self.run(step, vec![self.gateway.register_route(self.owner, (chain, mint), remote, RECEIVE_GAS)]).await
    }

    async fn account(&self, step: &'static str, key: &Pubkey) -> Result<Option<AccountState>, DeployError> {
        self.endpoint.account(key, Commitment::Processed).await.map_err(|error| failed(step, error))
    }

    /// Sends one transaction and waits until the chain shows what became of it. A slot of a development chain is never
    /// abandoned, so that nothing here waits for finality.
    async fn run(&self, step: &'static str, calls: Vec<Instruction>) -> Result<(), DeployError> {
        let (blockhash, ..) = self.endpoint.blockhash().await.map_err(|error| failed(step, error))?;
        let message = message(&self.owner, &calls, BUDGET, blockhash);
        let message = message.ok_or_else(|| DeployError::Node { step, reason: "it names too many accounts".into() })?;
        let signature = self.key.sign(&message);
        let raw = signed(&message, &signature);
        let simulated = self.endpoint.simulate(&raw).await.map_err(|error| failed(step, error))?;
        if let Some(error) = simulated.error {
            return Err(refused(step, &error, &calls));
        }
        self.endpoint.send(&raw).await.map_err(|error| failed(step, error))?;
        let deadline = Instant::now() + STEP_TIMEOUT;
        while Instant::now() < deadline {
            let status = self.endpoint.status(&signature.into()).await.map_err(|error| failed(step, error))?;
            match status {
                Some(status) if status.failed => {
                    return Err(refused(step, &Value::from("failed in its block"), &calls));
                }
                Some(_) => return Ok(()),
                None => sleep(POLL).await,
            }
        }
        Err(DeployError::Timeout(step))
    }
}

/// The chain's name by the hash of its genesis, asked for without a name to check it by.
async fn genesis_name(url: &str) -> Result<String, String> {
    use solana_rpc_client::nonblocking::rpc_client::RpcClient;
    let hash = RpcClient::new(url.to_owned()).get_genesis_hash().await.map_err(|error| error.to_string())?;
    Ok(format!("solana:{}", hash.to_string().chars().take(32).collect::<String>()))
}

fn failed(step: &'static str, error: CallError) -> DeployError {
    DeployError::Node { step, reason: PortError::from(error).message }
}

fn refused(step: &'static str, error: &Value, calls: &[Instruction]) -> DeployError {
    let budget = [crate::address::COMPUTE_BUDGET; 2].into_iter();
    let programs: Vec<Pubkey> = budget.chain(calls.iter().map(|call| call.program_id)).collect();
    DeployError::Refused { step, reason: errors::explain(error, &programs, &PROGRAM) }
}
