//! `make bench`: what every operation costs on a real node, beside the target and the best of the peers.
//!
//! Gas is `gasUsed` of mined transactions, the median of several, on an anvil node under Osaka rules. Calls are built by
//! the product's own adapter, so that they are what it sends. Exit code 1 where a target is missed; everything measured
//! goes to `bench.json` in the target folder.

mod chain;
mod gas;
mod hub;
mod rates;
mod report;

use std::process::ExitCode;

use anyhow::Result;

use report::Report;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let bench = chain::Bench::start().await?;
    println!("measuring gas on anvil, chain {}", bench.chain_id());
    let mut report = Report::default();
    gas::measure(&bench, &mut report).await?;
    println!("measuring rates, one thread, {} build", report::PROFILE);
    rates::measure(&bench, &mut report).await?;
    report.print();
    println!("written to {}", report.write()?.display());
    Ok(if report.is_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
