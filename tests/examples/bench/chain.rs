//! One node with instant mining, and the contracts on it.

use std::{fs, path::Path, time::Duration};

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    node_bindings::{Anvil, AnvilInstance},
    primitives::{Address, B256, Bytes, U256, Uint},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
    sol,
    sol_types::{SolCall, SolValue},
};
use anyhow::{Context, Result, bail, ensure};
use infrastrukt_evm::{CallContext, Contracts};
use infrastrukt_ports::Action;
use infrastrukt_types::{Account, ChainId, Scheme};
use serde_json::Value;

use super::{hub::Hub, programs};

sol! {
    function setTarget(uint64 target, bytes32 gateway, uint32 maxGasLimit, uint16 maxPayload, bool evm) external;
    function setFee(uint64 target, uint48 baseFeeGwei, uint48 feePerGasMwei, uint40 validUntil) external;
    function quote(uint64 target, uint64 gasLimit, uint256 payloadLength)
        external view returns (uint256 feeWei, uint40 validUntil);
    function transfer(address to, uint256 amount) external returns (bool);
}

const HERE: u64 = 31_337;
/// The chain that messages go to and come from; it need not run.
pub(crate) const REMOTE: ChainId = ChainId(56);
/// Its gateway.
pub(crate) const REMOTE_GATEWAY: Address = Address::repeat_byte(0x56);
/// Below the 2^24 that EIP-7825 allows a transaction, above any contract's deployment.
const GAS_LIMIT: u64 = 12_000_000;
const GAS_PRICE_WEI: u128 = 20_000_000_000;
/// The year 2100.
const FAR_FUTURE: u64 = 4_102_444_800;
const RECEIPT_PAUSE: Duration = Duration::from_millis(5);
const RECEIPT_LOOKS_MAX: u32 = 4_000;
const VALIDATORS_MIN: u16 = 4;
const GRACE_S: u64 = 30 * 24 * 3_600;
pub(crate) const ESCAPE_WINDOW_S: u64 = 24 * 3_600;
const LOCK_HORIZON_S: u64 = 30 * 24 * 3_600;
const GAS_LIMIT_MAX: u32 = 2_000_000;
const PAYLOAD_MAX: u16 = 10_000;
/// Creation code of a recipient that takes a message and does nothing: `PUSH1 1 PUSH0 RETURN` leaves one zero byte of
/// fresh memory as its code, and that is `STOP`.
const TAKES_ALL: [u8; 4] = [0x60, 0x01, 0x5f, 0xf3];

/// The node with everything on it, owned by its first account.
pub(crate) struct Bench {
    _node: AnvilInstance,
    provider: DynProvider,
    pub(crate) hub: Hub,
    pub(crate) owner: Address,
    pub(crate) contracts: Contracts,
    pub(crate) token: Address,
}

/// An artefact's creation code with encoded constructor arguments.
fn creation(name: &str, arguments: Vec<u8>) -> Result<Bytes> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../contracts/artifacts/{name}.json"));
    let text = fs::read_to_string(&path).with_context(|| format!("{}: run `make contracts`", path.display()))?;
    let artifact: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let code: Bytes = artifact["bytecode"].as_str().context("an artefact has bytecode")?.parse()?;
    Ok([code.as_ref(), &arguments].concat().into())
}

fn anvil() -> Result<AnvilInstance> {
    Ok(Anvil::new().path(programs::anvil()?).chain_id(HERE).args(["--hardfork", "osaka"]).try_spawn()?)
}

impl Bench {
    /// Starts the node and deploys everything.
    pub(crate) async fn start() -> Result<Self> {
        let node = anvil()?;
        let key = PrivateKeySigner::from(node.first_key().clone());
        let owner = key.address();
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .wallet(EthereumWallet::from(key))
            .connect_http(node.endpoint_url())
            .erased();
        let hub = Hub::new()?;
        // Addresses follow from the deployer's first nonces.
        let contracts = Contracts {
            verifier: owner.create(0),
            gateway: owner.create(1),
            escrow: owner.create(2),
            token_bridge: Address::repeat_byte(0x33),
        };
        let bench = Self { _node: node, provider, hub, owner, contracts, token: owner.create(3) };
        bench.deploy_all().await?;
        Ok(bench)
    }

    async fn deploy_all(&self) -> Result<()> {
        let (hub, owner, Contracts { verifier, gateway, .. }) = (self.hub.id.0, self.owner, self.contracts);
        let valset = self.hub.set.hash(Scheme::Ecdsa);
        let arguments = (hub, owner, 1u64, valset, FAR_FUTURE, GRACE_S, VALIDATORS_MIN).abi_encode_params();
        self.deploy(creation("EcdsaVerifier", arguments)?).await?;
        self.deploy(creation("Gateway", (hub, verifier, owner, owner).abi_encode_params())?).await?;
        let arguments = (hub, verifier, owner, ESCAPE_WINDOW_S, LOCK_HORIZON_S).abi_encode_params();
        self.deploy(creation("Escrow", arguments)?).await?;
        let supply = U256::from(10u64).pow(U256::from(27));
        let arguments = ("Dev Token".to_owned(), "DEV".to_owned(), U256::from(18), supply).abi_encode_params();
        self.deploy(creation("DevToken", arguments)?).await?;
        let set_target = setTargetCall {
            target: REMOTE.0,
            gateway: REMOTE_GATEWAY.into_word(),
            maxGasLimit: GAS_LIMIT_MAX,
            maxPayload: PAYLOAD_MAX,
            evm: true,
        };
        self.transact(gateway, set_target.abi_encode(), 0).await?;
        let set_fee = setFeeCall {
            target: REMOTE.0,
            baseFeeGwei: Uint::from(1_000u64),
            feePerGasMwei: Uint::from(1u64),
            validUntil: Uint::from(FAR_FUTURE),
        };
        self.transact(gateway, set_fee.abi_encode(), 0).await?;
        Ok(())
    }

    pub(crate) const fn chain_id(&self) -> u64 {
        HERE
    }

    pub(crate) const fn provider(&self) -> &DynProvider {
        &self.provider
    }

    pub(crate) fn account(&self, address: Address) -> Account {
        Account::from(address)
    }

    /// Time of the newest block.
    pub(crate) async fn now(&self) -> Result<u64> {
        let block =
            self.provider.get_block_by_number(Default::default()).await?.context("a chain has a newest block")?;
        Ok(block.header.timestamp)
    }

    async fn mine(&self, request: TransactionRequest) -> Result<TransactionReceipt> {
        let request = request
            .with_from(self.owner)
            .with_nonce(self.provider.get_transaction_count(self.owner).await?)
            .with_chain_id(HERE)
            .with_gas_limit(GAS_LIMIT)
            .with_gas_price(GAS_PRICE_WEI);
        let tx = *self.provider.send_transaction(request).await?.tx_hash();
        let receipt = self.receipt(tx).await?;
        ensure!(receipt.status(), "transaction {tx} reverted");
        Ok(receipt)
    }

    /// The node answers a broadcast before its block is made, a few milliseconds later.
    async fn receipt(&self, tx: B256) -> Result<TransactionReceipt> {
        for _ in 0..RECEIPT_LOOKS_MAX {
            if let Some(receipt) = self.provider.get_transaction_receipt(tx).await? {
                return Ok(receipt);
            }
            tokio::time::sleep(RECEIPT_PAUSE).await;
        }
        bail!("transaction {tx} was not mined within {} s", (RECEIPT_PAUSE * RECEIPT_LOOKS_MAX).as_secs())
    }

    async fn deploy(&self, code: Bytes) -> Result<Address> {
        let receipt = self.mine(TransactionRequest::default().with_deploy_code(code)).await?;
        receipt.contract_address.context("a deployment has an address")
    }

    async fn transact(&self, to: Address, data: Vec<u8>, value: u128) -> Result<TransactionReceipt> {
        self.mine(TransactionRequest::default().with_to(to).with_input(data).with_value(U256::from(value))).await
    }

    /// Recipients of messages that exist and do nothing.
    pub(crate) async fn recipients(&self, count: usize) -> Result<Vec<Address>> {
        let mut recipients = Vec::with_capacity(count);
        for _ in 0..count {
            recipients.push(self.deploy(Bytes::from_static(&TAKES_ALL)).await?);
        }
        Ok(recipients)
    }

    /// People who hold a little of everything already.
    pub(crate) async fn people(&self, count: u8) -> Result<Vec<Address>> {
        let mut people = Vec::with_capacity(usize::from(count));
        for index in 0..count {
            let person = Address::from_word(infrastrukt_types::keccak256([b"person", &[index][..]].concat()));
            self.transact(person, Vec::new(), 1).await?;
            let call = transferCall { to: person, amount: U256::from(1) };
            self.transact(self.token, call.abi_encode(), 0).await?;
            people.push(person);
        }
        Ok(people)
    }

    /// Does what the adapter would send for the action; returns the gas it used.
    pub(crate) async fn act(&self, action: &Action) -> Result<u64> {
        let context = CallContext { chain: ChainId(HERE), contracts: self.contracts, caller: Some(self.owner) };
        let call = context.manual(action)?;
        let mut value = call.value.0;
        if let Action::Send { target, gas_limit, payload, .. } = action {
            value += self.fee(*target, *gas_limit, payload.len()).await?;
        }
        Ok(self.transact(call.to.parse()?, call.data.to_vec(), value).await?.gas_used)
    }

    async fn fee(&self, target: ChainId, gas_limit: u64, length: usize) -> Result<u128> {
        let call = quoteCall { target: target.0, gasLimit: gas_limit, payloadLength: U256::from(length) };
        let request = TransactionRequest::default().with_to(self.contracts.gateway).with_input(call.abi_encode());
        let quoted = quoteCall::abi_decode_returns(&self.provider.call(request).await?)?;
        Ok(quoted.feeWei.try_into()?)
    }

    /// The message's id under this hub and the two gateways.
    pub(crate) fn message_id(&self, message: &infrastrukt_types::Message) -> infrastrukt_types::MessageId {
        let route = infrastrukt_types::Route {
            source_gateway: self.account(REMOTE_GATEWAY),
            target_gateway: self.account(self.contracts.gateway),
        };
        message.id(self.hub.id, &route)
    }

    /// A value that differs for each `index` and has no zero bytes to speak of.
    pub(crate) fn random(what: &str, index: usize) -> B256 {
        infrastrukt_types::keccak256(format!("{what} {index}"))
    }
}
