//! Messages between an EVM chain and Solana under way while parts of the system are stopped, killed or answered wrongly:
//! every one arrives, and once.

use std::time::Duration;

use alloy::primitives::B256;
use anyhow::{Result, ensure};

use super::{
    devnet::{Devnet, ETH},
    load::{Blow, strike},
    messages::SENDER,
    people::Person,
    poll::until,
    solana::{send, wire_id},
    svm::account_bytes,
};

/// Messages to Solana in one wave, of which there are some before the blow and some after it.
const WAVE: usize = 10;
/// Messages from Solana before the blow and again after it: each is a command that waits for its block.
const BACK: usize = 4;
const FIRST_MAX: Duration = Duration::from_secs(60);
const ALL_MAX: Duration = Duration::from_secs(180);

/// Ids of messages by direction.
#[derive(Default)]
pub(crate) struct Sent {
    there: Vec<B256>,
    back: Vec<B256>,
}

impl Sent {
    /// Sends a wave each way; `tag` keeps the payloads of waves apart.
    pub(crate) async fn wave(&mut self, devnet: &Devnet, who: &Person, tag: u8) -> Result<()> {
        let (eth, sol) = (devnet.both()?.0, devnet.solana()?);
        let (target, recipient) = (wire_id(devnet, &sol.name).await?, account_bytes(&who.solana)?);
        self.there.extend(eth.send_to(SENDER, target, &[recipient; WAVE]).await?);
        for place in 0..BACK {
            let payload = format!("0x{tag:02x}{place:02x}");
            self.back.push(send(devnet, who, &sol.name, ETH, &payload).await?);
        }
        Ok(())
    }

    /// How many of them are there already.
    async fn delivered(&self, devnet: &Devnet) -> Result<usize> {
        let (at_sol, at_eth) = (devnet.solana()?.deliveries().await?, devnet.both()?.0.deliveries().await?);
        let there = self.there.iter().filter(|id| at_sol.contains_key(*id)).count();
        Ok(there + self.back.iter().filter(|id| at_eth.contains_key(*id)).count())
    }

    /// Waits for all, and fails where one came twice.
    pub(crate) async fn arrive(&self, devnet: &Devnet) -> Result<()> {
        let (eth, sol) = (devnet.both()?.0, devnet.solana()?);
        tokio::try_join!(sol.receives_once(&self.there, ALL_MAX), eth.receives_once(&self.back, ALL_MAX)).map(drop)
    }

    /// The same, and fails where one became a dead letter.
    pub(crate) async fn arrive_once(&self, devnet: &Devnet) -> Result<()> {
        self.arrive(devnet).await?;
        let dead = devnet.cli.ok(&["dlq", "list"]).await?;
        ensure!(dead.as_array().is_some_and(Vec::is_empty), "dead letters are left: {dead}");
        Ok(())
    }
}

pub(crate) async fn survives(devnet: &mut Devnet, who: &Person, blow: Blow, tag: u8) -> Result<()> {
    let (slot, coins) = (devnet.solana()?.slot().await?, devnet.solana()?.lamports(&who.solana).await?);
    let mut sent = Sent::default();
    sent.wave(devnet, who, tag).await?;
    until("the first message arrives", FIRST_MAX, || async { Ok((sent.delivered(devnet).await? > 0).then_some(())) })
        .await?;
    strike(devnet, blow).await?;
    // The node goes on where it was: no slot a second time, no balance from before.
    let sol = devnet.solana()?;
    ensure!(sol.slot().await? > slot, "slots go back: {slot} before");
    ensure!(sol.lamports(&who.solana).await? < coins, "the fees of the first wave are forgotten");
    sent.wave(devnet, who, tag + 1).await?;
    sent.arrive_once(devnet).await
}
