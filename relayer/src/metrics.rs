//! The relayer's Prometheus metrics: their names, what they mean, and the one place that sets them. Gas and calls to
//! endpoints are counted by the adapters, where they happen, under names that are only described here.

use infrastrukt_api::DealState;
use infrastrukt_types::{Amount, Timestamp};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

const QUEUE_DEPTH: &str = "infrastrukt_queue_depth";
const QUEUE_OLDEST: &str = "infrastrukt_queue_oldest_age_seconds";
const DELIVERIES: &str = "infrastrukt_deliveries_total";
const RETRIES: &str = "infrastrukt_retries_total";
const GAS_SPENT: &str = "infrastrukt_gas_spent_total";
const RPC_CALLS: &str = "infrastrukt_rpc_calls_total";
const RPC_CALLS_PER_MESSAGE: &str = "infrastrukt_rpc_calls_per_message";
const WALLET_BALANCE: &str = "infrastrukt_wallet_balance";
const FINALITY_LAG: &str = "infrastrukt_finality_lag_seconds";
const DEALS: &str = "infrastrukt_deals";
const DEAD_LETTERS: &str = "infrastrukt_dead_letters";
const LANE_HALTED: &str = "infrastrukt_lane_halted";
const SUPPLY_VIOLATION: &str = "infrastrukt_supply_violation";
const SUPPLY_COMPARED_AGE: &str = "infrastrukt_supply_compared_age_seconds";
const BRIDGE_LOCKED: &str = "infrastrukt_bridge_locked";
const BRIDGE_MINTED: &str = "infrastrukt_bridge_minted";

/// Every state has its series from the start, so that a dashboard shows zeros and not gaps.
const DEAL_STATES: [DealState; 9] = [
    DealState::Open,
    DealState::Locking,
    DealState::Decided,
    DealState::Certified,
    DealState::Stalled,
    DealState::Settling,
    DealState::Settled,
    DealState::Escaped,
    DealState::Fault,
];

/// Installs the process's recorder, once, and describes every metric. Where something else in the process installed one
/// before, figures go there and the page of this handle stays empty.
pub fn install() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!(
                    "another metrics recorder is installed in this process; /metrics of the relayer is empty"
                );
            }
            describe();
            handle
        })
        .clone()
}

fn describe() {
    describe_gauge!(QUEUE_DEPTH, "Entries that wait, by lane and stage");
    describe_gauge!(QUEUE_OLDEST, "Age in seconds of the oldest entry seen at the front, by lane and stage");
    describe_counter!(DELIVERIES, "Messages whose delivery on the lane's chain is final");
    describe_counter!(RETRIES, "Things tried again, by lane and reason");
    describe_counter!(GAS_SPENT, "Gas (or compute units) used by final transactions, by chain, action and outcome");
    describe_counter!(RPC_CALLS, "Calls to the chain's endpoints");
    describe_gauge!(
        RPC_CALLS_PER_MESSAGE,
        "Calls to the chain's endpoints for each message sent from or delivered to it, over the last window; the lanes \
         of a route add up"
    );
    describe_gauge!(WALLET_BALANCE, "Native balance of the relayer's account, in the smallest unit");
    describe_gauge!(FINALITY_LAG, "Seconds between the chain's final head and this machine's clock");
    describe_gauge!(DEALS, "Deals at the hub by state, of the newest thousand");
    describe_gauge!(DEAD_LETTERS, "Dead letters, refused evidence included");
    describe_gauge!(LANE_HALTED, "1 while the lane is stopped and a person must look at it");
    describe_gauge!(SUPPLY_VIOLATION, "1 while more of the token is minted or released than other chains' books back");
    describe_gauge!(
        SUPPLY_COMPARED_AGE,
        "Seconds since the books of the chain's token bridge were compared with those of all chains it has routes to"
    );
    describe_gauge!(BRIDGE_LOCKED, "What the token bridge's books say is locked of the token, in its smallest unit");
    describe_gauge!(BRIDGE_MINTED, "Supply of a token that the bridge mints, in its smallest unit");
}

fn owned(text: &str) -> String {
    text.to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; figures for people may lose digits")]
fn float(value: u64) -> f64 {
    value as f64
}

pub(crate) fn queue(lane: &str, stage: &str, depth: u64, oldest_age_s: u64) {
    gauge!(QUEUE_DEPTH, "lane" => owned(lane), "stage" => owned(stage)).set(float(depth));
    gauge!(QUEUE_OLDEST, "lane" => owned(lane), "stage" => owned(stage)).set(float(oldest_age_s));
}

pub(crate) fn delivered(lane: &str, count: u64) {
    counter!(DELIVERIES, "lane" => owned(lane)).increment(count);
}

pub(crate) fn retry(lane: &str, reason: &'static str) {
    counter!(RETRIES, "lane" => owned(lane), "reason" => reason).increment(1);
}

pub(crate) fn rpc_calls_per_message(lane: &str, calls: u64, messages: u64) {
    gauge!(RPC_CALLS_PER_MESSAGE, "lane" => owned(lane)).set(float(calls) / float(messages.max(1)));
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; figures for people may lose digits")]
pub(crate) fn wallet_balance(chain: &str, balance: Amount) {
    gauge!(WALLET_BALANCE, "chain" => owned(chain)).set(balance.0 as f64);
}

pub(crate) fn finality_lag(chain: &str, now_ms: u64, head: Timestamp) {
    gauge!(FINALITY_LAG, "chain" => owned(chain)).set(float((now_ms / 1000).saturating_sub(head.0)));
}

pub(crate) fn deals(states: impl Iterator<Item = DealState>) {
    let states: Vec<DealState> = states.collect();
    for state in DEAL_STATES {
        let count = states.iter().filter(|other| **other == state).count();
        gauge!(DEALS, "state" => deal_state(state)).set(float(u64::try_from(count).unwrap_or(u64::MAX)));
    }
}

const fn deal_state(state: DealState) -> &'static str {
    match state {
        DealState::Open => "open",
        DealState::Locking => "locking",
        DealState::Decided => "decided",
        DealState::Certified => "certified",
        DealState::Stalled => "stalled",
        DealState::Settling => "settling",
        DealState::Settled => "settled",
        DealState::Escaped => "escaped",
        DealState::Fault => "fault",
    }
}

pub(crate) fn dead_letters(lane: &str, count: u64) {
    gauge!(DEAD_LETTERS, "lane" => owned(lane)).set(float(count));
}

pub(crate) fn lane_halted(chain: &str, halted: bool) {
    gauge!(LANE_HALTED, "chain" => owned(chain)).set(float(u64::from(halted)));
}

pub(crate) fn supply_violation(chain: &str, token: &str, violated: bool) {
    let violated = float(u64::from(violated));
    gauge!(SUPPLY_VIOLATION, "chain" => owned(chain), "token" => owned(token)).set(violated);
}

pub(crate) fn supply_compared_age(chain: &str, age_ms: u64) {
    gauge!(SUPPLY_COMPARED_AGE, "chain" => owned(chain)).set(float(age_ms / 1000));
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; figures for people may lose digits")]
pub(crate) fn bridge_locked(chain: &str, token: &str, locked: Amount) {
    gauge!(BRIDGE_LOCKED, "chain" => owned(chain), "token" => owned(token)).set(locked.0 as f64);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; figures for people may lose digits")]
pub(crate) fn bridge_minted(chain: &str, token: &str, minted: Amount) {
    gauge!(BRIDGE_MINTED, "chain" => owned(chain), "token" => owned(token)).set(minted.0 as f64);
}
