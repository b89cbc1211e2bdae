//! What must hold at the end of a run, read from the chains' blocks and the hub's stores. It shares no code with the
//! relayer, and rebuilds every balance by itself.

mod deals;
mod facts;
mod hub;
mod messages;
mod money;
mod relayer;

use infrastrukt_types::DealId;
use std::collections::BTreeMap;

use crate::{chains::CHAINS, people::Person, world::World};
use deals::{End, Ends};

/// How things ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) delivered: u64,
    pub(crate) given_back: u64,
    pub(crate) committed: u64,
    pub(crate) aborted: u64,
    pub(crate) escaped: u64,
}

impl Sums {
    pub(crate) fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.given_back += other.given_back;
        self.committed += other.committed;
        self.aborted += other.aborted;
        self.escaped += other.escaped;
    }
}

/// What still has to come to its end. Empty once the run may stop.
pub(crate) fn open_ends(world: &World) -> Vec<String> {
    let mut open = users(world);
    if world.hub_is_gone() {
        return open;
    }
    let facts = facts::all(world);
    open.extend(messages::open(&messages::ends(world, &facts)));
    open.extend(relayer::open(world));
    open.extend(hub::open(world));
    open
}

/// What users still wait for: with or without a hub, every lock comes to an end.
fn users(world: &World) -> Vec<String> {
    let mut open = Vec::new();
    let (over, all) = (world.market.over(), world.script.bargains.len());
    if over < all {
        open.push(format!("{over} of {all} deals came to their end"));
    }
    for chain in CHAINS {
        let waiting = Person::ALL.into_iter().filter(|person| !world.market.is_done(chain, *person));
        open.extend(waiting.map(|person| format!("{person:?} waits for a block of {chain}")));
    }
    open
}

/// What must never be and is.
pub(crate) fn broken(world: &World) -> Vec<String> {
    let facts = facts::all(world);
    let mut broken = messages::broken(&messages::ends(world, &facts));
    broken.extend(deals::broken(&world.market.trades(), &facts));
    broken.extend(world.chains.iter().flat_map(money::broken));
    broken.extend(hub::broken(world));
    broken.extend(relayer::broken(world));
    broken
}

/// How things ended, for the summary.
pub(crate) fn sums(world: &World) -> Sums {
    let facts = facts::all(world);
    let mut sums = Sums::default();
    for ends in messages::ends(world, &facts).values() {
        sums.delivered += u64::from(ends.delivered);
        sums.given_back += u64::from(ends.refunded);
    }
    let ends: BTreeMap<DealId, Ends> = deals::ends(&facts);
    for end in ends.values().filter_map(Ends::one) {
        match end {
            End::Released => sums.committed += 1,
            End::Refunded => sums.aborted += 1,
            End::Escaped => sums.escaped += 1,
        }
    }
    sums
}
