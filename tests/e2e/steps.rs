//! Runs the steps of one devnet and collects what failed.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use anyhow::Result;
use tokio::time::Instant;

use super::devnet::Devnet;

/// Words of which a step's name must contain one, separated by commas; everything runs where it is not set.
const FILTER: &str = "INFRASTRUKT_E2E_STEPS";

/// The steps of one devnet.
pub(crate) struct Steps {
    failures: Mutex<Vec<String>>,
    words: Option<Vec<String>>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        let words = std::env::var(FILTER).ok();
        let words = words.map(|text| text.split(',').map(|word| word.trim().to_owned()).collect());
        Self { failures: Mutex::default(), words }
    }

    /// What every step needs, or the end of the test with the reason.
    pub(crate) fn started<T>(&self, needed: Result<T>) -> T {
        needed.unwrap_or_else(|error| panic!("the devnet does not start: {error:#}"))
    }

    /// Runs one step and says how it went.
    pub(crate) async fn run(&self, name: &str, step: impl Future<Output = Result<()>>) {
        if self.words.as_ref().is_some_and(|words| !words.iter().any(|word| name.contains(word.as_str()))) {
            return;
        }
        let started = Instant::now();
        let outcome = step.await;
        let seconds = started.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => println!("{seconds:>7.1}s  ok    {name}"),
            Err(error) => {
                println!("{seconds:>7.1}s  FAIL  {name}: {error:#}");
                self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{name}: {error:#}"));
            }
        }
    }

    /// Ends the devnet; fails the test if any step did, and keeps the data directory for a look.
    pub(crate) async fn finish(self, devnet: Devnet) {
        let failures = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        let dir = devnet.end(!failures.is_empty()).await;
        assert!(failures.is_empty(), "{} steps failed; logs are in {}\n{}", failures.len(), dir, failures.join("\n"));
    }
}
