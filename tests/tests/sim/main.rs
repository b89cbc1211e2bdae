//! Whole runs of hub, relayer and simulated chains, each from one seed.
//!
//! A run is one thread: four validators, whoever orders their log, and the relayer, each with a disk, a clock and lives
//! of its own; two chains with everyone's endpoints to them; users who send messages and make deals. Time passes only
//! while everyone waits, and nothing but the seed decides what happens next, so that the same seed leads to the same
//! trace. Villains do what they can for about a minute. Then all faults are over, and everything must come to its end;
//! `check/` says what must hold.
//!
//! What runs is the production code, behind its ports: `Clock`, `Store`, `Consensus`, `FactVerifier`, `ChainReader`,
//! `ChainWriter` and the relayer's `HubClient`, which calls the hub's own methods. Left out are servers, sockets and
//! EVM chains: the tests end to end have those.
//!
//! The bounds that S1 assumes are kept: one validator of four is Byzantine at most, no final block changes, and all
//! faults end before the escapes of a deal of that time can execute.

mod batch;
mod caller;
mod chains;
mod check;
mod dice;
mod disk;
mod env;
mod hub;
mod line;
mod market;
mod net;
mod operators;
mod party;
mod people;
mod relayer;
mod run;
mod script;
mod supervisor;
mod time;
mod villains;
mod watch;
mod world;

/// Seeds of an ordinary test run, and the first of them.
const SEEDS: u64 = 2_000;
const SEED_START: u64 = 1;
/// Seeds from which on every kind of fault must have been injected.
const ALL_KINDS_FROM: u64 = 1_000;

fn number(variable: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, which is no number"))
}

#[test]
fn every_promise_is_kept_whatever_fails() {
    let (start, seeds) = (number("SEED_START", SEED_START), number("SEEDS", SEEDS));
    let total = batch::storms(start, seeds);
    println!("{total}");
    assert!(total.broken.is_empty(), "{} seeds are broken", total.broken.len());
    if seeds >= ALL_KINDS_FROM {
        let missing: Vec<_> = batch::KINDS.iter().filter(|kind| !total.faults.contains_key(*kind)).collect();
        assert!(missing.is_empty(), "never injected: {missing:?}");
    }
}

#[test]
fn the_same_seed_leads_to_the_same_trace() {
    for seed in 1..=12 {
        let [one, other] = [run::stormy(seed), run::stormy(seed)];
        assert_eq!((one.trace, one.actions), (other.trace, other.actions), "seed {seed}");
        assert_ne!(one.trace, run::stormy(seed + 1_000).trace, "seed {seed}");
    }
}

#[test]
fn without_faults_every_message_is_delivered_and_every_deal_committed() {
    for seed in 1..=20 {
        let outcome = run::calm(seed);
        assert_eq!(outcome.broken, Vec::<String>::new(), "seed {seed}");
        let expected = check::Sums { delivered: 3, committed: 2, ..check::Sums::default() };
        assert_eq!(outcome.sums, expected, "seed {seed}");
    }
}
