//! What the relayer keeps: nothing once all is done, but dead letters with a cause.

use infrastrukt_relayer::store::{Book, Counts, Item, Work, WorkKind};
use infrastrukt_types::ChainId;

use crate::{
    chains::{CHAINS, Shop},
    party::Party,
    world::World,
};

/// Dead letters that are looked at.
const DEAD_MAX: usize = 100;
/// Rotations that are looked at.
const ROTATIONS_MAX: usize = 8;

fn book(world: &World) -> Book {
    Book::open(world.disk(Party::Relayer).peek(), CHAINS).expect("the disk reads")
}

/// True when nothing is left for a chain but dead letters. A rotation that others carried out stays in the queue until
/// something of its epoch is carried to the chain; whether the chain rotated is asked elsewhere.
fn is_idle(book: &Book, chain: ChainId) -> bool {
    let counts = book.counts(chain);
    let rotations = book.ready(chain, WorkKind::Rotate.priority(), u64::MAX, ROTATIONS_MAX).expect("the disk reads");
    let queued = counts.queued.saturating_sub(rotations.len() as u64);
    Counts { queued, dead: 0, ..counts } == Counts::default()
}

/// What it still has to do.
pub(super) fn open(world: &World) -> Vec<String> {
    let book = book(world);
    let mut open: Vec<String> = Vec::new();
    for chain in CHAINS.into_iter().filter(|chain| !is_idle(&book, *chain)) {
        open.push(format!("the relayer still has work for {chain}: {:?}", book.counts(chain)));
    }
    if book.awaited_count() > 0 {
        open.push("the relayer still waits for messages or deals of leaves".into());
    }
    open
}

/// A dead letter is a message to whoever refuses, or refused once, to take it. Decisions, rotations, refunds and
/// evidence never die here: nobody refuses those.
pub(super) fn broken(world: &World) -> Vec<String> {
    let book = book(world);
    let has_cause = |item: &Item| match &item.work {
        Work::Deliver { message, .. } => message.recipient != Shop::Open.account(),
        Work::Refund { .. } | Work::Settle { .. } | Work::Rotate { .. } => false,
    };
    let mut broken = Vec::new();
    for chain in CHAINS {
        let dead = book.dead_items(chain, None, DEAD_MAX).expect("the disk reads");
        for item in dead.into_iter().filter(|item| !has_cause(item)) {
            broken.push(format!("a dead letter without cause on {chain}: {:?} {:?}", item.key(), item.last_error));
        }
        for (key, dead) in book.dead_evidence(chain, None, DEAD_MAX).expect("the disk reads") {
            broken.push(format!("evidence {key:?} of {chain} was refused: {}", dead.reason));
        }
    }
    broken
}
