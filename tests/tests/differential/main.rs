//! The Rust reference of escrow and verifier against the Solidity contracts: the same random calls at the same times,
//! and after each of them the same outcome and the same state, read from the contracts' own storage slots.
//!
//! `SEQUENCES=n` runs n sequences, `SEQUENCE_START=m` begins with the m-th. A sequence is its number: the one that a
//! failure names is run alone by `SEQUENCES=1 SEQUENCE_START=number`.

mod compare;
mod encode;
mod evm;
mod generate;
mod notary;
mod op;
mod reference;
mod tamper;
mod world;

use std::{
    collections::BTreeMap,
    env,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use compare::Watched;
use evm::Evm;
use generate::Generator;
use notary::Notary;
use op::{Op, Outcome};
use reference::Reference;
use world::World;

const SEQUENCES_DEFAULT: u64 = 10_000;
const OPS_MIN: usize = 5;
const OPS_MAX: usize = 20;
/// From this many sequences on, every call must have been seen both to succeed and to be refused.
const SEQUENCES_TELLING: u64 = 2_000;

/// How often each call came to each end.
type Seen = BTreeMap<(&'static str, String), u64>;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Both sides before the first call.
struct Start {
    world: World,
    evm: Evm,
    reference: Reference,
}

/// Runs one sequence; what differs is returned with the calls that led there.
fn run(start: &Start, notary: &mut Notary, sequence: u64, seen: &mut Seen) -> Result<(), String> {
    let mut rng = StdRng::seed_from_u64(sequence);
    let (mut evm, mut reference) = (start.evm.clone(), start.reference.clone());
    let mut generator = Generator::new(&start.world, &mut rng);
    let mut watched = Watched::new(&start.world, generator.keys());
    let mut history: Vec<Op> = Vec::new();
    for _ in 0..rng.random_range(OPS_MIN..=OPS_MAX) {
        let op = generator.next(&mut rng, notary, &reference);
        watched.add(&op);
        let (on_chain, expected) = (evm.run(&start.world, &op), reference.run(&op));
        let end = match &expected {
            Outcome::Done { .. } => "done".to_string(),
            Outcome::Refused(class) => class.clone(),
        };
        *seen.entry((op.call.name(), end)).or_default() += 1;
        history.push(op);
        let verdict = if on_chain == expected {
            watched.compare(&evm, &reference)
        } else {
            Err(format!("the contract says {on_chain:?}, the reference {expected:?}"))
        };
        verdict.map_err(|reason| format!("sequence {sequence}: {reason}\nafter {}", told(&history)))?;
    }
    Ok(())
}

/// The names of all calls, and the last one in full.
fn told(history: &[Op]) -> String {
    let names: Vec<String> = history.iter().map(|op| format!("{}@{}", op.call.name(), op.at)).collect();
    format!("{}\nlast: {:#?}", names.join(", "), history.last())
}

/// Takes sequence after sequence until there are none left or one differs.
fn work(start: &Start, next: &AtomicU64, end: u64) -> Result<Seen, String> {
    let (mut notary, mut seen) = (Notary::new(), Seen::new());
    loop {
        let sequence = next.fetch_add(1, Ordering::Relaxed);
        if sequence >= end {
            return Ok(seen);
        }
        run(start, &mut notary, sequence, &mut seen)?;
    }
}

fn merged(parts: Vec<Seen>) -> Seen {
    let mut all = Seen::new();
    for (key, count) in parts.into_iter().flatten() {
        *all.entry(key).or_default() += count;
    }
    all
}

#[test]
fn contracts_and_reference_agree() {
    let first = number("SEQUENCE_START", 0);
    let count = number("SEQUENCES", SEQUENCES_DEFAULT);
    let world = World::new();
    let start = Start { evm: Evm::deploy(&world), reference: Reference::new(&world), world };
    let next = AtomicU64::new(first);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let parts = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| work(&start, &next, first.saturating_add(count)))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker panicked")).collect::<Result<Vec<_>, _>>()
    });
    let seen = merged(parts.unwrap_or_else(|difference| panic!("{difference}")));
    for ((call, end), times) in &seen {
        println!("{call:>16} {end:<24} {times}");
    }
    println!("{count} sequences, {} calls, no difference", seen.values().sum::<u64>());
    if count >= SEQUENCES_TELLING {
        for call in op::NAMES {
            let ends: Vec<&str> = seen.keys().filter(|(name, _)| *name == call).map(|(_, end)| end.as_str()).collect();
            assert!(ends.contains(&"done"), "{call} never succeeded, so that nothing was compared: {ends:?}");
            assert!(call == "approve" || ends.len() > 1, "{call} was never refused: {ends:?}");
        }
    }
}
