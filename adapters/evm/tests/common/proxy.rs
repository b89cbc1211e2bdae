//! An HTTP proxy in front of a node that changes single answers.

use alloy::transports::http::reqwest;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Sees a method with its parameters and may change the answer.
pub(crate) type Lie = dyn Fn(&str, &Value, &mut Value) + Send + Sync;

/// A method that is not passed on, and what is answered instead: `error` or `result`, and its value.
#[derive(Clone)]
struct Refused {
    method: &'static str,
    answer: (&'static str, Value),
}

/// A running proxy.
pub(crate) struct Proxy {
    url: String,
    seen: Arc<AtomicUsize>,
}

impl Proxy {
    /// Passes everything on and lets `lie` change the `result` of answers.
    pub(crate) async fn lying(node: String, lie: impl Fn(&str, &Value, &mut Value) + Send + Sync + 'static) -> Self {
        Self::start(node, Refused { method: "", answer: ("error", Value::Null) }, Arc::new(lie)).await
    }

    /// Answers `method` with an error and never passes it on.
    pub(crate) async fn refusing(node: String, method: &'static str) -> Self {
        let refused = Refused { method, answer: ("error", json!({ "code": -32000, "message": "refused" })) };
        Self::start(node, refused, Arc::new(|_: &str, _: &Value, _: &mut Value| {})).await
    }

    /// Answers `method` as if a contract reverted, and never passes it on.
    pub(crate) async fn reverting(node: String, method: &'static str) -> Self {
        let error = json!({ "code": 3, "message": "execution reverted", "data": "0x" });
        let refused = Refused { method, answer: ("error", error) };
        Self::start(node, refused, Arc::new(|_: &str, _: &Value, _: &mut Value| {})).await
    }

    /// Answers `method` as if it were done, and never passes it on.
    pub(crate) async fn swallowing(node: String, method: &'static str, result: Value) -> Self {
        let refused = Refused { method, answer: ("result", result) };
        Self::start(node, refused, Arc::new(|_: &str, _: &Value, _: &mut Value| {})).await
    }

    async fn start(node: String, refused: Refused, lie: Arc<Lie>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let url = format!("http://{}", listener.local_addr().expect("has an address"));
        let seen = Arc::new(AtomicUsize::new(0));
        let counted = seen.clone();
        tokio::spawn(async move {
            let client = reqwest::Client::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (client, node, lie, counted) = (client.clone(), node.clone(), lie.clone(), counted.clone());
                let refused = refused.clone();
                tokio::spawn(async move { serve(stream, &client, &node, &refused, &*lie, &counted).await });
            }
        });
        Self { url, seen }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn host(&self) -> String {
        self.url.trim_start_matches("http://").into()
    }

    /// How often the refused method was asked for.
    pub(crate) fn refusals(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: TcpStream,
    client: &reqwest::Client,
    node: &str,
    refused: &Refused,
    lie: &Lie,
    counted: &AtomicUsize,
) {
    while let Some(request) = read_request(&mut stream).await {
        let answer = match &request {
            Value::Array(many) => {
                let mut answers = Vec::new();
                for one in many {
                    answers.push(answer(client, node, refused, lie, counted, one).await);
                }
                Value::Array(answers)
            }
            one => answer(client, node, refused, lie, counted, one).await,
        };
        let body = answer.to_string();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn answer(
    client: &reqwest::Client,
    node: &str,
    refused: &Refused,
    lie: &Lie,
    counted: &AtomicUsize,
    request: &Value,
) -> Value {
    let method = request["method"].as_str().unwrap_or_default();
    if method == refused.method {
        counted.fetch_add(1, Ordering::SeqCst);
        let (key, value) = &refused.answer;
        return json!({ "jsonrpc": "2.0", "id": request["id"], (*key): value });
    }
    let sent = client.post(node).header("content-type", "application/json").body(request.to_string()).send().await;
    let body = sent.expect("the node is up").bytes().await.expect("the node answers");
    let mut response: Value = serde_json::from_slice(&body).expect("is JSON");
    if let Some(result) = response.get_mut("result") {
        lie(method, &request["params"], result);
    }
    response
}

async fn read_request(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    let mut buffer = [0u8; 16_384];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length: usize = head.split("content-length:").nth(1)?.split("\r\n").next()?.trim().parse().ok()?;
            if bytes.len() >= end + 4 + length {
                return serde_json::from_slice(&bytes[end + 4..end + 4 + length]).ok();
            }
        }
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            Ok(_) | Err(_) => return None,
        }
    }
}
