//! What everyone in a run shares: its time, its trace, the count of its faults.

use alloy_primitives::{B256, Keccak256};
use infrastrukt_sim::FaultCounts;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

use crate::time::Timeline;

/// Set to print every action of a run: for looking into a single seed.
const SHOW: &str = "SIM_TRACE";

pub(crate) struct Env {
    pub(crate) time: Arc<Timeline>,
    /// Told whenever somebody's life ends.
    pub(crate) deaths: Notify,
    start_ms: u64,
    is_shown: bool,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    trace: Keccak256,
    actions: u64,
    faults: FaultCounts,
    broken: Vec<String>,
}

/// What is left of a run.
pub(crate) struct Record {
    /// Covers every external action, in order.
    pub(crate) trace: B256,
    pub(crate) actions: u64,
    pub(crate) faults: FaultCounts,
    /// What must never happen and did.
    pub(crate) broken: Vec<String>,
}

impl Env {
    pub(crate) fn new(time: Arc<Timeline>) -> Arc<Self> {
        let (start_ms, is_shown) = (time.now_ms(), std::env::var_os(SHOW).is_some());
        Arc::new(Self { time, deaths: Notify::new(), start_ms, is_shown, notes: Mutex::default() })
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the run began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.time.now_ms() - self.start_ms
    }

    /// Adds an action to the trace.
    pub(crate) fn act(&self, what: &str, values: &[u64]) {
        let now_ms = self.elapsed_ms();
        if self.is_shown {
            println!("{now_ms:>8} {what} {values:?}");
        }
        let mut notes = self.notes();
        notes.actions += 1;
        notes.trace.update(now_ms.to_be_bytes());
        notes.trace.update(what.as_bytes());
        values.iter().for_each(|value| notes.trace.update(value.to_be_bytes()));
    }

    /// Counts a fault, and adds it to the trace.
    pub(crate) fn fault(&self, kind: &'static str) {
        self.add_faults(kind, 1);
        self.act(kind, &[]);
    }

    /// Counts faults that somebody else saw take effect.
    pub(crate) fn add_faults(&self, kind: &'static str, count: u64) {
        *self.notes().faults.entry(kind).or_default() += count;
    }

    /// Notes what must never happen.
    pub(crate) fn violation(&self, what: String) {
        let at_ms = self.elapsed_ms();
        self.notes().broken.push(format!("at {at_ms} ms: {what}"));
    }

    pub(crate) fn record(&self) -> Record {
        let notes = self.notes();
        Record {
            trace: notes.trace.clone().finalize(),
            actions: notes.actions,
            faults: notes.faults.clone(),
            broken: notes.broken.clone(),
        }
    }
}
