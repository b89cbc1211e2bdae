//! A chain as it is and not as any endpoint tells it: its node is asked directly, and a fork of it runs beside.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::{
    primitives::{Address, B256, Bytes, U64, hex},
    sol_types::{SolCall, SolEvent},
};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    rpc::{Rpc, number, quantity, text},
    side::Side,
};

/// Blocks of one question for events: an answer stays at a few megabytes.
const LOG_BLOCKS_MAX: u64 = 200;
/// Both newest blocks. The one before them is final, and a chain that takes back what is final is another story.
const REORG_DEPTH: u64 = 2;
/// Blocks by which the fork is ahead when it begins to be served: whoever is behind is taken for slow, not for false.
const FORK_LEAD: u64 = 5;
/// Seconds by which a chain's clock may be behind: the age of its newest block.
const CLOCK_LAG_MAX_S: u64 = 1;
/// Looks for something to take back: often enough that the block is still the newest.
const LOOK_PAUSE: Duration = Duration::from_millis(30);

/// An event as a node tells it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Log {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
    pub(crate) block_number: U64,
    pub(crate) transaction_hash: B256,
}

impl Log {
    /// The event, if it is of this kind.
    pub(crate) fn read<E: SolEvent>(&self) -> Result<Option<E>> {
        if self.topics.first() != Some(&E::SIGNATURE_HASH) {
            return Ok(None);
        }
        let event = E::decode_raw_log(self.topics.iter().copied(), &self.data);
        event.map(Some).with_context(|| format!("block {}: not a good {}", self.block_number, E::SIGNATURE))
    }
}

/// One chain.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) side: Side,
    pub(crate) name: String,
    pub(crate) id: u64,
    pub(crate) node: Rpc,
    pub(crate) fork: Rpc,
    pub(crate) gateway: Address,
    pub(crate) escrow: Address,
    pub(crate) inbox: Address,
}

impl Chain {
    /// The chain that an entry of devnet.json describes, with the nodes that run now.
    pub(crate) fn new(side: Side, entry: &Value, node: Rpc, fork: Rpc) -> Result<Self> {
        let contract = |name: &str| -> Result<Address> { Ok(text(&entry["contracts"][name])?.parse()?) };
        Ok(Self {
            side,
            name: side.name().to_owned(),
            id: side.id(),
            node,
            fork,
            gateway: contract("gateway")?,
            escrow: contract("escrow")?,
            inbox: contract("inbox")?,
        })
    }

    /// Number of the newest block.
    pub(crate) async fn height(&self) -> Result<u64> {
        number(&self.node.ask("eth_blockNumber", json!([])).await?)
    }

    /// Number of the newest block that stays.
    pub(crate) async fn final_height(&self) -> Result<u64> {
        number(&self.node.ask("eth_getBlockByNumber", json!(["finalized", false])).await?["number"])
    }

    /// Events of these contracts in all blocks of a range, both ends included.
    pub(crate) async fn logs(&self, from: u64, to: u64, contracts: &[Address], kinds: &[B256]) -> Result<Vec<Log>> {
        let mut found = Vec::new();
        let mut first = from;
        while first <= to {
            let last = to.min(first + LOG_BLOCKS_MAX - 1);
            let mut filter = json!({ "fromBlock": quantity(first), "toBlock": quantity(last), "address": contracts });
            if !kinds.is_empty() {
                filter["topics"] = json!([kinds]);
            }
            let logs = self.node.ask("eth_getLogs", json!([filter])).await?;
            found.extend(serde_json::from_value::<Vec<Log>>(logs).context("eth_getLogs")?);
            first = last + 1;
        }
        Ok(found)
    }

    /// How often an event stands in the chain so far.
    pub(crate) async fn count<E: SolEvent>(&self, contract: Address) -> Result<usize> {
        Ok(self.logs(0, self.height().await?, &[contract], &[E::SIGNATURE_HASH]).await?.len())
    }

    /// Reads a contract.
    pub(crate) async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return> {
        let answer = self.node.ask("eth_call", json!([{ "to": to, "data": encoded(call) }, "latest"])).await?;
        Ok(C::abi_decode_returns(&hex::decode(text(&answer)?)?)?)
    }

    /// Waits until the newest blocks hold an event of the escrow, takes these blocks back, and says how many of the
    /// transactions behind such events are gone. Zero where nothing turned up in time.
    pub(crate) async fn reorg_under(&self, kind: B256, within: Duration) -> Result<usize> {
        let end = Instant::now() + within;
        while Instant::now() < end {
            let head = self.height().await?;
            let newest = (head + 1).saturating_sub(REORG_DEPTH);
            let found = self.logs(newest, head, &[self.escrow], &[kind]).await?;
            if !found.is_empty() {
                self.reorg().await?;
                let gone = self.gone(&found).await?;
                if gone > 0 {
                    return Ok(gone);
                }
            }
            sleep(LOOK_PAUSE).await;
        }
        Ok(0)
    }

    async fn reorg(&self) -> Result<()> {
        let options = json!({ "depth": REORG_DEPTH, "tx_block_pairs": [] });
        self.node.ask("anvil_reorg", options).await?;
        self.keep_time().await
    }

    /// How many transactions behind these events are in no block any more.
    async fn gone(&self, logs: &[Log]) -> Result<usize> {
        let mut hashes: Vec<B256> = logs.iter().map(|log| log.transaction_hash).collect();
        hashes.dedup();
        let calls: Vec<_> = hashes.iter().map(|hash| ("eth_getTransactionReceipt", json!([hash]))).collect();
        let mut gone = 0;
        for receipt in self.node.ask_all(&calls).await? {
            gone += usize::from(receipt?.is_null());
        }
        Ok(gone)
    }

    /// A node that took blocks back, or was started anew, goes on from the time of its newest block: its clock is put
    /// right, as that of a real chain is.
    pub(crate) async fn keep_time(&self) -> Result<()> {
        let block = self.node.ask("eth_getBlockByNumber", json!(["latest", false])).await?;
        let wall = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let behind = wall.saturating_sub(number(&block["timestamp"])?);
        if behind > CLOCK_LAG_MAX_S {
            self.node.ask("evm_increaseTime", json!([behind - CLOCK_LAG_MAX_S])).await?;
        }
        Ok(())
    }

    /// Makes the fork one: a header that names another beneficiary has another hash.
    pub(crate) async fn part_ways(&self) -> Result<()> {
        self.fork.ask("anvil_setCoinbase", json!([Address::repeat_byte(0xf0)])).await.map(drop)
    }

    /// Brings the fork ahead of the chain.
    pub(crate) async fn lead_by_fork(&self) -> Result<()> {
        let fork = number(&self.fork.ask("eth_blockNumber", json!([])).await?)?;
        let missing = (self.height().await? + FORK_LEAD).saturating_sub(fork);
        if missing > 0 {
            self.fork.ask("anvil_mine", json!([quantity(missing)])).await?;
        }
        Ok(())
    }
}

/// A call's bytes as nodes take them.
pub(crate) fn encoded(call: &impl SolCall) -> String {
    hex::encode_prefixed(call.abi_encode())
}
