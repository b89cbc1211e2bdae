//! One JSON-RPC endpoint: bounded in time and bytes, counted, its chain id checked before the first answer counts.

use alloy::{
    sol_types::SolCall,
    transports::http::reqwest::{Client, Response as HttpResponse, header, redirect},
};
use alloy_primitives::{Address, B256, Bytes, U64, hex};
use infrastrukt_ports::PortError;
use infrastrukt_types::ChainId;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::OnceCell;

use super::{
    CallError,
    failure::RETRY_AFTER,
    wire::{Request, Response, RpcTransaction},
};
use crate::config::{EndpointUrl, Limits};

/// Characters of a node's own words that are repeated to people.
const NODE_MESSAGE_MAX: usize = 200;

/// Longest delay a server may ask for before it counts as away.
const SERVER_DELAY_MAX: Duration = Duration::from_secs(60);

/// JSON-RPC code of a reverted call.
const REVERTED: i64 = 3;

/// One node, or whatever answers for it.
#[derive(Debug)]
pub struct Endpoint {
    url: EndpointUrl,
    chain: ChainId,
    limits: Limits,
    client: Client,
    calls: AtomicU64,
    next_id: AtomicU64,
    chain_checked: OnceCell<()>,
    finalized_seen: AtomicU64,
}

impl Endpoint {
    /// Prepares an endpoint; nothing is sent yet.
    pub fn new(url: EndpointUrl, chain: ChainId, limits: Limits) -> Result<Self, PortError> {
        let client = Client::builder()
            .timeout(limits.request_timeout)
            // Whoever answers must not choose whom this machine asks instead.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| PortError::reject("cannot set up an HTTPS client").caused_by(error.without_url()))?;
        Ok(Self {
            url,
            chain,
            limits,
            client,
            calls: AtomicU64::new(0),
            next_id: AtomicU64::new(1),
            chain_checked: OnceCell::new(),
            finalized_seen: AtomicU64::new(0),
        })
    }

    /// Host and port, for people.
    pub fn host(&self) -> String {
        self.url.host()
    }

    /// Requests sent so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The highest block this endpoint ever called final.
    pub(crate) fn finalized_seen(&self) -> u64 {
        self.finalized_seen.load(Ordering::Relaxed)
    }

    pub(crate) fn saw_finalized(&self, number: u64) {
        self.finalized_seen.fetch_max(number, Ordering::Relaxed);
    }

    /// One request.
    pub async fn request<R: DeserializeOwned>(&self, method: &str, params: Value) -> Result<R, CallError> {
        self.check_chain().await?;
        self.exchange(method, &params).await
    }

    /// Many requests of one kind in as few exchanges as the limits allow; answers in the order of `params`.
    pub async fn batch<R: DeserializeOwned>(&self, calls: &[(&str, Value)]) -> Result<Vec<R>, CallError> {
        self.check_chain().await?;
        let mut answers = Vec::with_capacity(calls.len());
        for chunk in calls.chunks(self.limits.batch_max) {
            match chunk {
                [(method, params)] => answers.push(self.exchange(method, params).await?),
                many => answers.extend(self.exchange_batch(many).await?),
            }
        }
        Ok(answers)
    }

    /// Calls a contract's view function at the head.
    pub async fn view<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, CallError> {
        let answer = self.call(to, call.abi_encode().into()).await?;
        Ok(decode_answer::<C>(self.chain, to, &answer)?)
    }

    /// What a contract answers to an encoded call at the head.
    pub(crate) async fn call(&self, to: Address, data: Bytes) -> Result<Bytes, CallError> {
        self.request("eth_call", json!([{ "to": to, "data": data }, "latest"])).await
    }

    /// True when the node knows the transaction, in a block or in its pool.
    pub async fn knows(&self, hash: B256) -> Result<bool, CallError> {
        let found: Option<RpcTransaction> = self.request("eth_getTransactionByHash", json!([hash])).await?;
        Ok(found.is_some_and(|transaction| transaction.hash == hash))
    }

    /// Refuses an endpoint of another chain, once, before anything it says is used.
    pub async fn check_chain(&self) -> Result<(), CallError> {
        self.chain_checked
            .get_or_try_init(|| async {
                let id: U64 = self.exchange("eth_chainId", &json!([])).await?;
                if id.to::<u64>() == self.chain.0 {
                    return Ok(());
                }
                Err(CallError::halt(format!(
                    "{} serves chain {id}, not {}: correct the endpoint in the chain's configuration",
                    self.host(),
                    self.chain
                )))
            })
            .await?;
        Ok(())
    }

    async fn exchange<R: DeserializeOwned>(&self, method: &str, params: &Value) -> Result<R, CallError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Request { jsonrpc: "2.0", id, method, params };
        let body = self.post(&request, method, 1).await?;
        let response: Response<R> = serde_json::from_slice(&body).map_err(|error| self.nonsense(method, &error))?;
        self.unpack(method, response)
    }

    async fn exchange_batch<R: DeserializeOwned>(&self, calls: &[(&str, Value)]) -> Result<Vec<R>, CallError> {
        let count = calls.len() as u64;
        let first = self.next_id.fetch_add(count, Ordering::Relaxed);
        let requests: Vec<Request<'_>> =
            (first..).zip(calls).map(|(id, (method, params))| Request { jsonrpc: "2.0", id, method, params }).collect();
        let method = calls[0].0;
        let body = self.post(&requests, method, count).await?;
        // A node that refuses the batch as a whole answers with one object.
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            let response: Response<R> = serde_json::from_slice(&body).map_err(|error| self.nonsense(method, &error))?;
            self.unpack(method, response)?;
            return Err(CallError::retry(format!("{} answered a batch with one answer", self.host())));
        }
        let responses: Vec<Response<R>> =
            serde_json::from_slice(&body).map_err(|error| self.nonsense(method, &error))?;
        let mut answers: Vec<Option<R>> = calls.iter().map(|_| None).collect();
        for response in responses {
            let place = response.id.and_then(|id| id.checked_sub(first)).and_then(|place| usize::try_from(place).ok());
            if let Some(slot) = place.and_then(|place| answers.get_mut(place)) {
                *slot = Some(self.unpack(method, response)?);
            }
        }
        let missing = || CallError::retry(format!("{} left out answers of a batch of {method}", self.host()));
        answers.into_iter().map(|answer| answer.ok_or_else(missing)).collect()
    }

    fn unpack<R>(&self, method: &str, response: Response<R>) -> Result<R, CallError> {
        if let Some(error) = response.error {
            return Err(match error.revert_data() {
                Some(data) => CallError::Reverted(data),
                None if error.code == REVERTED => CallError::Reverted(Bytes::new()),
                None => CallError::Refused {
                    host: self.host(),
                    code: error.code,
                    message: error.message.chars().take(NODE_MESSAGE_MAX).collect(),
                },
            });
        }
        response.result.ok_or_else(|| CallError::retry(format!("{} answered {method} with nothing", self.host())))
    }

    /// Sends and reads, within the limits. Errors never carry the URL.
    async fn post(&self, body: &impl serde::Serialize, method: &str, count: u64) -> Result<Vec<u8>, CallError> {
        self.calls.fetch_add(count, Ordering::Relaxed);
        metrics::counter!("infrastrukt_rpc_calls_total", "chain" => self.chain.to_string()).increment(count);
        tracing::trace!(host = %self.url, method, count, "asking");
        let body = serde_json::to_vec(body).map_err(|error| self.nonsense(method, &error))?;
        let request =
            self.client.post(self.url.secret().clone()).header(header::CONTENT_TYPE, "application/json").body(body);
        let response = request.send().await.map_err(|error| self.away(method, error))?;
        self.check_status(&response)?;
        self.read(response, method).await
    }

    fn check_status(&self, response: &HttpResponse) -> Result<(), CallError> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let delay = asked.and_then(|text| text.trim().parse().ok()).map_or(RETRY_AFTER, Duration::from_secs);
        let message = format!("{} answered with HTTP status {status}", self.host());
        self.count_failure();
        Err(CallError::Port(PortError::retry(delay.clamp(RETRY_AFTER, SERVER_DELAY_MAX), message)))
    }

    async fn read(&self, mut response: HttpResponse, method: &str) -> Result<Vec<u8>, CallError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.away(method, error))? {
            if body.len() + chunk.len() > self.limits.response_bytes_max {
                self.count_failure();
                return Err(CallError::retry(format!(
                    "{} answered {method} with more than {} bytes: raise response_bytes_max if that is to be expected",
                    self.host(),
                    self.limits.response_bytes_max
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn away(&self, method: &str, error: alloy::transports::http::reqwest::Error) -> CallError {
        self.count_failure();
        let what = if error.is_timeout() { "did not answer in time" } else { "cannot be reached" };
        let message = format!("{} {what} ({method})", self.host());
        CallError::Port(PortError::retry(RETRY_AFTER, message).caused_by(error.without_url()))
    }

    fn nonsense(&self, method: &str, error: &serde_json::Error) -> CallError {
        self.count_failure();
        let place = format!("{:?} at byte {}", error.classify(), error.column());
        CallError::retry(format!("{} answered {method} with something that is no such answer ({place})", self.host()))
    }

    fn count_failure(&self) {
        metrics::counter!("infrastrukt_rpc_failures_total", "chain" => self.chain.to_string()).increment(1);
    }
}

/// A contract's answer, read as what `C` returns.
pub(crate) fn decode_answer<C: SolCall>(chain: ChainId, to: Address, answer: &Bytes) -> Result<C::Return, PortError> {
    C::abi_decode_returns(answer).map_err(|_| {
        PortError::reject(format!(
            "{to} on {chain} did not answer {} as expected: it has no code or is another contract; check the address",
            C::SIGNATURE
        ))
    })
}

/// `0x…` for a block number.
pub(crate) fn quantity(number: u64) -> String {
    format!("0x{number:x}")
}

/// A raw transaction as parameters.
pub(crate) fn raw(bytes: &Bytes) -> Value {
    json!([hex::encode_prefixed(bytes)])
}
