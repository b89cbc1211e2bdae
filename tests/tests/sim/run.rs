//! One run, from its seed to its record.

use alloy_primitives::B256;
use infrastrukt_sim::FaultCounts;
use std::{
    cell::Cell,
    panic,
    sync::{Arc, Once},
};
use tokio::{runtime::Builder, task::JoinSet};

use crate::{
    chains::{BLOCK_MS, FINALITY_LAG, START},
    check::{self, Sums},
    dice::Dice,
    env::Env,
    operators,
    party::Party,
    people,
    script::{Script, Traitor},
    supervisor,
    time::Timeline,
    villains,
    world::World,
};

/// Pause between two looks at whether everything came to its end.
const LOOK_MS: u64 = 4_000;
/// Longest time from the end of all faults to the end of everything: escapes included, and the longest back-off.
const END_MAX_MS: u64 = 1_200_000;
/// Open ends that a report shows.
const SHOWN_MAX: usize = 6;

/// What is left of a run.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    /// Covers every external action, in order.
    pub(crate) trace: B256,
    pub(crate) actions: u64,
    pub(crate) faults: FaultCounts,
    /// What must never happen and did. Empty in a good run.
    pub(crate) broken: Vec<String>,
    pub(crate) sums: Sums,
    /// Simulated time.
    pub(crate) elapsed_ms: u64,
}

/// Runs a seed with everything that may go wrong.
pub(crate) fn stormy(seed: u64) -> Outcome {
    run(seed, Script::stormy)
}

/// Runs a seed in which only users do unexpected things.
pub(crate) fn calm(seed: u64) -> Outcome {
    run(seed, Script::calm)
}

thread_local! {
    /// Panics on this thread: the runtime catches those of tasks.
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

fn count_panics() {
    static COUNTED: Once = Once::new();
    COUNTED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            before(panic);
        }));
    });
}

fn run(seed: u64, script: impl FnOnce(Dice) -> Script) -> Outcome {
    count_panics();
    let panics = PANICS.get();
    let mut dice = Dice::new(seed);
    let script = script(dice.fork());
    let time = Timeline::new(START.0 * 1_000);
    let env = Env::new(time.clone());
    // One thread, no timer and no sockets of the system: nothing but the seed decides what happens next.
    let runtime = Builder::new_current_thread().on_thread_park(move || time.pass()).build();
    let runtime = runtime.expect("a runtime without any driver");
    let world = World::new(env.clone(), script, dice.fork());
    let sums = runtime.block_on(play(&world, dice));
    world.close();
    drop(runtime);
    if PANICS.get() > panics {
        env.violation(format!("{} tasks panicked", PANICS.get() - panics));
    }
    for (kind, count) in world.chains.iter().flat_map(|chain| chain.faults()) {
        env.add_faults(kind, count);
    }
    let record = env.record();
    Outcome {
        seed,
        trace: record.trace,
        actions: record.actions,
        faults: record.faults,
        broken: record.broken,
        sums,
        elapsed_ms: env.elapsed_ms(),
    }
}

async fn play(world: &Arc<World>, mut dice: Dice) -> Sums {
    let time = &world.env.time;
    for party in Party::CRASHING.into_iter().filter(|party| !world.is_absent(*party)) {
        world.start(party);
    }
    for index in 0..world.chains.len() {
        tokio::spawn(mine(world.clone(), index));
    }
    tokio::spawn(supervisor::supervise(world.clone(), dice.fork()));
    people::begin(world, dice.fork());
    if let Some(at_ms) = world.script.rotates_ms {
        tokio::spawn(operators::rotate(world.clone(), at_ms));
    }
    match world.script.traitor {
        Some(Traitor::Equivocates) => drop(tokio::spawn(villains::equivocate(world.clone(), dice.fork()))),
        Some(Traitor::IsSilent) => world.env.fault("silent validator"),
        None => {}
    }
    let mut loose = JoinSet::new();
    for villain in &world.script.villains {
        villain.begin(world.clone(), dice.fork(), &mut loose);
    }
    let start_ms = time.now_ms();
    if let Some(at_ms) = world.script.hub_ends_ms {
        time.sleep_until(start_ms + at_ms).await;
        world.env.fault("hub stops for ever");
        world.end_hub();
    }
    time.sleep_until(start_ms + world.script.storm_ms).await;
    loose.shutdown().await;
    world.heal();
    if world.script.restarts_all {
        Party::CRASHING.into_iter().for_each(|party| world.kill(party));
    }
    finish(world).await;
    check::broken(world).into_iter().for_each(|what| world.env.violation(what));
    check::sums(world)
}

/// Waits until everything came to its end and is final.
async fn finish(world: &World) {
    let time = &world.env.time;
    let last_ms = time.now_ms() + END_MAX_MS;
    loop {
        time.sleep_ms(LOOK_MS).await;
        let open = check::open_ends(world);
        if open.is_empty() {
            break;
        }
        if time.now_ms() > last_ms {
            let (count, shown) = (open.len(), open.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>());
            world.env.violation(format!("{count} things have no end: {}", shown.join("; ")));
            break;
        }
    }
    time.sleep_ms((FINALITY_LAG + 2) * BLOCK_MS).await;
}

/// Makes the blocks of a chain.
async fn mine(world: Arc<World>, index: usize) {
    loop {
        world.env.time.sleep_ms(BLOCK_MS).await;
        world.chains[index].mine(&world.env);
    }
}
