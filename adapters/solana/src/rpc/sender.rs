//! The transport under the client: bounded in time and bytes, counted, with errors that never show the URL.

use async_trait::async_trait;
use infrastrukt_evm::EndpointUrl;
use infrastrukt_types::ChainId;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use solana_rpc_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_rpc_client_api::{
    client_error::{Error, ErrorKind, reqwest},
    error_object::RpcErrorObject,
    request::{RpcError, RpcRequest, RpcResponseErrorData},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::config::Limits;

/// Bytes of answers that hold neither blocks nor all of a program's accounts: a hundred accounts, a program's code, or the
/// log of a simulation.
const SMALL_BYTES_MAX: usize = 4 << 20;

/// Longest delay that a server may ask for, in seconds.
const SERVER_DELAY_MAX_S: u64 = 60;

/// What is known of an endpoint's traffic.
#[derive(Debug, Default)]
pub(super) struct Meter {
    calls: AtomicU64,
    /// Seconds that the server asked to be left alone for, since it was last heard.
    delay_s: AtomicU64,
}

impl Meter {
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The delay that the server asked for, told once.
    pub(super) fn take_delay(&self) -> Duration {
        Duration::from_secs(self.delay_s.swap(0, Ordering::Relaxed))
    }
}

/// Sends requests to one URL. Clones share it.
#[derive(Clone)]
pub(super) struct BoundedSender(Arc<Line>);

struct Line {
    url: EndpointUrl,
    chain: ChainId,
    client: reqwest::Client,
    response_bytes_max: usize,
    next_id: AtomicU64,
    meter: Arc<Meter>,
}

/// A response: `result` is there, even as null, or `error` is.
#[derive(Deserialize)]
#[serde(bound = "R: Deserialize<'de>")]
struct Answer<R> {
    #[serde(default, deserialize_with = "present")]
    result: Option<R>,
    #[serde(default)]
    error: Option<RpcErrorObject>,
}

/// Tells `"result": null` from a missing result.
fn present<'de, D: Deserializer<'de>, R: Deserialize<'de>>(deserializer: D) -> Result<Option<R>, D::Error> {
    R::deserialize(deserializer).map(Some)
}

impl BoundedSender {
    pub(super) fn new(
        url: EndpointUrl,
        chain: ChainId,
        limits: &Limits,
        meter: Arc<Meter>,
    ) -> Result<Self, reqwest::Error> {
        // Whoever answers must not choose whom this machine asks instead.
        let redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().timeout(limits.request_timeout).redirect(redirects).build()?;
        let (response_bytes_max, next_id) = (limits.response_bytes_max, AtomicU64::new(1));
        Ok(Self(Arc::new(Line { url, chain, client, response_bytes_max, next_id, meter })))
    }

    /// One request. Its answer is read as what it should be at once: a tree of any JSON would take many times the bytes of
    /// the text.
    pub(super) async fn ask<R: DeserializeOwned>(&self, request: RpcRequest, params: Value) -> Result<R, Error> {
        self.0.ask(request, params).await
    }
}

impl Line {
    fn check_status(&self, response: &reqwest::Response) -> Result<(), Error> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let asked = response.headers().get(reqwest::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let delay_s: u64 = asked.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        self.meter.delay_s.store(delay_s.min(SERVER_DELAY_MAX_S), Ordering::Relaxed);
        Err(ErrorKind::Custom(format!("answered with HTTP status {status}")).into())
    }

    async fn read(&self, mut response: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(without_url)? {
            if body.len() + chunk.len() > bytes_max {
                let hint = match bytes_max < self.response_bytes_max {
                    true => "far more than such an answer has",
                    false => "raise response_bytes_max if that is to be expected",
                };
                return Err(ErrorKind::Custom(format!("gave more than {bytes_max} bytes: {hint}")).into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn exchange<R: DeserializeOwned>(&self, body: String, bytes_max: usize) -> Result<R, Error> {
        let request = self.client.post(self.url.secret().as_str());
        let request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body);
        let response = request.send().await.map_err(without_url)?;
        self.check_status(&response)?;
        let answer: Answer<R> = serde_json::from_slice(&self.read(response, bytes_max).await?)?;
        match (answer.error, answer.result) {
            (Some(RpcErrorObject { code, message }), _) => {
                let data = RpcResponseErrorData::Empty;
                Err(RpcError::RpcResponseError { code, message, data }.into())
            }
            (None, Some(result)) => Ok(result),
            (None, None) => Err(ErrorKind::Custom("answered with nothing".into()).into()),
        }
    }

    async fn ask<R: DeserializeOwned>(&self, request: RpcRequest, params: Value) -> Result<R, Error> {
        self.meter.calls.fetch_add(1, Ordering::Relaxed);
        let chain = self.chain.to_string();
        metrics::counter!("infrastrukt_rpc_calls_total", "chain" => chain.clone()).increment(1);
        tracing::trace!(host = %self.url, method = %request, "asking");
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let bytes_max = match request {
            RpcRequest::GetBlock | RpcRequest::GetProgramAccounts => self.response_bytes_max,
            _small => self.response_bytes_max.min(SMALL_BYTES_MAX),
        };
        let outcome = self.exchange(request.build_request_json(id, params).to_string(), bytes_max).await;
        let is_answer = match &outcome {
            Ok(_) => true,
            Err(error) => matches!(error.kind(), ErrorKind::RpcError(_)),
        };
        if !is_answer {
            metrics::counter!("infrastrukt_rpc_failures_total", "chain" => chain).increment(1);
        }
        outcome
    }
}

fn without_url(error: reqwest::Error) -> Error {
    ErrorKind::Reqwest(error.without_url()).into()
}

#[async_trait]
impl RpcSender for BoundedSender {
    async fn send(&self, request: RpcRequest, params: Value) -> Result<Value, Error> {
        self.ask(request, params).await
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        let request_count = usize::try_from(self.0.meter.calls()).unwrap_or(usize::MAX);
        RpcTransportStats { request_count, ..RpcTransportStats::default() }
    }

    /// Host and port: the rest of the URL may be a secret.
    fn url(&self) -> String {
        self.0.url.host()
    }
}
