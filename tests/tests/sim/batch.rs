//! Many runs, on all processors, and what they come to.

use infrastrukt_sim::FaultCounts;
use std::{
    fmt,
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    check::Sums,
    run::{self, Outcome},
};

/// Broken runs that are reported in full.
const REPORTED_MAX: usize = 10;

/// What a batch injects, if it is long enough.
pub(crate) const KINDS: [&str; 35] = [
    "censorship",
    "chain halt",
    "chain time skew",
    "clock skew",
    "crash before a write",
    "crash behind a write",
    "dead endpoint",
    "delivery that reverts",
    "disk stops",
    "double claim",
    "dropped broadcast",
    "dropped message",
    "duplicated message",
    "equivocation",
    "failed call",
    "failed write",
    "false attestation",
    "finality stall",
    "forged certificate",
    "forged evidence",
    "full disk",
    "hub stops for ever",
    "kill",
    "lie",
    "partition",
    "payout that reverts",
    "picky payee",
    "reordered message",
    "reorg",
    "rotation",
    "silent validator",
    "stale answer",
    "torn write",
    "underpriced transaction",
    "write to a stopped disk",
];

/// Everything that a batch of runs came to.
#[derive(Default)]
pub(crate) struct Total {
    runs: u64,
    pub(crate) faults: FaultCounts,
    pub(crate) broken: Vec<Outcome>,
    sums: Sums,
    actions: u64,
    simulated_ms: u64,
    took: Duration,
}

impl Total {
    fn add(&mut self, outcome: Outcome) {
        self.runs += 1;
        for (kind, count) in &outcome.faults {
            *self.faults.entry(*kind).or_default() += count;
        }
        self.sums.add(outcome.sums);
        self.actions += outcome.actions;
        self.simulated_ms += outcome.elapsed_ms;
        if !outcome.broken.is_empty() {
            self.broken.push(outcome);
        }
    }

    fn fault_count(&self) -> u64 {
        self.faults.values().sum()
    }
}

/// The faults by kind, the broken runs with the way to repeat them, and a line that sums it all up.
impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count) in &self.faults {
            writeln!(f, "{count:>12}  {kind}")?;
        }
        for outcome in self.broken.iter().take(REPORTED_MAX) {
            let seed = outcome.seed;
            writeln!(f, "seed {seed} is broken; to repeat it: SIM_TRACE=1 make sim SEEDS=1 SEED_START={seed}")?;
            outcome.broken.iter().try_for_each(|what| writeln!(f, "    {what}"))?;
        }
        let Sums { delivered, given_back, committed, aborted, escaped } = self.sums;
        write!(
            f,
            "{} seeds, {} faults of {} kinds, {} actions in {} simulated hours: {delivered} messages delivered, \
             {given_back} given back, {committed} deals committed, {aborted} aborted, {escaped} escaped; {} seeds \
             broken; {} s",
            self.runs,
            self.fault_count(),
            self.faults.len(),
            self.actions,
            self.simulated_ms / 3_600_000,
            self.broken.len(),
            self.took.as_secs(),
        )
    }
}

/// Runs so many seeds from one on.
pub(crate) fn storms(start: u64, seeds: u64) -> Total {
    let (next, total) = (AtomicU64::new(start), Mutex::new(Total::default()));
    let end = start.saturating_add(seeds);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let outcome = run::stormy(seed);
            total.lock().unwrap_or_else(PoisonError::into_inner).add(outcome);
        }
    };
    let began = Instant::now();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    total.broken.sort_by_key(|outcome| outcome.seed);
    total.took = began.elapsed();
    total
}
