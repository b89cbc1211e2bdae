//! Serves the interface to programs on this machine, and to nothing a web page could make a browser send.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use infrastrukt_api::{ErrorCode, MessageView, refusal};
use infrastrukt_ports::StoreError;
use infrastrukt_types::MessageId;
use jsonrpsee::{
    Methods,
    core::{RpcResult, async_trait},
    types::ErrorObjectOwned,
};
use std::{net::IpAddr, sync::Arc};
use tokio::{net::TcpListener, sync::Semaphore};

use super::{DeadLetter, DeadLetterDetail, DeliveryJob, RelayerApiServer, RelayerStatus, view};
use crate::{
    dlq::{self, DlqError, PAGE_MAX},
    pipeline::Shared,
    store::{ItemKey, WorkKind},
};

/// Largest request, in bytes.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Requests answered at once; further ones are told to come back.
const REQUESTS_MAX: usize = 32;

#[derive(Clone)]
struct Admin {
    methods: Methods,
    room: Arc<Semaphore>,
}

struct Api(Arc<Shared>);

/// Serves until the relayer stops.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    let cancel = shared.cancel.clone();
    let admin = Admin { methods: Api(shared).into_rpc().into(), room: Arc::new(Semaphore::new(REQUESTS_MAX)) };
    let routes =
        Router::new().route("/", post(answer)).layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX)).with_state(admin);
    let served = axum::serve(listener, routes).with_graceful_shutdown(cancel.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the relayer's own interface stopped");
    }
}

/// A page that a browser loaded may reach the loopback, also under a name that resolves to it. It can send neither JSON
/// as content type without a permission that is never given, nor a loopback address as host.
fn is_local(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    let loopback = host.is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    });
    let json = text(header::CONTENT_TYPE).is_some_and(|kind| kind.trim_start().starts_with("application/json"));
    loopback && json && !headers.contains_key(header::ORIGIN)
}

async fn answer(State(admin): State<Admin>, headers: HeaderMap, body: Bytes) -> (StatusCode, HeaderMap, String) {
    let plain = |status, text: &str| (status, HeaderMap::new(), text.to_owned());
    if !is_local(&headers) {
        return plain(StatusCode::FORBIDDEN, "only programs on this machine may call the relayer\n");
    }
    let Ok(_permit) = admin.room.try_acquire() else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once: try again\n");
    };
    let Ok(request) = std::str::from_utf8(&body) else {
        return plain(StatusCode::BAD_REQUEST, "the request is not UTF-8\n");
    };
    match admin.methods.raw_json_request(request, 1).await {
        Ok((response, _)) => {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
            (StatusCode::OK, headers, response.get().to_owned())
        }
        Err(error) => plain(StatusCode::BAD_REQUEST, &format!("the request is no JSON-RPC call: {error}\n")),
    }
}

fn internal(error: StoreError) -> ErrorObjectOwned {
    refusal(ErrorCode::Internal, error.to_string())
}

fn refused(error: DlqError) -> ErrorObjectOwned {
    match error {
        DlqError::Store(error) => internal(error),
        DlqError::Malformed(_) | DlqError::NotFound(_) | DlqError::UnknownLane(_) | DlqError::NeverDropped(_) => {
            refusal(ErrorCode::Refused, error.to_string())
        }
    }
}

#[async_trait]
impl RelayerApiServer for Api {
    async fn status(&self) -> RpcResult<RelayerStatus> {
        view::status(&self.0).map_err(internal)
    }

    async fn message_delivery(&self, id: MessageId) -> RpcResult<Vec<DeliveryJob>> {
        view::jobs(&self.0, id).await.map_err(internal)
    }

    async fn observed(&self, id: Option<MessageId>) -> RpcResult<Vec<MessageView>> {
        view::observed(&self.0, id).map_err(internal)
    }

    async fn retry(&self, id: MessageId) -> RpcResult<u32> {
        let mut moved = 0;
        for lane in self.0.lanes.values() {
            for kind in [WorkKind::Deliver, WorkKind::Refund] {
                let hurried = dlq::hurry(&self.0, lane.chain, ItemKey { kind, id: id.0 }).map_err(internal)?;
                moved += u32::from(hurried);
            }
            lane.wake_deliver.notify_one();
        }
        Ok(moved)
    }

    async fn dlq_list(&self, after: Option<String>, limit: Option<u32>) -> RpcResult<Vec<DeadLetter>> {
        let after = after.map(|after| after.parse()).transpose().map_err(refused)?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE_MAX);
        let letters = dlq::list(&self.0, after.as_ref(), limit).map_err(refused)?;
        Ok(letters.iter().map(|(id, letter)| view::letter(id, letter)).collect())
    }

    async fn dlq_show(&self, id: String) -> RpcResult<DeadLetterDetail> {
        let (id, letter) = dlq::find(&self.0, &id).map_err(refused)?;
        view::detail(&self.0, &id, &letter).map_err(internal)
    }

    async fn dlq_redrive(&self, id: String) -> RpcResult<String> {
        dlq::redrive(&self.0, &id).map(|id| id.to_string()).map_err(refused)
    }

    async fn dlq_drop(&self, id: String) -> RpcResult<String> {
        dlq::drop_letter(&self.0, &id).map(|id| id.to_string()).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, kind: &str, origin: Option<&str>, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("valid"));
        headers.insert(header::CONTENT_TYPE, kind.parse().expect("valid"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("valid"));
        }
        assert_eq!(is_local(&headers), expected, "{host} {kind} {origin:?}");
    }

    #[test]
    fn only_local_programs_are_answered() {
        check("127.0.0.1:9000", "application/json", None, true);
        check("localhost:9000", "application/json; charset=utf-8", None, true);
        check("[::1]:9000", "application/json", None, true);
        check("evil.example:9000", "application/json", None, false);
        check("127.0.0.1.evil.example", "application/json", None, false);
        check("127.0.0.1:9000", "text/plain", None, false);
        check("127.0.0.1:9000", "application/json", Some("http://evil.example"), false);
    }
}
