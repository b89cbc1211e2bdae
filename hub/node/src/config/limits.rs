//! Bounds that an operator may set, within bounds that nobody may leave.

use serde::Deserialize;
use std::time::Duration;

use crate::api::rate::Rate;

/// Bounds of the JSON-RPC port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiLimits {
    /// Largest request in bytes. A transaction at the gas limit of EIP-7825 can write two megabytes of logs; its receipt
    /// travels twice, in hex. Were it too large, whoever wraps someone's lock in such a transaction hid it from the hub.
    pub request_bytes_max: u32,
    /// Largest answer in bytes.
    pub response_bytes_max: u32,
    /// Calls in one batch.
    pub batch_max: u32,
    /// Open connections.
    pub connections_max: u32,
    /// Open connections from one address.
    pub connections_per_ip_max: u32,
    /// Calls a second from one address in the long run; loopback included.
    pub calls_per_second: u32,
    /// Calls at once from one address after a silence.
    pub calls_burst: u32,
    /// Milliseconds until a call is answered with a timeout.
    pub call_timeout_ms: u64,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            request_bytes_max: 10 << 20,
            response_bytes_max: 32 << 20,
            batch_max: 64,
            connections_max: 256,
            connections_per_ip_max: 64,
            calls_per_second: 500,
            calls_burst: 1_000,
            call_timeout_ms: 15_000,
        }
    }
}

impl ApiLimits {
    /// The rate of one caller.
    pub const fn rate(&self) -> Rate {
        Rate { per_second: self.calls_per_second, burst: self.calls_burst }
    }

    /// Longest a call may take.
    pub const fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        within("api.limits.request_bytes_max", self.request_bytes_max, 64 << 10, 32 << 20)?;
        within("api.limits.response_bytes_max", self.response_bytes_max, 1 << 20, 256 << 20)?;
        within("api.limits.batch_max", self.batch_max, 1, 1_000)?;
        within("api.limits.connections_max", self.connections_max, 1, 65_536)?;
        within("api.limits.connections_per_ip_max", self.connections_per_ip_max, 1, self.connections_max)?;
        within("api.limits.calls_per_second", self.calls_per_second, 1, 1_000_000)?;
        within("api.limits.calls_burst", self.calls_burst, self.batch_max, 1_000_000)?;
        within("api.limits.call_timeout_ms", self.call_timeout_ms, 1_000, 120_000)
    }
}

/// Bounds of one validator's evidence checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceLimits {
    /// Bytes of evidence held at once.
    pub queue_bytes_max: u32,
    /// Checks that run at once, each waiting for endpoints most of its time.
    pub concurrency: u32,
    /// Tries before evidence that cannot be judged yet is dropped; a relayer offers it again.
    pub tries_max: u32,
}

impl Default for EvidenceLimits {
    fn default() -> Self {
        Self { queue_bytes_max: 64 << 20, concurrency: 32, tries_max: 20 }
    }
}

impl EvidenceLimits {
    pub(super) fn check(&self) -> Result<(), String> {
        within("evidence.queue_bytes_max", self.queue_bytes_max, 16 << 20, 1 << 30)?;
        within("evidence.concurrency", self.concurrency, 1, 1_024)?;
        within("evidence.tries_max", self.tries_max, 1, 1_000)
    }
}

fn within<T: PartialOrd + std::fmt::Display>(name: &str, value: T, min: T, max: T) -> Result<(), String> {
    if value < min || value > max {
        return Err(format!("{name} = {value} is not within {min} to {max}"));
    }
    Ok(())
}
