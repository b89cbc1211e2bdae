//! A relayer with a hundred thousand certified messages in its queue: what it holds in memory, and how soon it serves
//! again after `kill -9`.
//!
//! The queue is a real one. The messages are sent, proven and certified one by one while the target chain makes no
//! blocks, so that they pile up before it: the first sixty-four transactions hang in its node, the rest waits in the
//! relayer's book. Only the nodes differ from a devnet's: they write no file of everything they ever saw.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::time::sleep;

use super::{
    devnet::{Devnet, Nodes},
    figures,
    memory::Memory,
    report::Report,
    sender::{BATCH, SENDER, Sender},
};

const QUEUED: f64 = 100_000.0;
/// More than are queued: some are in transactions that hang in the target's node.
const SENT_MAX: usize = 104_000;
/// How far sending may be ahead of the queue, and of the source chain's blocks.
const AHEAD_MAX: f64 = 10_000.0;
const POOL_MAX: u64 = 2_000;
const FILL_MAX: Duration = Duration::from_secs(1_200);
const PAUSE: Duration = Duration::from_millis(100);
/// How often the relayer's memory is looked at once the queue is full, and after its restart.
const LOOKS: u32 = 20;
const LOOK_PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let mut devnet = Devnet::start(Nodes::WithoutStateFile).await?;
    devnet.bsc.rpc.call("evm_setIntervalMining", json!([0])).await?;
    let filling = fill(&devnet).await?;
    let full = held(&devnet).await?;
    let restart = devnet.restart_relayer().await?;
    let restarted = held(&devnet).await?;
    let queued = devnet.queued(&devnet.bsc).await?;
    ensure!(queued >= QUEUED, "only {queued} messages are queued after the restart");

    let detail = json!({
        "queued": queued, "taken_in_mb": full.resident, "after_restart_mb": restarted.resident,
        "peak_while_taking_in_mb": full.peak, "peak_after_restart_mb": restarted.peak,
        "taking_in_took_s": filling.as_secs_f64(),
    });
    report.add(figures::MEMORY, full.resident.max(restarted.resident), detail);
    let detail = json!({ "queued": queued, "until_healthz_s": restart.healthy.as_secs_f64() });
    report.add(figures::RESTART, restart.ready.as_secs_f64(), detail);
    Ok(())
}

/// Sends until enough is queued; returns how long that took.
async fn fill(devnet: &Devnet) -> Result<Duration> {
    let started = Instant::now();
    let mut sender = Sender::new(&devnet.eth, &devnet.bsc, SENDER).await?;
    let mut sent = 0;
    let mut shown = started;
    loop {
        let queued = devnet.queued(&devnet.bsc).await?;
        if queued >= QUEUED {
            return Ok(started.elapsed());
        }
        ensure!(started.elapsed() < FILL_MAX, "{queued} of {sent} messages were queued within {FILL_MAX:?}");
        if shown.elapsed() > Duration::from_secs(30) {
            println!("    {queued} messages queued");
            shown = Instant::now();
        }
        if sent < SENT_MAX && (sent as f64) < queued + AHEAD_MAX && sender.waiting().await? < POOL_MAX {
            sender.send(BATCH).await?;
            sent += BATCH;
        } else {
            sleep(PAUSE).await;
        }
    }
}

/// The most that the relayer holds over some time, as nothing but time goes by.
async fn held(devnet: &Devnet) -> Result<Memory> {
    let mut most = devnet.memory()?;
    for _ in 0..LOOKS {
        sleep(LOOK_PAUSE).await;
        let now = devnet.memory()?;
        most = Memory { resident: most.resident.max(now.resident), peak: most.peak.max(now.peak) };
    }
    Ok(most)
}
