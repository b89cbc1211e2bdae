//! A node asked in plain JSON-RPC by a client that shares no code with the product.

use std::time::Duration;

use alloy::{
    primitives::{Address, B256},
    transports::http::reqwest::Client,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

const ANSWER_MAX: Duration = Duration::from_secs(30);

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Rpc {
    url: String,
    client: Client,
}

/// An event with an indexed id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    pub(crate) id: B256,
    pub(crate) block: u64,
}

/// A client for services on this machine.
pub(crate) fn client() -> Result<Client> {
    Ok(Client::builder().no_proxy().timeout(ANSWER_MAX).build()?)
}

impl Rpc {
    pub(crate) fn new(url: &str) -> Result<Self> {
        Ok(Self { url: url.to_owned(), client: client()? })
    }

    async fn post(&self, body: &Value) -> Result<Value> {
        let request = self.client.post(self.url.as_str()).header("content-type", "application/json");
        let text = request.body(body.to_string()).send().await?.text().await?;
        serde_json::from_str(&text).with_context(|| format!("{} answered no JSON: {text:.200}", self.url))
    }

    /// One call.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 0, "method": method, "params": params });
        result(method, &self.post(&request).await?)
    }

    /// The same method many times in one request; every call must succeed.
    pub(crate) async fn batch(&self, method: &str, params: Vec<Value>) -> Result<()> {
        let call =
            |(id, params): (u64, Value)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let calls: Vec<Value> = (0u64..).zip(params).map(call).collect();
        let expected = calls.len();
        let answer = self.post(&Value::Array(calls)).await?;
        let answers =
            answer.as_array().with_context(|| format!("{method}: a batch was answered as a whole: {answer}"))?;
        ensure!(answers.len() == expected, "{method}: {} answers to {expected} calls", answers.len());
        answers.iter().try_for_each(|answer| result(method, answer).map(drop))
    }

    /// Number of the newest block.
    pub(crate) async fn height(&self) -> Result<u64> {
        quantity(&self.call("eth_blockNumber", json!([])).await?)
    }

    /// Number of the newest final block.
    pub(crate) async fn final_height(&self) -> Result<u64> {
        quantity(&self.call("eth_getBlockByNumber", json!(["finalized", false])).await?["number"])
    }

    /// Transactions of an account in blocks.
    pub(crate) async fn mined(&self, account: Address) -> Result<u64> {
        quantity(&self.call("eth_getTransactionCount", json!([account, "latest"])).await?)
    }

    /// Events of one kind in a range of blocks, both ends included.
    pub(crate) async fn logs(&self, contract: Address, event: B256, from: u64, to: u64) -> Result<Vec<Log>> {
        let (from, to) = (format!("0x{from:x}"), format!("0x{to:x}"));
        let filter = json!({ "address": contract, "topics": [event], "fromBlock": from, "toBlock": to });
        let found = self.call("eth_getLogs", json!([filter])).await?;
        let found = found.as_array().context("logs are a list")?;
        found.iter().map(log).collect()
    }
}

fn log(log: &Value) -> Result<Log> {
    let id = log["topics"][1].as_str().context("these events have an indexed id")?.parse()?;
    Ok(Log { id, block: quantity(&log["blockNumber"])? })
}

fn result(method: &str, answer: &Value) -> Result<Value> {
    ensure!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
    answer.get("result").cloned().with_context(|| format!("{method}: no result in {answer}"))
}

fn quantity(value: &Value) -> Result<u64> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let digits = digits.with_context(|| format!("`{value}` is no quantity"))?;
    Ok(u64::from_str_radix(digits, 16)?)
}
