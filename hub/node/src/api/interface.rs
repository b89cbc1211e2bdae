//! The interface without a server.

use infrastrukt_ports::Clock;
use infrastrukt_protocol::Hub;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

use super::{methods::Methods, rate::RateLimiter, reads::Reads};
use crate::{config::ApiLimits, consensus::InProcessLeader, validator::Validator};

/// What the methods need beside the validators that they speak for.
#[derive(Clone)]
pub struct Interface {
    hub: Arc<Hub>,
    leader: Arc<InProcessLeader>,
    clock: Arc<dyn Clock>,
    answer_bytes: usize,
    decide_timeout: Duration,
    reads: Reads,
    registrations: Arc<RateLimiter>,
    cancel: CancellationToken,
}

impl Interface {
    /// Orders entries through `leader`. Pushes end with `cancel`.
    pub fn new(
        hub: Arc<Hub>,
        leader: Arc<InProcessLeader>,
        clock: Arc<dyn Clock>,
        limits: &ApiLimits,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            hub,
            leader,
            clock,
            answer_bytes: limits.response_bytes_max as usize / 2,
            decide_timeout: limits.call_timeout().mul_f64(0.8),
            reads: Reads::new(),
            registrations: Arc::new(RateLimiter::new(limits.registrations())),
            cancel,
        }
    }

    /// The methods over these validators; `None` without any. The first one answers reads, all are handed evidence.
    pub fn over(&self, validators: Arc<[Arc<Validator>]>) -> Option<Methods> {
        let this = self.clone();
        (!validators.is_empty()).then(|| Methods {
            hub: this.hub,
            leader: this.leader,
            clock: this.clock,
            validators,
            answer_bytes: this.answer_bytes,
            decide_timeout: this.decide_timeout,
            reads: this.reads,
            registrations: this.registrations,
            cancel: this.cancel,
        })
    }
}
