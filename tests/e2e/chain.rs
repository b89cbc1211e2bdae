//! A node seen through a client that shares no code with the product.

use std::{collections::BTreeMap, time::Duration};

use alloy::{
    eips::BlockId,
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{Filter, TransactionReceipt, TransactionRequest},
    signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English},
    sol,
    sol_types::{SolCall, SolEvent},
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{command::text, poll::until};

sol! {
    event Sent(
        bytes32 indexed id, uint64 indexed target, uint64 nonce, bytes32 sender, bytes32 recipient, uint64 timestamp,
        uint64 gasLimit, uint64 deadline, bytes payload
    );
    event Delivered(bytes32 indexed id, uint64 indexed source, uint64 nonce);
    event Received(bytes32 indexed id, uint64 indexed source, bytes32 indexed sender, bytes payload);
    function send(uint64 target, bytes32 recipient, uint64 gasLimit, uint64 deadline, bytes payload)
        external payable returns (bytes32 id);
    function quote(uint64 target, uint64 gasLimit, uint256 payloadLength)
        external view returns (uint256 feeWei, uint40 validUntil);
    function balanceOf(address account) external view returns (uint256);
}

/// Anvil's published mnemonic. Indices 0 to 3 are alice, bob, carol and the relayer; 9 deploys; tests use the others.
const MNEMONIC: &str = "test test test test test test test test test test test junk";
const GAS_LIMIT: u64 = 3_000_000;
const GAS_PRICE_WEI: u128 = 20_000_000_000;
const MINED_MAX: Duration = Duration::from_secs(30);
/// Gas for the handler of a test's message: enough for the inbox.
pub(crate) const HANDLER_GAS: u64 = 100_000;

/// The published development key at `index`.
pub(crate) fn dev_key(index: u32) -> Result<PrivateKeySigner> {
    Ok(MnemonicBuilder::<English>::default().phrase(MNEMONIC).index(index)?.build()?)
}

/// One chain of the devnet.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) name: String,
    pub(crate) id: u64,
    pub(crate) rpc: String,
    pub(crate) provider: DynProvider,
    contracts: BTreeMap<String, Address>,
    tokens: BTreeMap<String, Address>,
}

impl Chain {
    /// The chain that an entry of devnet.json describes.
    pub(crate) fn connect(entry: &Value) -> Result<Self> {
        let (name, rpc) = (text(&entry["id"])?, text(&entry["rpc"])?);
        let id = name.strip_prefix("eip155:").context("no EVM chain")?.parse()?;
        let addresses = |value: &Value| serde_json::from_value(value.clone()).context("addresses in devnet.json");
        Ok(Self {
            id,
            provider: ProviderBuilder::new().connect_http(rpc.parse()?).erased(),
            contracts: addresses(&entry["contracts"])?,
            tokens: addresses(&entry["tokens"])?,
            name,
            rpc,
        })
    }

    pub(crate) fn contract(&self, name: &str) -> Result<Address> {
        self.contracts.get(name).copied().with_context(|| format!("devnet.json lacks {name} of {}", self.name))
    }

    pub(crate) fn token(&self, symbol: &str) -> Result<Address> {
        self.tokens.get(symbol).copied().with_context(|| format!("devnet.json lacks {symbol} of {}", self.name))
    }

    /// Native balance.
    pub(crate) async fn native(&self, account: Address) -> Result<U256> {
        Ok(self.provider.get_balance(account).await?)
    }

    /// Token balance.
    pub(crate) async fn tokens_of(&self, account: Address, token: Address) -> Result<U256> {
        let answer = self.call(token, &balanceOfCall { account }).await?;
        Ok(balanceOfCall::abi_decode_returns(&answer)?)
    }

    /// What the sender of a transaction paid for gas.
    pub(crate) async fn gas_paid(&self, tx: &str) -> Result<U256> {
        let receipt = self.receipt(tx.parse()?).await?;
        Ok(U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price))
    }

    /// Number of the newest block.
    pub(crate) async fn height(&self) -> Result<u64> {
        Ok(self.provider.get_block_number().await?)
    }

    /// What an account paid for gas in all blocks after this one.
    pub(crate) async fn gas_since(&self, account: Address, block: u64) -> Result<U256> {
        let mut paid = U256::ZERO;
        for number in block + 1..=self.height().await? {
            let receipts = self.provider.get_block_receipts(number.into()).await?.unwrap_or_default();
            for receipt in receipts.iter().filter(|receipt| receipt.from == account) {
                paid += U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price);
            }
        }
        Ok(paid)
    }

    /// Time of the newest block.
    pub(crate) async fn now(&self) -> Result<u64> {
        let block: Value = self.ask("eth_getBlockByNumber", json!(["latest", false])).await?;
        Ok(text(&block["timestamp"])?.parse::<U256>()?.try_into()?)
    }

    /// Any method of the node.
    pub(crate) async fn ask<R>(&self, method: &'static str, params: Value) -> Result<R>
    where
        R: serde::de::DeserializeOwned + Send + Sync + Unpin + std::fmt::Debug + 'static,
    {
        self.provider.raw_request(method.into(), params).await.with_context(|| format!("{method} on {}", self.name))
    }

    /// Reads a contract.
    pub(crate) async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<Bytes> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        // Without a block the node would answer for its pending one, which a reader of blocks cannot see yet.
        Ok(self.provider.call(request).block(BlockId::latest()).await?)
    }

    /// All events of a kind that a contract ever emitted.
    pub(crate) async fn events<E: SolEvent>(&self, contract: Address) -> Result<Vec<E>> {
        let filter = Filter::new().address(contract).event_signature(E::SIGNATURE_HASH).from_block(0);
        let logs = self.provider.get_logs(&filter).await?;
        logs.iter().map(|log| Ok(log.log_decode::<E>()?.inner.data)).collect()
    }

    /// How often each message was delivered here.
    pub(crate) async fn deliveries(&self) -> Result<BTreeMap<B256, usize>> {
        let mut counts = BTreeMap::new();
        for delivered in self.events::<Delivered>(self.contract("gateway")?).await? {
            *counts.entry(delivered.id).or_default() += 1;
        }
        Ok(counts)
    }

    /// How often the inbox received each message.
    pub(crate) async fn received(&self) -> Result<BTreeMap<B256, usize>> {
        let mut counts = BTreeMap::new();
        for received in self.events::<Received>(self.contract("inbox")?).await? {
            *counts.entry(received.id).or_default() += 1;
        }
        Ok(counts)
    }

    /// Waits until every message was delivered here and reached the inbox, then checks that none came twice.
    pub(crate) async fn receives_once(&self, ids: &[B256], within: Duration) -> Result<()> {
        let what = format!("{} messages reach the inbox of {}", ids.len(), self.name);
        until(&what, within, || async {
            let received = self.received().await?;
            Ok(ids.iter().all(|id| received.contains_key(id)).then_some(()))
        })
        .await?;
        let (deliveries, received) = (self.deliveries().await?, self.received().await?);
        for id in ids {
            let (delivered, received) = (deliveries.get(id), received.get(id));
            ensure!(delivered == Some(&1), "message {id} was delivered {delivered:?} times on {}", self.name);
            ensure!(received == Some(&1), "message {id} was received {received:?} times on {}", self.name);
        }
        Ok(())
    }

    async fn receipt(&self, tx: B256) -> Result<TransactionReceipt> {
        let what = format!("transaction {tx} is mined on {}", self.name);
        until(&what, MINED_MAX, || async { Ok(self.provider.get_transaction_receipt(tx).await?) }).await
    }

    /// Sends transactions of a development key one after another and waits for all; each must succeed.
    pub(crate) async fn transact(
        &self,
        key: u32,
        requests: Vec<TransactionRequest>,
    ) -> Result<Vec<TransactionReceipt>> {
        let key = dev_key(key)?;
        let from = key.address();
        let wallet = ProviderBuilder::new().disable_recommended_fillers().wallet(EthereumWallet::from(key));
        let provider = wallet.connect_http(self.rpc.parse()?);
        let first = provider.get_transaction_count(from).pending().await?;
        let mut sent = Vec::with_capacity(requests.len());
        for (nonce, request) in (first..).zip(requests) {
            let request = request
                .with_from(from)
                .with_nonce(nonce)
                .with_chain_id(self.id)
                .with_gas_limit(GAS_LIMIT)
                .with_gas_price(GAS_PRICE_WEI);
            sent.push(*provider.send_transaction(request).await?.tx_hash());
        }
        let mut receipts = Vec::with_capacity(sent.len());
        for tx in sent {
            let receipt = self.receipt(tx).await?;
            ensure!(receipt.status(), "transaction {tx} reverted on {}", self.name);
            receipts.push(receipt);
        }
        Ok(receipts)
    }

    /// Puts runtime code on the chain at a new address.
    pub(crate) async fn deploy(&self, key: u32, creation: Vec<u8>) -> Result<Address> {
        let receipts = self.transact(key, vec![TransactionRequest::default().with_deploy_code(creation)]).await?;
        receipts.first().and_then(|receipt| receipt.contract_address).context("a deployment has an address")
    }

    /// Sends one message to each recipient and returns their ids, in order.
    pub(crate) async fn send_messages(&self, key: u32, target: &Self, recipients: &[Address]) -> Result<Vec<B256>> {
        let recipients: Vec<B256> = recipients.iter().map(Address::into_word).collect();
        self.send_to(key, target.id, &recipients).await
    }

    /// The same to a chain of any kind, by its id on the wire.
    pub(crate) async fn send_to(&self, key: u32, target: u64, recipients: &[B256]) -> Result<Vec<B256>> {
        let gateway = self.contract("gateway")?;
        let payload = |index: usize| Bytes::from(format!("message {index} to {target}").into_bytes());
        let mut requests = Vec::with_capacity(recipients.len());
        for (index, recipient) in recipients.iter().enumerate() {
            let payload = payload(index);
            let query = quoteCall { target, gasLimit: HANDLER_GAS, payloadLength: U256::from(payload.len()) };
            let quoted = quoteCall::abi_decode_returns(&self.call(gateway, &query).await?)?;
            let call = sendCall { target, recipient: *recipient, gasLimit: HANDLER_GAS, deadline: 0, payload };
            let request = TransactionRequest::default().with_to(gateway).with_value(quoted.feeWei);
            requests.push(request.with_input(call.abi_encode()));
        }
        let receipts = self.transact(key, requests).await?;
        let id = |receipt: &TransactionReceipt| {
            let sent = receipt.logs().iter().find_map(|log| log.log_decode::<Sent>().ok());
            sent.map(|sent| sent.inner.data.id).context("a send emits `Sent`")
        };
        receipts.iter().map(id).collect()
    }
}
