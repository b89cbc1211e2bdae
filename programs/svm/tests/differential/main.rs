//! The program against the Rust reference of escrow and verifier: the same random calls at the same times, and after
//! each of them the same outcome and the same state, read from the program's own accounts.
//!
//! `OPERATIONS=n` runs sequences until at least n calls were compared, `SEQUENCE_START=m` begins with the m-th. A
//! sequence is its number, which seeds it: the one that a failure names is run alone by `OPERATIONS=1
//! SEQUENCE_START=number`. What is shown of a failure is a shortest run of its calls that still fails.

mod compare;
mod generate;
mod op;
mod program;
mod reference;
mod setting;

use std::{
    collections::BTreeMap,
    env,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use compare::Watched;
use generate::Generator;
use op::{Op, Outcome, agree};
use program::Program;
use reference::Reference;
use setting::Setting;

const OPERATIONS_DEFAULT: u64 = 5_000;
const OPS_MIN: usize = 5;
const OPS_MAX: usize = 20;
/// From this many calls on, every call must have been seen both to succeed and to be refused.
const OPERATIONS_TELLING: u64 = 5_000;

/// How often each call came to each end.
type Seen = BTreeMap<(&'static str, String), u64>;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Both sides and what is looked at, in the middle of a sequence.
struct Run<'a> {
    setting: &'a Setting,
    program: Program,
    reference: Reference,
    watched: Watched<'a>,
}

impl<'a> Run<'a> {
    fn new(setting: &'a Setting, start: &Reference) -> Self {
        let program = Program { world: setting.world.clone() };
        Self { setting, program, reference: start.clone(), watched: Watched::new(setting) }
    }

    /// Makes a call on both sides; what differs then is returned, and otherwise how the call ended.
    fn step(&mut self, op: &Op) -> Result<String, String> {
        self.watched.add(op);
        let (found, expected) = (self.program.run(self.setting, op), self.reference.run(op));
        if !agree(&found, &expected) {
            return Err(format!("the program says {found:?}, the reference {expected:?}"));
        }
        self.watched.compare(&self.program, &self.reference)?;
        Ok(match expected {
            Outcome::Done => "done".into(),
            Outcome::Refused(reason) => reason,
        })
    }
}

/// Runs one sequence; what differs is returned with the fewest calls that lead there.
fn run(setting: &Setting, start: &Reference, sequence: u64, seen: &mut Seen) -> Result<u64, String> {
    let mut rng = StdRng::seed_from_u64(sequence);
    let mut generator = Generator::new(setting, &mut rng);
    let mut run = Run::new(setting, start);
    let mut history: Vec<Op> = Vec::new();
    for _ in 0..rng.random_range(OPS_MIN..=OPS_MAX) {
        let op = generator.next(&mut rng, &run.reference);
        history.push(op.clone());
        match run.step(&op) {
            Ok(end) => *seen.entry((op.call.name(), end)).or_default() += 1,
            Err(reason) => return Err(told(setting, start, sequence, &reason, history)),
        }
    }
    Ok(history.len() as u64)
}

/// The first difference that these calls lead to.
fn replay(setting: &Setting, start: &Reference, ops: &[Op]) -> Option<String> {
    let mut run = Run::new(setting, start);
    ops.iter().find_map(|op| run.step(op).err())
}

/// Leaves out every call that the failure does not need.
fn shortest(setting: &Setting, start: &Reference, mut ops: Vec<Op>) -> Vec<Op> {
    let mut at = 0;
    while at < ops.len() {
        let mut fewer = ops.clone();
        fewer.remove(at);
        if replay(setting, start, &fewer).is_some() {
            ops = fewer;
        } else {
            at += 1;
        }
    }
    ops
}

fn told(setting: &Setting, start: &Reference, sequence: u64, reason: &str, history: Vec<Op>) -> String {
    let ops = shortest(setting, start, history);
    let reason = replay(setting, start, &ops).unwrap_or_else(|| reason.to_string());
    format!("sequence {sequence}: {reason}\nafter {ops:#?}")
}

/// Takes sequence after sequence until enough calls were made or one differs. Each thread has a chain of its own.
fn work(next: &AtomicU64, made: &AtomicU64, wanted: u64) -> Result<Seen, String> {
    let setting = Setting::new();
    let (start, mut seen) = (Reference::new(&setting), Seen::new());
    while made.load(Ordering::Relaxed) < wanted {
        let sequence = next.fetch_add(1, Ordering::Relaxed);
        let calls = run(&setting, &start, sequence, &mut seen)?;
        made.fetch_add(calls, Ordering::Relaxed);
    }
    Ok(seen)
}

fn merged(parts: Vec<Seen>) -> Seen {
    let mut all = Seen::new();
    for (key, count) in parts.into_iter().flatten() {
        *all.entry(key).or_default() += count;
    }
    all
}

#[test]
fn program_and_reference_agree() {
    let first = number("SEQUENCE_START", 0);
    let wanted = number("OPERATIONS", OPERATIONS_DEFAULT);
    let (next, made) = (AtomicU64::new(first), AtomicU64::new(0));
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64).min(wanted);
    let parts = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&next, &made, wanted))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker panicked")).collect::<Result<Vec<_>, _>>()
    });
    let seen = merged(parts.unwrap_or_else(|difference| panic!("{difference}")));
    for ((call, end), times) in &seen {
        println!("{call:>16} {end:<24} {times}");
    }
    let last = next.load(Ordering::Relaxed);
    println!("sequences {first} to {last}, {} calls, no difference", seen.values().sum::<u64>());
    if wanted >= OPERATIONS_TELLING {
        for call in op::NAMES {
            let ends: Vec<&str> = seen.keys().filter(|(name, _)| *name == call).map(|(_, end)| end.as_str()).collect();
            assert!(ends.contains(&"done"), "{call} never succeeded, so that nothing was compared: {ends:?}");
            assert!(ends.len() > 1, "{call} was never refused: {ends:?}");
        }
    }
}
