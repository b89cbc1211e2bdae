//! What happens in a run, drawn from its seed before it begins.

use infrastrukt_types::ChainId;

use crate::{
    chains::{CHAINS, Shop},
    dice::Dice,
    people::Person,
    villains::Villain,
};

/// Shortest and longest time in which faults begin, in milliseconds. All are over long before an escape can execute.
const STORM_MS: (u64, u64) = (25_000, 65_000);
/// Time for work in a run without faults.
const CALM_MS: u64 = 20_000;
/// Latest begin of a message or deal.
const BEGIN_MAX_MS: u64 = 15_000;
/// Villains of one run.
const VILLAINS: (u64, u64) = (2, 5);

/// A validator that keeps to no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traitor {
    /// Says one thing to some and another one to others.
    Equivocates,
    /// Says nothing at all.
    IsSilent,
}

/// A message that somebody sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter {
    pub(crate) at_ms: u64,
    pub(crate) from: ChainId,
    pub(crate) sender: Person,
    pub(crate) shop: Shop,
    /// Seconds it may take.
    pub(crate) lives_s: Option<u64>,
}

/// A deal that Alice and Bob make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bargain {
    pub(crate) at_ms: u64,
    /// How long after the registration each of them locks, if at all.
    pub(crate) locks_ms: [Option<u64>; 2],
    /// Both sign a cancel.
    pub(crate) is_cancelled: bool,
    /// Bob gives tokens and no coins.
    pub(crate) is_gold: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// For how long faults begin, from the start on.
    pub(crate) storm_ms: u64,
    pub(crate) letters: Vec<Letter>,
    pub(crate) bargains: Vec<Bargain>,
    pub(crate) villains: Vec<Villain>,
    pub(crate) traitor: Option<Traitor>,
    /// When the hub stops for ever.
    pub(crate) hub_ends_ms: Option<u64>,
    /// When the operators vote for the next set.
    pub(crate) rotates_ms: Option<u64>,
    /// Everybody is started anew once all faults are over.
    pub(crate) restarts_all: bool,
}

impl Script {
    /// A run with everything that may go wrong.
    pub(crate) fn stormy(mut dice: Dice) -> Self {
        let storm_ms = dice.within(STORM_MS.0, STORM_MS.1);
        let traitor = match dice.below(10) {
            0..=2 => Some(Traitor::Equivocates),
            3..=4 => Some(Traitor::IsSilent),
            _ => None,
        };
        let letters = (0..dice.within(1, 3)).map(|_| letter(&mut dice)).collect();
        let bargains = (0..dice.below(3)).map(|_| bargain(&mut dice)).collect();
        let count = dice.within(VILLAINS.0, VILLAINS.1);
        let villains = (0..count).map(|_| dice.pick(&Villain::ALL)).collect();
        let hub_ends_ms = dice.chance(60).then(|| dice.within(10_000, storm_ms));
        let rotates_ms = dice.chance(200).then(|| dice.within(5_000, storm_ms));
        Self { storm_ms, letters, bargains, villains, traitor, hub_ends_ms, rotates_ms, restarts_all: dice.chance(700) }
    }

    /// A run in which nothing goes wrong but what its users do.
    pub(crate) fn calm(mut dice: Dice) -> Self {
        Self {
            storm_ms: CALM_MS,
            letters: (0..3).map(|_| Letter { shop: Shop::Open, lives_s: None, ..letter(&mut dice) }).collect(),
            bargains: (0..2)
                .map(|_| Bargain { locks_ms: [Some(1_000); 2], is_cancelled: false, ..bargain(&mut dice) })
                .collect(),
            villains: Vec::new(),
            traitor: None,
            hub_ends_ms: None,
            rotates_ms: None,
            restarts_all: false,
        }
    }
}

fn letter(dice: &mut Dice) -> Letter {
    Letter {
        at_ms: dice.below(BEGIN_MAX_MS),
        from: dice.pick(&CHAINS),
        sender: dice.pick(&Person::ALL),
        shop: dice.pick(&[Shop::Open, Shop::Open, Shop::Open, Shop::Moody, Shop::Closed]),
        lives_s: dice.chance(300).then(|| dice.within(10, 60)),
    }
}

fn bargain(dice: &mut Dice) -> Bargain {
    let mut lock = || (!dice.chance(120)).then(|| dice.below(10_000));
    let locks_ms = [lock(), lock()];
    Bargain { at_ms: dice.below(BEGIN_MAX_MS), locks_ms, is_cancelled: dice.chance(100), is_gold: dice.chance(500) }
}
