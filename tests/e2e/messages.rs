//! Messages, by the command line and by other programs.

use std::time::Duration;

use alloy::primitives::B256;
use anyhow::{Result, ensure};
use serde_json::Value;

use super::{
    chain::Chain,
    command::{list, text},
    devnet::{BSC, Devnet, ETH},
    poll::until,
};

/// Messages each way, one of them by the command line.
const EACH_WAY: usize = 20;
const ARRIVE_MAX: Duration = Duration::from_secs(90);
/// Development keys that send for tests, one for each direction.
pub(crate) const SENDER: u32 = 5;
pub(crate) const SENDER_BACK: u32 = 6;

/// Waits for a message's state and returns the message as `messages show` has it.
pub(crate) async fn message_in(devnet: &Devnet, id: B256, state: &str) -> Result<Value> {
    let id = id.to_string();
    until(&format!("message {id} is {state}"), ARRIVE_MAX, || async {
        let shown = devnet.cli.ok(&["messages", "show", &id]).await?;
        Ok((shown["state"] == state).then_some(shown))
    })
    .await
}

/// Twenty messages each way arrive once each, and the hub learns of it.
pub(crate) async fn arrive_both_ways(devnet: &Devnet) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    let (there, back) =
        tokio::try_join!(one_way(devnet, "alice", SENDER, eth, bsc), one_way(devnet, "bob", SENDER_BACK, bsc, eth))?;
    for id in [there, back] {
        let shown = message_in(devnet, id, "delivered").await?;
        ensure!(shown["message"]["payload"] == "0x1234", "the payload is {}", shown["message"]["payload"]);
    }
    let listed = devnet.cli.ok(&["messages", "list", "--from", ETH, "--to", BSC, "--limit", "1000"]).await?;
    ensure!(list(&listed)?.len() >= EACH_WAY, "`messages list` has {} messages", list(&listed)?.len());
    Ok(())
}

/// Returns the id of the message that the command line sent.
async fn one_way(devnet: &Devnet, who: &str, key: u32, source: &Chain, target: &Chain) -> Result<B256> {
    let args = ["send", "--as", who, "--from", &source.name, "--to", &target.name, "--payload", "0x1234"];
    let sent = devnet.cli.ok(&args).await?;
    let id: B256 = text(&sent["id"])?.parse()?;
    let inbox = target.contract("inbox")?;
    let mut ids = source.send_messages(key, target, &[inbox; EACH_WAY - 1]).await?;
    ids.push(id);
    target.receives_once(&ids, ARRIVE_MAX).await?;
    Ok(id)
}
