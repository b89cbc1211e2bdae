//! Waiting for what takes time.

use std::{future::Future, time::Duration};

use anyhow::{Result, anyhow};
use tokio::time::{Instant, sleep};

/// How long, and how often to look meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) within: Duration,
    pub(crate) pause: Duration,
}

impl Patience {
    /// For something that ends within seconds or minutes.
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self { within: Duration::from_secs(seconds), pause: Duration::from_millis(100) }
    }

    /// Looks more often.
    pub(crate) const fn every_ms(self, ms: u64) -> Self {
        Self { pause: Duration::from_millis(ms), ..self }
    }
}

/// Looks again and again until there is something. Failures of a look are waited out, and the last one is named.
pub(crate) async fn until<T, F, Fut>(what: &str, patience: Patience, mut look: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let end = Instant::now() + patience.within;
    loop {
        let last = match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if Instant::now() > end {
            let why = last.map_or_else(String::new, |error| format!("; the last look failed: {error:#}"));
            return Err(anyhow!("{what}: not within {} s{why}", patience.within.as_secs()));
        }
        sleep(patience.pause).await;
    }
}
