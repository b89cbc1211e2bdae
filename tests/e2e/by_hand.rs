//! Anyone delivers: what `messages show` prints is all that `cast send` needs. The relayer, which had the same message
//! under way, takes it for success.

use std::time::Duration;

use alloy::primitives::{B256, hex};
use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use super::{
    chain::{Chain, dev_key},
    command::{list, text},
    devnet::{Devnet, ETH},
    messages::{SENDER_BACK, message_in},
    poll::until,
};

/// The development key of the person who delivers.
const PERSON: u32 = 7;
const CAST_MAX: Duration = Duration::from_secs(60);
const ARRIVE_MAX: Duration = Duration::from_secs(60);

pub(crate) async fn delivered(devnet: &Devnet) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    // Without new blocks the relayer cannot be faster, however far it has come.
    mining(eth, 0).await?;
    let outcome = while_nothing_is_mined(devnet, eth, bsc).await;
    mining(eth, 1).await?;
    devnet.signal(Signal::SIGCONT)?;
    let id = outcome?;

    message_in(devnet, id, "delivered").await?;
    // The relayer's own transaction was lost and its message is there: both must heal without a trace.
    let next = bsc.send_messages(SENDER_BACK, eth, &[eth.contract("inbox")?]).await?;
    eth.receives_once(&[&next[..], &[id]].concat(), ARRIVE_MAX).await?;
    let dead = devnet.cli.ok(&["dlq", "list"]).await?;
    let is_dead =
        list(&dead)?.iter().any(|letter| letter["id"].as_str().is_some_and(|text| text.contains(&id.to_string())));
    ensure!(!is_dead, "a message delivered by hand became a dead letter: {dead}");
    Ok(())
}

async fn mining(chain: &Chain, interval_s: u64) -> Result<()> {
    chain.ask::<Value>("evm_setIntervalMining", json!([interval_s])).await.map(drop)
}

/// Sends a message, takes its call from `messages show`, and makes that call while the relayer stands still.
async fn while_nothing_is_mined(devnet: &Devnet, eth: &Chain, bsc: &Chain) -> Result<B256> {
    let sent = bsc.send_messages(SENDER_BACK, eth, &[eth.contract("inbox")?]).await?;
    let id = *sent.first().context("one message was sent")?;
    let manual = until("the certified message has a call by hand", ARRIVE_MAX, || async {
        let shown = devnet.cli.ok(&["messages", "show", &id.to_string()]).await?;
        Ok((shown["state"] == "certified" && shown["manual"].is_object()).then(|| shown["manual"].clone()))
    })
    .await?;
    ensure!(manual["chain"] == ETH, "the call is for {}", manual["chain"]);
    devnet.signal(Signal::SIGSTOP)?;
    eth.ask::<Value>("anvil_dropAllTransactions", json!([])).await?;
    mining(eth, 1).await?;
    cast(devnet, eth, &manual).await?;
    eth.receives_once(&[id], ARRIVE_MAX).await?;
    Ok(id)
}

/// `cast send` with the parts that were printed, and a key that anvil published.
async fn cast(devnet: &Devnet, chain: &Chain, manual: &Value) -> Result<()> {
    let (to, data, value) = (text(&manual["to"])?, text(&manual["data"])?, text(&manual["value"])?);
    let command = text(&manual["command"])?;
    ensure!(command.starts_with("cast send") && command.contains(&data), "the command is `{command}`");
    ensure!(text(&manual["function"])?.starts_with("deliver("), "the function is {}", manual["function"]);
    let key = hex::encode_prefixed(dev_key(PERSON)?.to_bytes());
    let mut cast = Command::new(&devnet.programs.cast);
    cast.args(["send", "--rpc-url", &chain.rpc, "--private-key", &key, "--value", &value, &to, &data]);
    let output = timeout(CAST_MAX, cast.kill_on_drop(true).output()).await.context("cast does not end")??;
    ensure!(output.status.success(), "cast failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
