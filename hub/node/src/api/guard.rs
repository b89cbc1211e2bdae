//! What every call passes before it reaches a method: the caller's rate and a time limit.

use infrastrukt_api::{ErrorCode, refusal};
use infrastrukt_ports::Clock;
use jsonrpsee::{
    MethodResponse,
    core::middleware::{Batch, Notification, Request, RpcServiceT},
    types::{ErrorObjectOwned, Id},
};
use std::{future::Future, sync::Arc, time::Duration};

use super::rate::RateLimiter;
use crate::quota::Caller;

/// Tokens that a list costs: its filter may look at thousands of records.
pub(crate) const LIST_COST: u32 = 20;
/// Tokens that a page of checkpoints costs, and a certificate with its many signatures.
const PAGE_COST: u32 = 4;

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

/// Tokens that one call of a method costs.
fn cost(method: &str) -> u32 {
    match method {
        "hub_messages" | "hub_deals" => LIST_COST,
        "hub_certified" | "hub_certifiedCheckpoint" | "hub_submitCertificate" => PAGE_COST,
        _other => 1,
    }
}

/// Limits of one connection around the service that answers.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    service: S,
    limits: Limits,
    caller: Caller,
}

impl<S> Guarded<S> {
    /// Guards `service` for a connection of `caller`.
    pub(crate) fn new(service: S, limits: Limits, caller: Caller) -> Self {
        Self { service, limits, caller }
    }

    fn admit(&self, cost: u32) -> Result<(), ErrorObjectOwned> {
        self.limits.rate.take(self.caller, cost, self.limits.clock.now_ms()).map_err(|too_fast| {
            metrics::counter!("infrastrukt_hub_api_refused_total", "reason" => "rate").increment(1);
            refusal(ErrorCode::Busy, too_fast.to_string())
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
            if let Err(error) = this.admit(cost(request.method_name())) {
                return MethodResponse::error(id, error);
            }
            let answer = tokio::time::timeout(this.limits.timeout, this.service.call(request)).await;
            answer.unwrap_or_else(|_| MethodResponse::error(id, this.too_slow()))
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            // What does not parse is answered as well, and so costs like a call.
            let costs = batch.iter().map(|entry| entry.as_ref().map_or(1, |entry| cost(entry.method_name())));
            let total = costs.fold(0, u32::saturating_add);
            if let Err(error) = this.admit(total) {
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
            if this.admit(cost(notification.method_name())).is_err() {
                return MethodResponse::notification();
            }
            this.service.notification(notification).await
        }
    }
}
