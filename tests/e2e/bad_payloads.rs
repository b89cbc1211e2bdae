//! Payloads that fail block nobody: others arrive, they become dead letters, and nothing of them is lost.

use std::time::Duration;

use alloy::primitives::{Address, B256, address};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    bytecode::{BURNS, REVERTS, TAKES, creation},
    chain::Chain,
    command::{Kind, list, number, says, text},
    devnet::Devnet,
    messages::{SENDER, message_in},
    poll::until,
};

const ARRIVE_MAX: Duration = Duration::from_secs(60);
const DEAD_MAX: Duration = Duration::from_secs(120);
/// Deterministic failures before a message is given up.
const TRIES: u64 = 3;
/// An account without code, which cannot be called.
const NOBODY: Address = address!("00000000000000000000000000000000c0ffee00");

pub(crate) async fn become_dead_letters(devnet: &Devnet) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    let (reverts, burns) = (bsc.deploy(SENDER, creation(REVERTS)).await?, bsc.deploy(SENDER, creation(BURNS)).await?);
    let inbox = bsc.contract("inbox")?;
    let ids = eth.send_messages(SENDER, bsc, &[inbox, reverts, inbox, burns, inbox, NOBODY, inbox]).await?;
    let [good_1, reverting, good_2, burning, good_3, homeless, good_4] = ids[..] else {
        anyhow::bail!("seven messages were sent, not {}", ids.len())
    };
    bsc.receives_once(&[good_1, good_2, good_3, good_4], ARRIVE_MAX).await?;
    let mut letters = Vec::new();
    for id in [reverting, burning, homeless] {
        letters.push(dead_letter(devnet, id).await?);
    }
    ensure!(bsc.deliveries().await?.keys().all(|id| ![reverting, burning, homeless].contains(id)), "a failure counts");

    // Once the recipients take messages, both ways of trying again deliver.
    for recipient in [reverts, burns] {
        bsc.ask::<Value>("anvil_setCode", json!([recipient, alloy::primitives::hex::encode_prefixed(TAKES)])).await?;
    }
    devnet.cli.ok(&["dlq", "redrive", &letters[0]]).await?;
    devnet.cli.ok(&["messages", "retry", &burning.to_string()]).await?;
    for id in [reverting, burning] {
        message_in(devnet, id, "delivered").await?;
        once(bsc, id).await?;
    }
    devnet.cli.ok(&["dlq", "drop", &letters[2]]).await?;
    let left = devnet.cli.ok(&["dlq", "list"]).await?;
    ensure!(list(&left)?.is_empty(), "dead letters are left: {left}");
    let said = devnet.cli.refused(&["dlq", "redrive", &letters[2]], Kind::Refused).await?;
    says(&said, &["no dead letter"])
}

/// Waits for the dead letter of a message and looks at it from every side.
async fn dead_letter(devnet: &Devnet, id: B256) -> Result<String> {
    let letter = until(&format!("message {id} is a dead letter"), DEAD_MAX, || async {
        let letters = devnet.cli.ok(&["dlq", "list"]).await?;
        let of_message = |letter: &&Value| letter["id"].as_str().is_some_and(|text| text.contains(&id.to_string()));
        Ok(list(&letters)?.iter().find(of_message).cloned())
    })
    .await?;
    let name = text(&letter["id"])?;
    ensure!(number(&letter["attempts"])? == TRIES, "it died after {} tries, not {TRIES}", letter["attempts"]);
    ensure!(!text(&letter["reason"])?.is_empty(), "a dead letter has a reason: {letter}");
    let detail = devnet.cli.ok(&["dlq", "show", &name]).await?;
    ensure!(!detail["content"].is_null(), "a dead letter keeps what it needs: {detail}");
    let shown = devnet.cli.ok(&["messages", "show", &id.to_string()]).await?;
    ensure!(shown["state"] == "certified", "a dead letter stays deliverable, but is {}", shown["state"]);
    let jobs = list(&shown["relayer"])?;
    ensure!(jobs.len() == 1 && jobs[0]["state"] == "dead", "the relayer's part is {jobs:?}");
    ensure!(shown["manual"].is_object(), "a dead letter can be delivered by hand: {shown}");
    Ok(name)
}

async fn once(chain: &Chain, id: B256) -> Result<()> {
    let deliveries = chain.deliveries().await?;
    let count = deliveries.get(&id).context("it was not delivered")?;
    ensure!(*count == 1, "message {id} was delivered {count} times");
    Ok(())
}
