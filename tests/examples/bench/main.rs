//! `make bench`: everything that has a limit, measured on real nodes, beside the limit and the best of the peers.
//!
//! Gas is `gasUsed` of mined transactions, the median of several, under Osaka rules; calls are built by the product's
//! own adapter. Speed is measured on devnets that `relayer start --devnet` starts: this program, both nodes, the hub and
//! the relayer share one machine. Exit code 1 where a limit is missed or a part failed; everything measured goes to
//! `bench.json` in the target folder. `INFRASTRUKT_BENCH=gas,burst` runs the named parts alone.

mod arrivals;
mod backlog;
mod burst;
mod calls;
mod chain;
mod devnet;
mod figures;
mod gas;
mod hub;
mod hyperlane;
mod latency;
mod memory;
mod pace;
mod programs;
mod proofs;
mod queue;
mod report;
mod rpc;
mod sender;
mod wait;

use std::process::ExitCode;

use anyhow::{Result, bail};

use report::Report;

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Gas of every operation, and proofs of the receipts it left.
    Gas,
    /// Batches of the durable queues.
    Queue,
    /// Messages a second.
    Burst,
    /// Seconds of single messages.
    Latency,
    /// Calls to nodes for each message.
    Calls,
    /// Memory and restart with many messages queued.
    Backlog,
    /// The same burst, smaller, by a peer's relayer.
    Hyperlane,
}

impl Part {
    /// In this order: the peer's ratio needs our burst.
    const ALL: [Self; 7] =
        [Self::Gas, Self::Queue, Self::Burst, Self::Latency, Self::Calls, Self::Backlog, Self::Hyperlane];

    const fn name(self) -> &'static str {
        match self {
            Self::Gas => "gas",
            Self::Queue => "queue",
            Self::Burst => "burst",
            Self::Latency => "latency",
            Self::Calls => "calls",
            Self::Backlog => "backlog",
            Self::Hyperlane => "hyperlane",
        }
    }

    async fn measure(self, report: &mut Report) -> Result<()> {
        match self {
            Self::Gas => {
                let bench = chain::Bench::start().await?;
                gas::measure(&bench, report).await?;
                proofs::measure(&bench, report).await
            }
            Self::Queue => queue::measure(report),
            Self::Burst => burst::measure(report).await,
            Self::Latency => latency::measure(report).await,
            Self::Calls => calls::measure(report).await,
            Self::Backlog => backlog::measure(report).await,
            Self::Hyperlane => hyperlane::measure(report).await,
        }
    }
}

/// The parts that the environment asks for; all where it asks for none.
fn wanted() -> Result<Vec<Part>> {
    let named = std::env::var("INFRASTRUKT_BENCH").unwrap_or_default();
    let names: Vec<&str> = named.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let all = Part::ALL.map(Part::name);
    if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
        bail!("INFRASTRUKT_BENCH names `{unknown}`: use some of {}", all.join(", "));
    }
    Ok(Part::ALL.into_iter().filter(|part| names.is_empty() || names.contains(&part.name())).collect())
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut report = Report::default();
    for part in wanted()? {
        println!("==> {}", part.name());
        let outcome = part.measure(&mut report).await;
        report.close(part.name(), outcome);
    }
    report.print();
    println!("written to {}", report.write()?.display());
    Ok(if report.is_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
