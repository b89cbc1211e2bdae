//! What every call passes before it reaches a method: the caller's rate and a time limit.

use infrastrukt_api::{ErrorCode, refusal};
use infrastrukt_ports::Clock;
use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, Notification, Request, RpcServiceT},
    types::{ErrorObjectOwned, Id},
};
use std::{future::Future, net::IpAddr, sync::Arc, time::Duration};

use super::rate::RateLimiter;

/// Shared by all connections.
#[derive(Clone)]
pub(crate) struct Limits {
    /// Buckets of all callers.
    pub rate: Arc<RateLimiter>,
    /// Time the buckets refill by.
    pub clock: Arc<dyn Clock>,
    /// Longest a call may take.
    pub timeout: Duration,
}

/// Limits of one connection around the service that answers.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    service: S,
    limits: Limits,
    ip: IpAddr,
}

impl<S> Guarded<S> {
    /// Guards `service` for a connection from `ip`.
    pub(crate) fn new(service: S, limits: Limits, ip: IpAddr) -> Self {
        Self { service, limits, ip }
    }

    fn admit(&self, calls: usize) -> Result<(), ErrorObjectOwned> {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        self.limits.rate.take(self.ip, calls, self.limits.clock.now_ms()).map_err(|wait_ms| {
            metrics::counter!("infrastrukt_hub_api_refused_total", "reason" => "rate").increment(1);
            refusal(ErrorCode::Busy, format!("too many calls from this address: wait {wait_ms} ms"))
        })
    }

    fn too_slow(&self) -> ErrorObjectOwned {
        metrics::counter!("infrastrukt_hub_api_refused_total", "reason" => "timeout").increment(1);
        let seconds = self.limits.timeout.as_secs();
        refusal(ErrorCode::Timeout, format!("not answered within {seconds} s: offering it again does no harm"))
    }
}

impl<S> RpcServiceT for Guarded<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let id = request.id.clone().into_owned();
            if let Err(error) = this.admit(1) {
                return MethodResponse::error(id, error);
            }
            let answer = tokio::time::timeout(this.limits.timeout, this.service.call(request)).await;
            answer.unwrap_or_else(|_| MethodResponse::error(id, this.too_slow()))
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            if let Err(error) = this.admit(batch.len()) {
                return MethodResponse::error(Id::Null, error);
            }
            let answer = tokio::time::timeout(this.limits.timeout, this.service.batch(batch)).await;
            answer.unwrap_or_else(|_| MethodResponse::error(Id::Null, this.too_slow()))
        }
    }

    fn notification<'a>(&self, notification: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            // A notification has no answer, so a refused one is just not carried out.
            if this.admit(1).is_err() {
                return MethodResponse::notification();
            }
            this.service.notification(notification).await
        }
    }
}
