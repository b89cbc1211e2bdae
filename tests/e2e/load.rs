//! Two hundred messages under way while parts of the system are stopped or killed: every one arrives, and once.

use std::time::Duration;

use alloy::primitives::B256;
use anyhow::{Result, ensure};

use super::{
    devnet::Devnet,
    messages::{SENDER, SENDER_BACK},
    poll::until,
};

/// Messages each way in one wave, and waves before the blow and again after it. A wave takes a block, so that at the
/// blow some messages have arrived, some are under way in every stage, and the last are not even final.
const WAVE: usize = 10;
const WAVES: usize = 5;
const FIRST_MAX: Duration = Duration::from_secs(60);
const ALL_MAX: Duration = Duration::from_secs(150);

/// What happens in the middle of the load.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blow {
    /// Everything is told to end, and started again.
    Stop,
    /// `kill -9` of the process that was started; its children are orphans until the next start ends them.
    KillRelayer,
    /// `kill -9` of the hub, which is then started by hand.
    KillHub,
    /// `kill -9` of the Solana node, which is then started by hand.
    KillSolanaNode,
}

/// Ids of messages by direction.
#[derive(Default)]
struct Sent {
    there: Vec<B256>,
    back: Vec<B256>,
}

impl Sent {
    async fn waves(&mut self, devnet: &Devnet) -> Result<()> {
        let (eth, bsc) = devnet.both()?;
        let (there, back) = ([bsc.contract("inbox")?; WAVE], [eth.contract("inbox")?; WAVE]);
        for _ in 0..WAVES {
            let (there, back) =
                tokio::try_join!(eth.send_messages(SENDER, bsc, &there), bsc.send_messages(SENDER_BACK, eth, &back))?;
            self.there.extend(there);
            self.back.extend(back);
        }
        Ok(())
    }

    /// How many of them are there already.
    async fn delivered(&self, devnet: &Devnet) -> Result<usize> {
        let (eth, bsc) = devnet.both()?;
        let (at_bsc, at_eth) = (bsc.deliveries().await?, eth.deliveries().await?);
        let there = self.there.iter().filter(|id| at_bsc.contains_key(*id)).count();
        Ok(there + self.back.iter().filter(|id| at_eth.contains_key(*id)).count())
    }
}

pub(crate) async fn survives(devnet: &mut Devnet, blow: Blow) -> Result<()> {
    let mut sent = Sent::default();
    sent.waves(devnet).await?;
    let before = until("the first message arrives", FIRST_MAX, || async {
        let delivered = sent.delivered(devnet).await?;
        Ok((delivered > 0).then_some(delivered))
    })
    .await?;
    println!("          {before} of {} had arrived at {blow:?}", 2 * WAVE * WAVES);
    strike(devnet, blow).await?;
    sent.waves(devnet).await?;
    let (eth, bsc) = devnet.both()?;
    tokio::try_join!(bsc.receives_once(&sent.there, ALL_MAX), eth.receives_once(&sent.back, ALL_MAX))?;
    let dead = devnet.cli.ok(&["dlq", "list"]).await?;
    ensure!(dead.as_array().is_some_and(Vec::is_empty), "dead letters are left: {dead}");
    Ok(())
}

pub(crate) async fn strike(devnet: &mut Devnet, blow: Blow) -> Result<()> {
    match blow {
        Blow::Stop => {
            devnet.stop().await?;
            devnet.up().await
        }
        Blow::KillRelayer => {
            devnet.kill_relayer().await?;
            devnet.up().await
        }
        Blow::KillHub => {
            devnet.kill_hub()?;
            devnet.start_hub().await
        }
        Blow::KillSolanaNode => devnet.kill_solana_node().await,
    }
}
