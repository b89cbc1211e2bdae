//! A burst of messages from one chain of a devnet to the other, on this machine with everything else.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use super::{
    arrivals::{self, Arrivals},
    devnet::{Devnet, Nodes},
    figures,
    report::Report,
    sender::{BATCH, SENDER, Sender},
};

const MESSAGES: usize = 5_000;
const WITHIN: Duration = Duration::from_secs(180);
const WARM_WITHIN: Duration = Duration::from_secs(60);

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let devnet = Devnet::start(Nodes::AsShipped).await?;
    let (source, target) = (&devnet.eth, &devnet.bsc);
    let mut sender = Sender::new(source, target, SENDER).await?;
    // The first message begins storage slots and connections.
    let mut warm = Arrivals::from_now(target).await?;
    sender.send(1).await?;
    warm.until(1, WARM_WITHIN).await?;

    let mut arrivals = Arrivals::from_now(target).await?;
    let first_block = source.rpc.height().await? + 1;
    let started = Instant::now();
    let sending = async {
        for _ in 0..MESSAGES / BATCH {
            sender.send(BATCH).await?;
        }
        Ok::<_, anyhow::Error>(started.elapsed())
    };
    let (sent_within, ()) = tokio::try_join!(sending, arrivals.until(MESSAGES, WITHIN))?;
    let memory = devnet.memory()?;
    arrivals.are_exactly(&arrivals::sent(source, first_block, source.rpc.height().await?).await?)?;

    let took = arrivals.at(MESSAGES).context("all have arrived")?.duration_since(started);
    let detail = json!({
        "messages": MESSAGES, "seconds": took.as_secs_f64(), "sending_took_s": sent_within.as_secs_f64(),
        "relayer_peak_mb": memory.peak, "arrivals": timeline(&arrivals, started),
    });
    report.add(figures::BURST, MESSAGES as f64 / took.as_secs_f64(), detail);
    report.add(figures::BURST_MIDDLE, middle(&arrivals)?, json!({}));
    Ok(())
}

/// Messages a second without the tenth that arrives first and the tenth that arrives last.
fn middle(arrivals: &Arrivals<'_>) -> Result<f64> {
    let tenth = MESSAGES / 10;
    let reached = |count| arrivals.timeline.iter().find(|(_, arrived)| *arrived >= count).copied();
    let (from, first) = reached(tenth).context("a tenth has arrived")?;
    let (to, last) = reached(MESSAGES - tenth).context("nine tenths have arrived")?;
    // Everything between may have come in one block.
    let seconds = to.duration_since(from).max(Duration::from_millis(500)).as_secs_f64();
    Ok((last - first).max(1) as f64 / seconds)
}

/// Seconds since the first send, and how many had arrived.
fn timeline(arrivals: &Arrivals<'_>, started: Instant) -> Vec<(f64, usize)> {
    let since = |(when, arrived): &(Instant, usize)| (when.duration_since(started).as_secs_f64(), *arrived);
    arrivals.timeline.iter().map(since).collect()
}
