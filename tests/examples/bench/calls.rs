//! Calls to the chains' nodes for each message, while messages come at a steady pace both ways.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{
    devnet::{Devnet, Nodes},
    figures,
    report::Report,
    sender::{SENDER, SENDER_BACK, Sender},
    wait::{Patience, until},
};

/// Five messages each way every fifth of a second: fifty a second.
const EACH_WAY: usize = 5;
const EVERY: Duration = Duration::from_millis(200);
const TURNS: usize = 200;
/// How long the relayer is watched without messages, to show what it asks anyway.
const IDLE: Duration = Duration::from_secs(10);
const ALL_DELIVERED: Patience = Patience::seconds(120);

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let devnet = Devnet::start(Nodes::AsShipped).await?;
    let mut there = Sender::new(&devnet.eth, &devnet.bsc, SENDER).await?;
    let mut back = Sender::new(&devnet.bsc, &devnet.eth, SENDER_BACK).await?;
    let before = devnet.calls().await?;
    sleep(IDLE).await;
    let idle = (devnet.calls().await? - before) / IDLE.as_secs_f64();

    let (calls, delivered) = (devnet.calls().await?, devnet.delivered().await?);
    let mut turn = interval(EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..TURNS {
        turn.tick().await;
        tokio::try_join!(there.send(EACH_WAY), back.send(EACH_WAY))?;
    }
    let messages = (2 * EACH_WAY * TURNS) as f64;
    // Its own count of final deliveries, since calls go on until a delivery is final.
    until("all deliveries are final", ALL_DELIVERED, || async {
        let fresh = devnet.delivered().await? - delivered;
        Ok((fresh >= messages).then_some(()))
    })
    .await?;
    let spent = devnet.calls().await? - calls;
    let detail = json!({ "messages": messages, "calls": spent, "idle_calls_a_second": idle });
    report.add(figures::CALLS, spent / messages, detail);
    Ok(())
}
