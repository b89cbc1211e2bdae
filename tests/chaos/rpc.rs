//! JSON-RPC in its plainest form. What is asked and judged here must not depend on the client under test.

use std::time::Duration;

use alloy::{primitives::U256, transports::http::reqwest::Client};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

const ANSWER_MAX: Duration = Duration::from_secs(20);
/// Calls of one request.
const BATCH_MAX: usize = 100;

/// Whoever answers at a URL.
#[derive(Clone, Debug)]
pub(crate) struct Rpc {
    url: String,
    client: Client,
}

impl Rpc {
    pub(crate) fn new(url: impl Into<String>) -> Result<Self> {
        Ok(Self { url: url.into(), client: Client::builder().timeout(ANSWER_MAX).build()? })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// One call.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Result<Value> {
        let answer = self.post(&request(0, method, &params)).await.with_context(|| method.to_owned())?;
        result(method, answer)
    }

    /// Many calls; their answers in the same order.
    pub(crate) async fn ask_all(&self, calls: &[(&str, Value)]) -> Result<Vec<Result<Value>>> {
        let mut answers = Vec::with_capacity(calls.len());
        for chunk in calls.chunks(BATCH_MAX) {
            let requests = chunk.iter().enumerate().map(|(id, (method, params))| request(id, method, params));
            let given = self.post(&Value::Array(requests.collect())).await?;
            let mut sorted = vec![Value::Null; chunk.len()];
            for answer in given.as_array().cloned().with_context(|| format!("{given} is no answer to a batch"))? {
                let id = answer["id"].as_u64().and_then(|id| usize::try_from(id).ok());
                if let Some(slot) = id.and_then(|id| sorted.get_mut(id)) {
                    *slot = answer;
                }
            }
            answers.extend(chunk.iter().zip(sorted).map(|((method, _), answer)| result(method, answer)));
        }
        Ok(answers)
    }

    async fn post(&self, body: &Value) -> Result<Value> {
        let request = self.client.post(&self.url).header("content-type", "application/json").body(body.to_string());
        let text = request.send().await?.text().await?;
        serde_json::from_str(&text).with_context(|| format!("{} answered `{text}`", self.url))
    }
}

fn request(id: usize, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn result(method: &str, mut answer: Value) -> Result<Value> {
    match (answer.get("error").filter(|error| !error.is_null()), answer.get("result")) {
        (Some(error), _) => bail!("{method}: {error}"),
        (None, Some(_)) => Ok(answer["result"].take()),
        (None, None) => bail!("{method}: neither result nor error in {answer}"),
    }
}

/// `0x…` for a number.
pub(crate) fn quantity(number: u64) -> String {
    format!("0x{number:x}")
}

/// The number that an answer is.
pub(crate) fn wide(value: &Value) -> Result<U256> {
    text(value)?.parse::<U256>().with_context(|| format!("{value} is no number"))
}

/// The same where it fits into 64 bits.
pub(crate) fn number(value: &Value) -> Result<u64> {
    u64::try_from(wide(value)?).with_context(|| format!("{value} has more than 64 bits"))
}

/// The text that an answer is.
pub(crate) fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}

/// The list that an answer is.
pub(crate) fn list(value: &Value) -> Result<&Vec<Value>> {
    value.as_array().with_context(|| format!("{value} is no list"))
}
