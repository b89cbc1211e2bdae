//! A user's wallet: signs, and shows its transactions to the chain again and again until they are final. What a chain
//! takes back is sent once more, byte for byte.

use std::{collections::BTreeMap, sync::Arc};

use alloy::{
    consensus::{SignableTransaction, TxEnvelope, TxLegacy},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Address, TxKind, U256, hex},
    signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English},
    sol_types::SolCall,
};
use anyhow::Result;
use serde_json::{Value, json};

use super::{chain::Chain, rpc::number};

/// Anvil's published mnemonic.
const MNEMONIC: &str = "test test test test test test test test test test test junk";
const GAS_PRICE_WEI: u128 = 20_000_000_000;

/// One key on one chain.
#[derive(Debug)]
pub(crate) struct Wallet {
    chain: Arc<Chain>,
    key: PrivateKeySigner,
    next_nonce: u64,
    /// Signed and not final, by nonce.
    open: BTreeMap<u64, String>,
    /// What the node said last to a transaction that it did not take: most often that it has it.
    refusal: Option<String>,
}

/// A transaction to be.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    to: Address,
    value: U256,
    data: Vec<u8>,
    gas_limit: u64,
}

impl Order {
    pub(crate) fn new(to: Address, value: U256, call: &impl SolCall, gas_limit: u64) -> Self {
        Self { to, value, data: call.abi_encode(), gas_limit }
    }
}

impl Wallet {
    /// The published key of this index.
    pub(crate) async fn open(chain: Arc<Chain>, index: u32) -> Result<Self> {
        let key = MnemonicBuilder::<English>::default().phrase(MNEMONIC).index(index)?.build()?;
        let next_nonce = number(&chain.node.ask("eth_getTransactionCount", json!([key.address(), "latest"])).await?)?;
        Ok(Self { chain, key, next_nonce, open: BTreeMap::new(), refusal: None })
    }

    pub(crate) fn address(&self) -> Address {
        self.key.address()
    }

    /// Signs transactions and shows them for the first time.
    pub(crate) async fn send(&mut self, orders: Vec<Order>) -> Result<()> {
        let mut signed = Vec::with_capacity(orders.len());
        for Order { to, value, data, gas_limit } in orders {
            let (chain_id, nonce, to) = (Some(self.chain.id), self.next_nonce, TxKind::Call(to));
            let mut order =
                TxLegacy { chain_id, nonce, gas_price: GAS_PRICE_WEI, gas_limit, to, value, input: data.into() };
            let signature = self.key.sign_transaction_sync(&mut order)?;
            let envelope: TxEnvelope = order.into_signed(signature).into();
            let raw = hex::encode_prefixed(envelope.encoded_2718());
            self.open.insert(nonce, raw.clone());
            self.next_nonce += 1;
            signed.push(raw);
        }
        self.show(signed).await;
        Ok(())
    }

    /// Forgets what is final, and shows what is in no block. Returns how many are not final. A node that fails, as one
    /// may in the middle of a reorg, is asked again the next time.
    pub(crate) async fn push(&mut self) -> usize {
        if !self.open.is_empty()
            && let Err(error) = self.catch_up().await
        {
            self.refusal = Some(format!("{error:#}"));
        }
        self.open.len()
    }

    async fn catch_up(&mut self) -> Result<()> {
        let address = self.address();
        let count = |tag: &str| ("eth_getTransactionCount", json!([address, tag]));
        let mut counts = Vec::with_capacity(2);
        for answer in self.chain.node.ask_all(&[count("finalized"), count("latest")]).await? {
            counts.push(number(&answer?)?);
        }
        let (finished, mined) = (counts[0], counts[1]);
        self.open = self.open.split_off(&finished);
        self.show(self.open.range(mined..).map(|(_, raw)| raw.clone()).collect()).await;
        Ok(())
    }

    async fn show(&mut self, raw: Vec<String>) {
        let calls: Vec<(&str, Value)> = raw.iter().map(|raw| ("eth_sendRawTransaction", json!([raw]))).collect();
        let refused = match self.chain.node.ask_all(&calls).await {
            Ok(answers) => answers.into_iter().find_map(Result::err),
            Err(error) => Some(error),
        };
        self.refusal = refused.map(|error| format!("{error:#}"));
    }

    /// What is not final, for people.
    pub(crate) fn waits_for(&self) -> Option<String> {
        let first = self.open.keys().next()?;
        let said = self.refusal.as_deref().unwrap_or("nothing");
        let (count, chain, wallet) = (self.open.len(), &self.chain.name, self.address());
        Some(format!("{count} transactions of {wallet} on {chain} from nonce {first}, the node said: {said}"))
    }
}
