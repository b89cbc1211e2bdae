//! `hub status`.

use anyhow::Context;
use infrastrukt_api::{HubApiClient, HubStatus};
use jsonrpsee::http_client::HttpClientBuilder;
use std::time::Duration;

use super::{CODE_UNREACHABLE, DEFAULT_URL, Failure};

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct StatusArgs {
    /// The hub's JSON-RPC interface
    #[arg(long, default_value = DEFAULT_URL)]
    url: String,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn status(args: &StatusArgs) -> Result<(), Failure> {
    let status = ask(&args.url).await.map_err(|error| Failure::new(CODE_UNREACHABLE, error))?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&status).map_err(Failure::refused)?);
    } else {
        show(&status);
    }
    Ok(())
}

async fn ask(url: &str) -> anyhow::Result<HubStatus> {
    let client = HttpClientBuilder::default().request_timeout(TIMEOUT).build(url)?;
    client.status().await.with_context(|| format!("the hub at {url} does not answer"))
}

fn show(status: &HubStatus) {
    println!("{} (hub {}), version {}", status.name, status.hub_id, status.version);
    println!("height {} at time {}, {} entries waiting", status.height, status.time, status.pending);
    println!("epoch {} until {}", status.epoch, status.epoch_expires_at);
    for member in status.validators.members() {
        let hosted = status.hosted.iter().find(|hosted| hosted.address == member.address);
        let state = hosted.map_or("elsewhere".to_owned(), |hosted| match &hosted.halted {
            Some(reason) => format!("STOPPED at {}: {reason}", hosted.height),
            None => format!("here, height {}", hosted.height),
        });
        println!("  validator {} weight {}: {state}", member.address, member.weight);
    }
    for chain in &status.chains {
        let state = chain.frozen.as_ref().map_or("ok".to_owned(), |why| format!("FROZEN: {why}"));
        println!("  chain {}: {state}", chain.name);
    }
}
