//! Chaos on the real thing: two nodes, a hub and a relayer as processes, under load, killed, lied to and reorganised;
//! then the chains themselves are asked what came of it. `README.md` beside this file says what is struck and how.

mod abi;
pub(crate) mod blow;
mod bootstrap;
mod chain;
mod deal;
mod deck;
mod dice;
mod files;
mod judge;
mod ledger;
mod lie;
mod load;
#[path = "../e2e/poll.rs"]
mod poll;
mod process;
mod proxy;
mod round;
mod rpc;
pub(crate) mod side;
mod swap;
mod wallet;
mod world;

use anyhow::{Context, Result, ensure};
use tokio::time::Instant;

use blow::{Blow, KINDS, Kind};
use deck::Deck;
use dice::Dice;
use judge::{Judge, Verdict};
use load::Load;
use round::{Report, Task};
use world::World;

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Decides everything that is left to chance.
    pub(crate) seed: u64,
    pub(crate) rounds: u32,
    /// Messages of a round, half of them each way.
    pub(crate) messages: u64,
    /// Swaps of a round.
    pub(crate) swaps: usize,
    /// The blows of every round; drawn where there are none.
    pub(crate) blows: Option<Vec<Blow>>,
}

/// Runs it all. Prints a line a round and one at the end; fails where anything was lost, doubled, invented, changed or
/// half settled.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let Options { seed, rounds, messages, swaps, .. } = options;
    println!("chaos: seed {seed}, {rounds} rounds, {messages} messages and {swaps} swaps in each");
    let started = Instant::now();
    let outcome = run_all(options, started).await;
    match &outcome {
        Ok(summary) => println!("{} PASS: {summary}, seed {seed}", stamp(started)),
        Err(error) => println!("{} FAIL: {error:#}, seed {seed}", stamp(started)),
    }
    outcome.map(drop)
}

async fn run_all(options: &Options, started: Instant) -> Result<String> {
    let mut world = World::start().await?;
    println!("{} everything runs, files are in {}", stamp(started), world.place().display());
    let outcome = play(&mut world, options, started).await;
    world.end(outcome.is_err()).await?;
    outcome
}

async fn play(world: &mut World, options: &Options, started: Instant) -> Result<String> {
    let (mut dice, mut deck, mut hits) = (Dice::new(options.seed), Deck::default(), Vec::new());
    let mut load = Load::new(world.chains.clone(), world.hub.clone(), options.seed).await?;
    let mut judge = Judge::new(&world.chains);
    for round in 1..=options.rounds {
        let blows = options.blows.clone().unwrap_or_else(|| deck.draw(&mut dice));
        let names = blows.iter().map(Blow::to_string).collect::<Vec<_>>().join(" + ");
        println!("{} round {round}: {names}", stamp(started));
        let task = Task { blows, messages: options.messages, swaps: options.swaps };
        let played = round::play(world, &mut load, &mut judge, &mut dice, &task).await;
        let Report { hit, verdict } = played.with_context(|| format!("round {round}: {names}"))?;
        println!("{} round {round}: {}", stamp(started), told(&verdict, &task, &hit));
        verdict.check().with_context(|| format!("round {round}: {names}"))?;
        hits.extend(hit);
    }
    // Once more from the first block on, in one go: what was read while blows fell must be what stands there.
    let mut judge = Judge::new(&world.chains);
    judge.read_on().await?;
    let verdict = judge.verdict(&load, &load.swaps).await?;
    verdict.check().context("all rounds together")?;
    every_kind_hit(options, &hits)?;
    Ok(format!(
        "{} rounds, {} blows hit, {} messages arrived once, {} swaps committed and {} aborted, none half settled",
        options.rounds,
        hits.len(),
        verdict.messages,
        verdict.committed,
        verdict.aborted
    ))
}

/// What a round's verdict comes to, for people.
fn told(verdict: &Verdict, task: &Task, hit: &[Kind]) -> String {
    let Verdict { messages, committed, aborted, violations } = verdict;
    let missed: Vec<String> =
        task.blows.iter().filter(|blow| !hit.contains(&blow.kind)).map(|blow| format!(", missed: {blow}")).collect();
    format!(
        "checked {messages} messages so far, {committed} swaps committed, {aborted} aborted, {} violations{}",
        violations.len(),
        missed.concat()
    )
}

/// A blow that never hit proves nothing. Short runs cannot have all.
fn every_kind_hit(options: &Options, hits: &[Kind]) -> Result<()> {
    let wanted: Vec<Kind> = match &options.blows {
        Some(blows) => blows.iter().map(|blow| blow.kind).collect(),
        None if options.rounds as usize >= KINDS.len() => KINDS.to_vec(),
        None => Vec::new(),
    };
    let missing: Vec<Kind> = wanted.into_iter().filter(|kind| !hits.contains(kind)).collect();
    ensure!(missing.is_empty(), "these blows never hit: {missing:?}");
    Ok(())
}

fn stamp(started: Instant) -> String {
    format!("{:>7.1}s", started.elapsed().as_secs_f64())
}
