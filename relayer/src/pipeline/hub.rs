//! The hub as the relayer needs it, and its implementation over JSON-RPC.

use async_trait::async_trait;
use infrastrukt_api::{
    CertifiedPage, DealFilter, DealView, ErrorCode, EvidenceOutcome, HubApiClient, HubStatus, MessageView, ProvenHeight,
};
use infrastrukt_types::{DealId, Evidence, MessageId};
use jsonrpsee::{
    core::client::{Error as ClientError, Subscription, SubscriptionClientT},
    http_client::{HttpClient, HttpClientBuilder},
    rpc_params,
    types::error::INVALID_PARAMS_CODE,
    ws_client::{WsClient, WsClientBuilder},
};
use serde::de::IgnoredAny;
use std::time::Duration;
use tokio::sync::Mutex;

/// Longest wait for an answer of the hub.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer accepted: a page of full checkpoints.
const RESPONSE_BYTES_MAX: u32 = 48 * 1024 * 1024;
/// Pushed checkpoints buffered at most: each may be large, and a push is only a wake-up.
const PUSHES_MAX: usize = 4;

/// Why the hub did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// No usable answer: the same call may succeed later.
    #[error("the hub does not answer: {0}; check its address and that it runs")]
    Unreachable(String),
    /// It answered that it cannot do it now: the same call may succeed later.
    #[error("the hub cannot serve this now: {0}")]
    Busy(String),
    /// It answered, and refused.
    #[error("the hub refused: {0}")]
    Refused(String),
}

/// The hub, as far as a relayer needs it.
#[async_trait]
pub trait HubClient: Send + Sync {
    /// Identity and chains.
    async fn status(&self) -> Result<HubStatus, HubError>;
    /// Offers evidence; one outcome for each item.
    async fn submit_evidence(&self, evidence: Vec<Evidence>) -> Result<Vec<EvidenceOutcome>, HubError>;
    /// One message.
    async fn message(&self, id: MessageId) -> Result<Option<MessageView>, HubError>;
    /// One deal.
    async fn deal(&self, id: DealId) -> Result<Option<DealView>, HubError>;
    /// A page of deals, newest first.
    async fn deals(&self, filter: DealFilter) -> Result<Vec<DealView>, HubError>;
    /// Certified checkpoints from a cursor on.
    async fn certified(&self, from: u64, limit: u32) -> Result<CertifiedPage, HubError>;
    /// Highest block of each chain of which a fact is proven.
    async fn proven_heights(&self) -> Result<Vec<ProvenHeight>, HubError>;
    /// Waits until the hub pushes a checkpoint from the cursor on. Only a hint: it may come late, twice or never.
    async fn pushed(&self, from: u64) -> Result<(), HubError>;
}

/// A push with its socket: the subscription ends when the client is dropped.
struct Pushes {
    _client: WsClient,
    subscription: Subscription<IgnoredAny>,
}

/// The hub over JSON-RPC: calls over HTTP, wake-ups over a WebSocket.
pub struct JsonRpcHub {
    client: HttpClient,
    ws_url: String,
    pushes: Mutex<Option<Pushes>>,
}

impl JsonRpcHub {
    /// Takes `http(s)://` or `ws(s)://`; both reach the same server. Connects at the first call.
    pub fn new(url: &str) -> Result<Self, HubError> {
        let rest = url.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        let (http_url, ws_url) = match rest.as_ref().map(|(scheme, rest)| (scheme.as_str(), *rest)) {
            Some(("http" | "ws", rest)) => (format!("http://{rest}"), format!("ws://{rest}")),
            Some(("https" | "wss", rest)) => (format!("https://{rest}"), format!("wss://{rest}")),
            _ => return Err(HubError::Refused(format!("`{url}` is no hub address: write http://host:port"))),
        };
        let client = HttpClientBuilder::default()
            .request_timeout(REQUEST_TIMEOUT)
            .max_response_size(RESPONSE_BYTES_MAX)
            .build(http_url)
            .map_err(|error| HubError::Refused(format!("`{url}` is no hub address: {error}")))?;
        Ok(Self { client, ws_url, pushes: Mutex::new(None) })
    }

    async fn subscribe(&self, from: u64) -> Result<Pushes, HubError> {
        let client = WsClientBuilder::default()
            .request_timeout(REQUEST_TIMEOUT)
            .max_response_size(RESPONSE_BYTES_MAX)
            .max_buffer_capacity_per_subscription(PUSHES_MAX)
            .build(&self.ws_url)
            .await
            .map_err(hub_error)?;
        let subscription = client
            .subscribe("hub_subscribeCertified", rpc_params![from], "hub_unsubscribeCertified")
            .await
            .map_err(hub_error)?;
        Ok(Pushes { _client: client, subscription })
    }
}

/// Only what the hub calls wrong is a refusal. A full queue, a failing disk or a halted hub passes, and what is offered
/// meanwhile must not suffer from it.
fn hub_error(error: ClientError) -> HubError {
    match error {
        ClientError::Call(object) => {
            let text = object.message().to_owned();
            let refusals = [ErrorCode::Refused as i32, INVALID_PARAMS_CODE];
            if refusals.contains(&object.code()) { HubError::Refused(text) } else { HubError::Busy(text) }
        }
        other => HubError::Unreachable(other.to_string()),
    }
}

#[async_trait]
impl HubClient for JsonRpcHub {
    async fn status(&self) -> Result<HubStatus, HubError> {
        HubApiClient::status(&self.client).await.map_err(hub_error)
    }

    async fn submit_evidence(&self, evidence: Vec<Evidence>) -> Result<Vec<EvidenceOutcome>, HubError> {
        HubApiClient::submit_evidence(&self.client, evidence).await.map_err(hub_error)
    }

    async fn message(&self, id: MessageId) -> Result<Option<MessageView>, HubError> {
        HubApiClient::message(&self.client, id).await.map_err(hub_error)
    }

    async fn deal(&self, id: DealId) -> Result<Option<DealView>, HubError> {
        HubApiClient::deal(&self.client, id).await.map_err(hub_error)
    }

    async fn deals(&self, filter: DealFilter) -> Result<Vec<DealView>, HubError> {
        HubApiClient::deals(&self.client, filter).await.map(|page| page.items).map_err(hub_error)
    }

    async fn certified(&self, from: u64, limit: u32) -> Result<CertifiedPage, HubError> {
        HubApiClient::certified(&self.client, from, limit).await.map_err(hub_error)
    }

    async fn proven_heights(&self) -> Result<Vec<ProvenHeight>, HubError> {
        HubApiClient::proven_heights(&self.client).await.map_err(hub_error)
    }

    async fn pushed(&self, from: u64) -> Result<(), HubError> {
        let mut pushes = self.pushes.lock().await;
        if pushes.is_none() {
            *pushes = Some(self.subscribe(from).await?);
        }
        let next = match pushes.as_mut() {
            Some(live) => live.subscription.next().await,
            None => None,
        };
        match next {
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => {
                *pushes = None;
                Err(HubError::Unreachable("the subscription ended".to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonrpsee::types::ErrorObjectOwned;

    fn check(code: i32, is_refusal: bool) {
        let error = hub_error(ClientError::Call(ErrorObjectOwned::owned(code, "why", None::<()>)));
        assert_eq!(matches!(error, HubError::Refused(_)), is_refusal, "{code}: {error}");
    }

    #[test]
    fn only_what_is_wrong_for_ever_counts_as_refused() {
        check(ErrorCode::Refused as i32, true);
        check(INVALID_PARAMS_CODE, true);
        for code in [ErrorCode::Busy, ErrorCode::Timeout, ErrorCode::Halted, ErrorCode::Internal] {
            check(code as i32, false);
        }
        check(jsonrpsee::types::error::INTERNAL_ERROR_CODE, false);
    }
}
