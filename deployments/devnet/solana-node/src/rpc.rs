//! One JSON-RPC call over HTTP to a node on loopback.

use serde_json::{Value, json};
use std::{
    io::{self, Read, Write},
    net::{SocketAddrV4, TcpStream},
    time::Duration,
};

/// Time to connect, and for every read and write.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// A call that got no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RpcError {
    /// No connection, or it broke.
    #[error("http://{node} does not answer: {source}")]
    Io {
        /// The node.
        node: SocketAddrV4,
        /// The system's reason.
        source: io::Error,
    },
    /// Not HTTP with JSON.
    #[error("http://{node} answers no JSON-RPC: {answer:?}")]
    NotJson {
        /// The node.
        node: SocketAddrV4,
        /// What it answered.
        answer: String,
    },
    /// The node refuses.
    #[error("http://{node} refuses {method}: {error}")]
    Refused {
        /// The node.
        node: SocketAddrV4,
        /// The method.
        method: String,
        /// Its error object.
        error: Value,
    },
}

/// Calls a method and returns its result.
///
/// # Errors
/// The node does not answer, or refuses.
pub(crate) fn call(node: SocketAddrV4, method: &str, params: &Value) -> Result<Value, RpcError> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let answer = post(node, &body).map_err(|source| RpcError::Io { node, source })?;
    let not_json = || RpcError::NotJson { node, answer: answer.clone() };
    let (_, json) = answer.split_once("\r\n\r\n").ok_or_else(not_json)?;
    let mut answered: Value = serde_json::from_str(json).map_err(|_| not_json())?;
    if let Some(error) = answered.get("error") {
        return Err(RpcError::Refused { node, method: method.to_owned(), error: error.clone() });
    }
    answered.get_mut("result").map(Value::take).ok_or_else(not_json)
}

fn post(node: SocketAddrV4, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&node.into(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {node}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER_BYTES).read_to_string(&mut answer)?;
    Ok(answer)
}
