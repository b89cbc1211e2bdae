//! The line to the node: whatever is asked goes through, but transactions wait here until a block is made, as they wait
//! for a leader on a public chain. What waits may get lost, and after a reorganisation the line leads to another node.

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use base64::{Engine, prelude::BASE64_STANDARD};
use infrastrukt_conformance::Failure;
use serde_json::{Value, json};
use solana_rpc_client_api::client_error::reqwest::Client;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// How long the node may take for one answer.
const RPC_TIMEOUT: Duration = Duration::from_secs(20);

/// A line, up until it is dropped.
pub(crate) struct Line {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    client: Client,
    upstream: Mutex<String>,
    /// Transactions in base64, each once, in the order in which they came.
    waiting: Mutex<Vec<String>>,
}

impl Line {
    /// A line to the node at this address.
    pub(crate) async fn to(upstream: &str) -> Result<Self, Failure> {
        let client = Client::builder().timeout(RPC_TIMEOUT).build().map_err(Failure::new)?;
        let (upstream, waiting) = (Mutex::new(upstream.to_owned()), Mutex::default());
        let shared = Arc::new(Shared { client, upstream, waiting });
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Failure::new)?;
        let url = format!("http://{}", listener.local_addr().map_err(Failure::new)?);
        let router = Router::new().route("/", post(answer)).with_state(shared.clone());
        let server = tokio::spawn(async move {
            // Ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, shared, server })
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// From now on to another node.
    pub(crate) fn lead_to(&self, upstream: &str) {
        *self.shared.upstream.lock().unwrap_or_else(PoisonError::into_inner) = upstream.to_owned();
    }

    /// Takes what waits.
    pub(crate) fn take_waiting(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// True where one of those that wait is such.
    pub(crate) fn is_waiting(&self, is_such: impl Fn(&[u8]) -> bool) -> bool {
        let waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().filter_map(|encoded| BASE64_STANDARD.decode(encoded).ok()).any(|raw| is_such(&raw))
    }

    /// One call to the node itself.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Result<Value, Failure> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let body = self.shared.forward(request.to_string().into()).await.map_err(Failure::new)?;
        let mut answer: Value = serde_json::from_slice(&body).map_err(Failure::new)?;
        match answer.get("error") {
            Some(error) => Err(Failure::new(format_args!("{method}: {error}"))),
            None => Ok(answer["result"].take()),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    async fn forward(&self, body: Bytes) -> Result<Bytes, String> {
        let upstream = self.upstream.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let request = self.client.post(upstream).header("content-type", "application/json").body(body);
        let response = request.send().await.map_err(|error| error.to_string())?;
        response.bytes().await.map_err(|error| error.to_string())
    }

    /// Keeps a transaction and answers with its signature, as a node does that passes it on.
    fn keep(&self, request: &Value) -> Option<Value> {
        let encoded = request["params"][0].as_str()?;
        let raw = BASE64_STANDARD.decode(encoded).ok()?;
        let signature = bs58::encode(raw.get(1..65)?).into_string();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.iter().any(|known| known == encoded) {
            waiting.push(encoded.to_owned());
        }
        Some(json!({ "jsonrpc": "2.0", "id": request["id"], "result": signature }))
    }
}

async fn answer(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Bytes, StatusCode> {
    let request: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    if request["method"] == "sendTransaction" {
        let kept = shared.keep(&request).ok_or(StatusCode::BAD_REQUEST)?;
        return Ok(kept.to_string().into());
    }
    shared.forward(body).await.map_err(|_| StatusCode::BAD_GATEWAY)
}
