//! What is measured, the limit of each figure, and the best of the peers.
//!
//! Peers' gas was measured with their own published contracts on the same kind of node; the hash time lock is the
//! compact contract of that kind. Speed beside which no peer stands is published by none of them.

/// What a figure must not exceed, or must reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// More is a miss.
    AtMost(f64),
    /// Less is a miss.
    AtLeast(f64),
    /// Shown for comparison.
    Free,
}

/// Something that was measured elsewhere, or below ours in the same run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
}

/// One line of the table before anything is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) limit: Limit,
    pub(crate) beside: Option<Beside>,
}

impl Figure {
    const fn new(name: &'static str, unit: &'static str, limit: Limit) -> Self {
        Self { name, unit, limit, beside: None }
    }

    /// With something to compare it with.
    pub(crate) const fn beside(self, name: &'static str, value: f64) -> Self {
        Self { beside: Some(Beside { name, value }), ..self }
    }

    /// With a limit that follows from what was measured.
    pub(crate) const fn limited(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }
}

const fn gas(name: &'static str, most: f64, peer: &'static str, peer_gas: f64) -> Figure {
    Figure::new(name, "gas", Limit::AtMost(most)).beside(peer, peer_gas)
}

const AXELAR: &str = "Axelar Amplifier 6.2";
const HTLC: &str = "hash time lock";

pub(crate) const SEND: Figure = gas("send, 32-byte payload", 36_000.0, AXELAR, 36_322.0);
pub(crate) const DELIVER: Figure = gas("deliver 1 message, 3 of 4", 80_000.0, "Hyperlane 12.1", 94_330.0);
pub(crate) const DELIVER_BATCH: Figure = gas("deliver in a batch of 10, 3 of 4, a message", 30_000.0, AXELAR, 85_400.0);
pub(crate) const LOCK_NATIVE: Figure = gas("lock native", 51_000.0, HTLC, 50_837.0);
pub(crate) const LOCK_TOKEN: Figure = gas("lock ERC-20, exact allowance", 70_000.0, HTLC, 69_261.0);
pub(crate) const SETTLE_NATIVE: Figure = gas("settle native in a batch of 10, a leg", 40_000.0, HTLC, 40_388.0);
pub(crate) const SETTLE_TOKEN: Figure = gas("settle ERC-20 in a batch of 10, a leg", 49_000.0, HTLC, 49_402.0);

pub(crate) const PROOFS: Figure = Figure::new("receipt proofs verified, a CPU-second", "", Limit::AtLeast(20_000.0));
pub(crate) const STORE: Figure = Figure::new("hub's store, synced batches of 10 rows", "/s", Limit::Free);
pub(crate) const QUEUE: Figure =
    Figure::new("relayer's durable queue, synced batches of 30 messages", "/s", Limit::Free);

pub(crate) const BURST: Figure =
    Figure::new("burst of 5,000 messages, first send to last arrival", "/s", Limit::AtLeast(500.0));
pub(crate) const BURST_MIDDLE: Figure =
    Figure::new("  the same, between first and last tenth of arrivals", "/s", Limit::Free);
pub(crate) const LATENCY_THERE_P50: Figure = Figure::new("latency ETH to BSC, p50", "s", Limit::Free);
pub(crate) const LATENCY_THERE_P99: Figure = Figure::new("latency ETH to BSC, p99", "s", Limit::Free);
pub(crate) const LATENCY_BACK_P50: Figure = Figure::new("latency BSC to ETH, p50", "s", Limit::Free);
pub(crate) const LATENCY_BACK_P99: Figure = Figure::new("latency BSC to ETH, p99", "s", Limit::Free);
pub(crate) const CALLS: Figure =
    Figure::new("RPC calls a message, both chains, 50 messages a second", "", Limit::AtMost(3.0));
/// The peer's are the 5.85 GiB that an operator reported.
pub(crate) const MEMORY: Figure = Figure::new("relayer resident, 100,000 messages queued", "MB", Limit::AtMost(150.0))
    .beside("Hyperlane's agent, 97 queued", 6_281.0);
pub(crate) const RESTART: Figure = Figure::new("kill -9 to ready, 100,000 messages queued", "s", Limit::AtMost(2.0));

pub(crate) const HYPERLANE: Figure = Figure::new("Hyperlane's TypeScript relayer (npm): its burst", "/s", Limit::Free);
pub(crate) const HYPERLANE_MEMORY: Figure =
    Figure::new("Hyperlane's TypeScript relayer (npm): resident", "MB", Limit::Free);
pub(crate) const TIMES_HYPERLANE: Figure =
    Figure::new("our burst, times Hyperlane's TypeScript relayer", "x", Limit::AtLeast(1_000.0));
