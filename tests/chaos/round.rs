//! One round: load, blows in the middle of it, time to recover, judgement.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use tokio::time::{Instant, sleep};

use super::{
    blow::{Blow, Kind},
    dice::Dice,
    judge::{Judge, Verdict},
    lie::Forgery,
    load::{Load, Second},
    world::World,
};

/// Time between the first half of the load and the first blow, in milliseconds.
const LEAD_MS: std::ops::Range<u64> = 200..2_500;
/// How long a blow is left to act, in milliseconds.
const HOLD_MS: std::ops::Range<u64> = 1_000..3_000;
/// The other half of the load comes while the blows fall.
const SECOND_AFTER: Duration = Duration::from_millis(500);
const PART_PAUSE: Duration = Duration::from_millis(1_500);
/// Longest until everything is settled once all is well again.
const SETTLE_MAX: Duration = Duration::from_secs(300);
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// What a round has to do.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) blows: Vec<Blow>,
    pub(crate) messages: u64,
    pub(crate) swaps: usize,
}

/// What came of a round.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Kinds of blows that hit.
    pub(crate) hit: Vec<Kind>,
    pub(crate) verdict: Verdict,
}

/// Plays one round. The verdict on messages is about all so far, that on swaps about this round's.
pub(crate) async fn play(
    world: &mut World,
    load: &mut Load,
    judge: &mut Judge,
    dice: &mut Dice,
    task: &Task,
) -> Result<Report> {
    let known = load.swaps.len();
    let second = load.begin(dice, task.messages, task.swaps).await.context("the load does not begin")?;
    let forgeries: Vec<Option<Forgery>> = task.blows.iter().map(|blow| load.forgery(blow.side)).collect();
    let lead = dice.pause(LEAD_MS);
    let holds: Vec<Duration> = task.blows.iter().map(|_| dice.pause(HOLD_MS)).collect();
    let over = AtomicBool::new(false);
    let struck = async {
        sleep(lead).await;
        let hit = strike(world, &task.blows, &forgeries, &holds).await;
        over.store(true, Ordering::Release);
        hit
    };
    // The load goes on to its end whatever becomes of the blows: half of it cut off would look like a loss.
    let (hit, gone_on) = tokio::join!(struck, go_on(load, second, &over));
    let hit = hit?;
    gone_on.context("the load does not go on")?;
    world.is_well().await?;
    settled(load, judge).await?;
    let verdict = judge.verdict(load, &load.swaps[known..]).await?;
    Ok(Report { hit, verdict })
}

/// One blow after the other, each on top of those before; healed in the reverse order. Returns the kinds that hit.
async fn strike(
    world: &mut World,
    blows: &[Blow],
    forgeries: &[Option<Forgery>],
    holds: &[Duration],
) -> Result<Vec<Kind>> {
    let mut hit = Vec::with_capacity(blows.len());
    for ((blow, forgery), hold) in blows.iter().zip(forgeries).zip(holds) {
        if blow.strike(world, *forgery).await.with_context(|| format!("{blow}"))? {
            hit.push(blow.kind);
        }
        sleep(*hold).await;
    }
    for blow in blows.iter().rev() {
        blow.heal(world).await.with_context(|| format!("healing `{blow}`"))?;
    }
    Ok(hit)
}

/// Sends the other half of the load part by part while blows fall, and what is left of it after them.
async fn go_on(load: &mut Load, mut second: Second, over: &AtomicBool) -> Result<()> {
    sleep(SECOND_AFTER).await;
    while !over.load(Ordering::Acquire) {
        load.go_on(&mut second).await?;
        load.push().await;
        sleep(PART_PAUSE).await;
    }
    load.finish(second).await
}

/// Waits until everything users sent is final, every message has been delivered and every lock settled.
async fn settled(load: &mut Load, judge: &mut Judge) -> Result<()> {
    let end = Instant::now() + SETTLE_MAX;
    loop {
        // In this order: what is final by the first look stands in the blocks that the second one reads.
        let open = load.push().await;
        judge.read_on().await?;
        let [messages, locks] = judge.under_way();
        if open == 0 && messages == 0 && locks == 0 {
            return Ok(());
        }
        if Instant::now() > end {
            let waits = load.waits_for().join("; ");
            return Err(anyhow!(
                "not settled within {} s: {messages} messages and {locks} locks are under way, {open} transactions \
                 are not final ({waits})",
                SETTLE_MAX.as_secs()
            ));
        }
        sleep(LOOK_PAUSE).await;
    }
}
