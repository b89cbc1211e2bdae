//! One anvil node that makes blocks only when it is told to. It is spoken to without any code of the adapter under test.

use alloy::{
    node_bindings::{Anvil, AnvilInstance},
    primitives::{Address, B256, Bytes, U64, U256},
    providers::{DynProvider, Provider, ProviderBuilder},
};
use infrastrukt_conformance::Failure;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use tokio::time::timeout;

/// Blocks by which finality trails the head: two epochs of one slot.
pub(crate) const FINALITY_LAG: u64 = 2;

/// How long the node may take for one answer.
const RPC_TIMEOUT: Duration = Duration::from_secs(10);

/// Gas of a call that a person makes: enough for every call of the cases.
const GAS_LIMIT: u64 = 2_000_000;

/// A running node. Dropping it ends the process.
pub(crate) struct Node {
    anvil: AnvilInstance,
    provider: DynProvider,
}

fn binary() -> Result<PathBuf, Failure> {
    // The crates that include this file lie side by side, so that this path is right for each of them.
    let bundled = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    match bundled.is_file() {
        true => Ok(bundled),
        false => Err(Failure::new(format_args!("{} is missing: run `make setup`", bundled.display()))),
    }
}

impl Node {
    /// Starts a node that makes a block for every transaction until [`stop_mining`](Self::stop_mining).
    pub(crate) fn start(chain_id: u64) -> Result<Self, Failure> {
        let anvil = Anvil::at(binary()?)
            .host("127.0.0.1")
            .chain_id(chain_id)
            .args(["--slots-in-an-epoch", "1", "--hardfork", "osaka"])
            .args(["--gas-limit", "60000000", "--disable-code-size-limit"])
            .try_spawn()
            .map_err(Failure::new)?;
        let url = anvil.endpoint().parse().map_err(|_| Failure::new("the node's address is no URL"))?;
        let provider = ProviderBuilder::new().connect_http(url).erased();
        Ok(Self { anvil, provider })
    }

    /// Where it answers JSON-RPC.
    pub(crate) fn url(&self) -> String {
        self.anvil.endpoint()
    }

    /// One request.
    pub(crate) async fn rpc<R: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<R, Failure> {
        let answer = timeout(RPC_TIMEOUT, self.provider.raw_request::<Value, Value>(method.into(), params)).await;
        let answer =
            answer.map_err(|_| Failure::new(format_args!("the node did not answer {method} in {RPC_TIMEOUT:?}")))?;
        let answer = answer.map_err(|error| Failure::new(format_args!("{method}: {error}")))?;
        serde_json::from_value(answer).map_err(|error| Failure::new(format_args!("answer to {method}: {error}")))
    }

    /// From here on blocks are made by [`mine`](Self::mine) only.
    pub(crate) async fn stop_mining(&self) -> Result<(), Failure> {
        self.rpc::<Value>("evm_setAutomine", json!([false])).await.map(drop)
    }

    /// Makes blocks with what is in the pool.
    pub(crate) async fn mine(&self, blocks: u64) -> Result<(), Failure> {
        self.rpc::<Value>("anvil_mine", json!([format!("0x{blocks:x}")])).await.map(drop)
    }

    /// Moves the clock forward and makes a block at the new time.
    pub(crate) async fn advance(&self, seconds: u64) -> Result<(), Failure> {
        self.rpc::<Value>("evm_increaseTime", json!([seconds])).await?;
        self.mine(1).await
    }

    /// Replaces the last blocks by blocks without transactions.
    pub(crate) async fn reorg(&self, depth: u64) -> Result<(), Failure> {
        let before = self.latest().await?;
        self.rpc::<Value>("anvil_reorg", json!([depth, []])).await?;
        let after = self.latest().await?;
        if before["number"] != after["number"] || before["hash"] == after["hash"] {
            return Err(Failure::new(format_args!(
                "{depth} blocks were to be replaced, but the head went from {} {} to {} {}",
                before["number"], before["hash"], after["number"], after["hash"]
            )));
        }
        Ok(())
    }

    /// Forgets what is in no block.
    pub(crate) async fn drop_pool(&self) -> Result<(), Failure> {
        self.rpc::<Value>("anvil_dropAllTransactions", json!([])).await.map(drop)
    }

    /// Remembers the chain as it is, for [`go_back`](Self::go_back).
    pub(crate) async fn remember(&self) -> Result<Value, Failure> {
        self.rpc("evm_snapshot", json!([])).await
    }

    /// Makes the chain what it was, its clock included. What was remembered is used up by this.
    pub(crate) async fn go_back(&self, remembered: &Value) -> Result<(), Failure> {
        self.drop_pool().await?;
        let is_back: bool = self.rpc("evm_revert", json!([remembered])).await?;
        match is_back {
            true => Ok(()),
            false => Err(Failure::new(format_args!("the node does not remember the state {remembered}"))),
        }
    }

    /// Number of the newest block.
    pub(crate) async fn head(&self) -> Result<u64, Failure> {
        Ok(self.rpc::<U64>("eth_blockNumber", json!([])).await?.to())
    }

    /// Time of the newest block, Unix seconds.
    pub(crate) async fn time(&self) -> Result<u64, Failure> {
        let timestamp: U64 = serde_json::from_value(self.latest().await?["timestamp"].clone()).map_err(Failure::new)?;
        Ok(timestamp.to())
    }

    async fn latest(&self) -> Result<Value, Failure> {
        self.rpc("eth_getBlockByNumber", json!(["latest", false])).await
    }

    /// Gives an account native coin, in wei.
    pub(crate) async fn give(&self, account: Address, wei: u128) -> Result<(), Failure> {
        let before: U256 = self.rpc("eth_getBalance", json!([account, "latest"])).await?;
        self.rpc::<Value>("anvil_setBalance", json!([account, before + U256::from(wei)])).await.map(drop)
    }

    /// A call by one of the node's own accounts, in a block of its own. It must succeed.
    pub(crate) async fn call(&self, from: Address, to: Address, data: &Bytes, wei: u128) -> Result<(), Failure> {
        let (value, gas) = (format!("0x{wei:x}"), format!("0x{GAS_LIMIT:x}"));
        let call = json!({ "from": from, "to": to, "data": data, "value": value, "gas": gas });
        let hash: B256 = self.rpc("eth_sendTransaction", json!([call])).await?;
        self.mine(1).await?;
        let receipt: Value = self.rpc("eth_getTransactionReceipt", json!([hash])).await?;
        match receipt["status"] == "0x1" {
            true => Ok(()),
            false => Err(Failure::new(format_args!("the call {hash} of {to} failed: {receipt}"))),
        }
    }
}
