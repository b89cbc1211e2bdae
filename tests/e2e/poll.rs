//! Waiting for what takes time.

use std::{future::Future, time::Duration};

use anyhow::{Result, anyhow};
use tokio::time::{Instant, sleep};

const PAUSE: Duration = Duration::from_millis(250);

/// Looks again and again until there is something. Failures of a look are waited out, and the last one is named.
pub(crate) async fn until<T, F, Fut>(what: &str, within: Duration, mut look: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let end = Instant::now() + within;
    loop {
        let last = match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if Instant::now() > end {
            let why = last.map_or_else(String::new, |error| format!("; the last look failed: {error:#}"));
            return Err(anyhow!("{what}: not within {} s{why}", within.as_secs()));
        }
        sleep(PAUSE).await;
    }
}
