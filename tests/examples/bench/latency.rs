//! Seconds from the block that holds a single message to the block that delivers it.
//!
//! No system can be faster than the source's finality and one block each of the hub and the target. Both chains' block
//! times and the finality are measured while the messages travel.

use std::{
    cell::Cell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::time::sleep;

use super::{
    arrivals::{self, Arrivals},
    devnet::{Devnet, Node, Nodes},
    figures::{self, Figure, Limit},
    report::Report,
    rpc::{Log, Rpc},
    sender::{SENDER, SENDER_BACK, Sender},
};

/// Messages each way.
const MESSAGES: usize = 100;
/// Pause between two of them: no multiple of a block time, so that they meet every phase of a block.
const PAUSE: Duration = Duration::from_millis(730);
const WITHIN: Duration = Duration::from_secs(60);
/// Pause between two looks at a chain's height: the error of every time here.
const LOOK: Duration = Duration::from_millis(20);
/// The interval at which the hub makes blocks while entries wait: `consensus.block_interval_ms` where nothing is set.
const HUB_BLOCK_S: f64 = 0.2;
/// What the limit allows beside the lower bound, at the median and at the 99th percentile.
const P50_FACTOR: f64 = 1.1;
const P99_FACTOR: f64 = 1.5;
/// Looks at how far the final block is behind.
const DEPTH_LOOKS: usize = 5;

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let devnet = Devnet::start(Nodes::AsShipped).await?;
    let (eth, bsc) = (&devnet.eth, &devnet.bsc);
    let mut there = Sender::new(eth, bsc, SENDER).await?;
    let mut back = Sender::new(bsc, eth, SENDER_BACK).await?;
    let (mut at_bsc, mut at_eth) = (Arrivals::from_now(bsc).await?, Arrivals::from_now(eth).await?);
    let is_over = Cell::new(false);
    let travel = async {
        for _ in 0..MESSAGES {
            tokio::try_join!(there.send(1), back.send(1))?;
            sleep(PAUSE).await;
        }
        tokio::try_join!(at_bsc.until(MESSAGES, WITHIN), at_eth.until(MESSAGES, WITHIN))?;
        is_over.set(true);
        Ok::<_, anyhow::Error>(())
    };
    let (eth_heads, bsc_heads, ()) =
        tokio::try_join!(Heads::watch(&eth.rpc, &is_over), Heads::watch(&bsc.rpc, &is_over), travel)?;
    let (eth_seen, bsc_seen) = (Side { node: eth, heads: eth_heads }, Side { node: bsc, heads: bsc_heads });
    let figures = [figures::LATENCY_THERE_P50, figures::LATENCY_THERE_P99];
    direction(report, &eth_seen, &bsc_seen, figures).await?;
    let figures = [figures::LATENCY_BACK_P50, figures::LATENCY_BACK_P99];
    direction(report, &bsc_seen, &eth_seen, figures).await
}

/// When which block was first seen.
struct Heads(BTreeMap<u64, Instant>);

impl Heads {
    async fn watch(rpc: &Rpc, is_over: &Cell<bool>) -> Result<Self> {
        let mut seen = BTreeMap::new();
        let mut next = rpc.height().await? + 1;
        while !is_over.get() {
            let head = rpc.height().await?;
            let now = Instant::now();
            while next <= head {
                seen.insert(next, now);
                next += 1;
            }
            sleep(LOOK).await;
        }
        Ok(Self(seen))
    }

    fn first(&self) -> Result<(u64, Instant)> {
        self.0.first_key_value().map(|(block, when)| (*block, *when)).context("blocks were made")
    }

    fn last(&self) -> Result<(u64, Instant)> {
        self.0.last_key_value().map(|(block, when)| (*block, *when)).context("blocks were made")
    }

    /// Mean seconds between two blocks.
    fn interval_s(&self) -> Result<f64> {
        let ((first, from), (last, to)) = (self.first()?, self.last()?);
        ensure!(last > first, "only one block was made");
        Ok(to.duration_since(from).as_secs_f64() / (last - first) as f64)
    }
}

/// One chain and what was seen of it.
struct Side<'a> {
    node: &'a Node,
    heads: Heads,
}

impl Side<'_> {
    /// Blocks from the newest one back to the newest final one.
    async fn finality_blocks(&self) -> Result<u64> {
        let mut depth = u64::MAX;
        for _ in 0..DEPTH_LOOKS {
            // In this order a block in between can only widen the distance.
            let is_final = self.node.rpc.final_height().await?;
            depth = depth.min(self.node.rpc.height().await?.saturating_sub(is_final));
        }
        Ok(depth)
    }
}

async fn direction(report: &mut Report, source: &Side<'_>, target: &Side<'_>, figures: [Figure; 2]) -> Result<()> {
    let latencies = latencies(source, target).await?;
    let finality_s = source.finality_blocks().await? as f64 * source.heads.interval_s()?;
    let target_block_s = target.heads.interval_s()?;
    let bound = finality_s + HUB_BLOCK_S + target_block_s;
    let detail = json!({
        "messages": latencies.len(), "source_finality_s": finality_s, "hub_block_s": HUB_BLOCK_S,
        "target_block_s": target_block_s, "lower_bound_s": bound, "seconds": latencies,
    });
    let [p50, p99] = figures;
    for (figure, percent, factor) in [(p50, 50, P50_FACTOR), (p99, 99, P99_FACTOR)] {
        let figure = figure.limited(Limit::AtMost(factor * bound)).beside("finality + hub + target block", bound);
        report.add(figure, percentile(&latencies, percent)?, detail.clone());
    }
    Ok(())
}

/// Seconds of each message whose blocks were both seen, ascending.
async fn latencies(source: &Side<'_>, target: &Side<'_>) -> Result<Vec<f64>> {
    let (from, to) = (source.heads.first()?.0, source.heads.last()?.0);
    let sent = arrivals::sent(source.node, from, to).await?;
    let (from, to) = (target.heads.first()?.0, target.heads.last()?.0);
    let delivered = arrivals::delivered(target.node, from, to).await?;
    let delivered: BTreeMap<_, _> = delivered.into_iter().map(|log| (log.id, log.block)).collect();
    let seconds = |log: &Log| {
        let left = source.heads.0.get(&log.block)?;
        let arrived = target.heads.0.get(delivered.get(&log.id)?)?;
        Some(arrived.duration_since(*left).as_secs_f64())
    };
    let mut latencies: Vec<f64> = sent.iter().filter_map(seconds).collect();
    ensure!(latencies.len() * 10 >= MESSAGES * 9, "only {} messages were timed", latencies.len());
    latencies.sort_by(f64::total_cmp);
    Ok(latencies)
}

/// The value that this many percent do not exceed.
fn percentile(ascending: &[f64], percent: usize) -> Result<f64> {
    let rank = (ascending.len() * percent).div_ceil(100).max(1);
    ascending.get(rank - 1).copied().context("something was measured")
}
