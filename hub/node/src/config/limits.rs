//! Bounds that an operator may set, within bounds that nobody may leave.

use serde::Deserialize;
use std::time::Duration;

use crate::api::{LIST_COST, rate::Rate};

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
    /// Open connections from one caller: one IPv4 address or one /64 of IPv6, here and below; loopback included.
    pub connections_per_ip_max: u32,
    /// Tokens a second of one caller in the long run. Most calls cost one; lists, pages of checkpoints and certificates
    /// cost more.
    pub calls_per_second: u32,
    /// Tokens of one caller after a silence.
    pub calls_burst: u32,
    /// Milliseconds until a call is answered with a timeout.
    pub call_timeout_ms: u64,
    /// Milliseconds a new connection has for its first request.
    pub first_request_timeout_ms: u64,
    /// Milliseconds from one answer to the next request, the time to read the answer included.
    pub idle_timeout_ms: u64,
    /// Deals that one caller may register in a minute in the long run. A deal takes a place among the open ones until
    /// its `decide_by`; at the default one caller takes less than half of all places in a day.
    pub registrations_per_minute: u32,
    /// Deals that one caller may register at once after a silence.
    pub registrations_burst: u32,
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
            first_request_timeout_ms: 10_000,
            idle_timeout_ms: 120_000,
            registrations_per_minute: 30,
            registrations_burst: 100,
        }
    }
}

impl ApiLimits {
    /// The rate of one caller.
    pub const fn rate(&self) -> Rate {
        Rate { per_minute: self.calls_per_second.saturating_mul(60), burst: self.calls_burst }
    }

    /// The rate at which one caller registers deals.
    pub const fn registrations(&self) -> Rate {
        Rate { per_minute: self.registrations_per_minute, burst: self.registrations_burst }
    }

    /// How long a new connection may be silent.
    pub const fn first_request_timeout(&self) -> Duration {
        Duration::from_millis(self.first_request_timeout_ms)
    }

    /// How long a connection may be silent between two requests.
    pub const fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
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
        within("api.limits.calls_burst", self.calls_burst, self.batch_max.max(LIST_COST), 1_000_000)?;
        within("api.limits.call_timeout_ms", self.call_timeout_ms, 1_000, 120_000)?;
        within("api.limits.first_request_timeout_ms", self.first_request_timeout_ms, 1_000, 120_000)?;
        within("api.limits.idle_timeout_ms", self.idle_timeout_ms, 10_000, 3_600_000)?;
        within("api.limits.registrations_per_minute", self.registrations_per_minute, 1, 100_000)?;
        within("api.limits.registrations_burst", self.registrations_burst, 1, 100_000)
    }
}

/// Bounds of one validator's evidence checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceLimits {
    /// Bytes of evidence held at once.
    pub queue_bytes_max: u32,
    /// Bytes of evidence of one caller held at once, so that nobody fills the queue alone.
    pub queue_bytes_per_caller_max: u32,
    /// Checks that run at once, each waiting for endpoints most of its time.
    pub concurrency: u32,
}

impl Default for EvidenceLimits {
    fn default() -> Self {
        Self { queue_bytes_max: 64 << 20, queue_bytes_per_caller_max: 16 << 20, concurrency: 32 }
    }
}

impl EvidenceLimits {
    pub(super) fn check(&self) -> Result<(), String> {
        within("evidence.queue_bytes_max", self.queue_bytes_max, 16 << 20, 1 << 30)?;
        let caller_max = self.queue_bytes_per_caller_max;
        within("evidence.queue_bytes_per_caller_max", caller_max, 16 << 20, self.queue_bytes_max)?;
        within("evidence.concurrency", self.concurrency, 1, 1_024)
    }
}

fn within<T: PartialOrd + std::fmt::Display>(name: &str, value: T, min: T, max: T) -> Result<(), String> {
    if value < min || value > max {
        return Err(format!("{name} = {value} is not within {min} to {max}"));
    }
    Ok(())
}
