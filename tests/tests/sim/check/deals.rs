//! S1: no deal has a released leg and one that was given back. S4: one decision a deal. S2: what is locked, and so what
//! is paid to whom, is what the deal says.

use infrastrukt_types::{ChainId, DealId, Decision, FactKind, LockKey};
use std::collections::{BTreeMap, BTreeSet};

use super::facts::Happened;
use crate::market::Trade;

/// How a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Released,
    Refunded,
    Escaped,
}

/// What happened to the legs of one deal.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    locked: BTreeMap<u8, Vec<(ChainId, LockKey)>>,
    ended: BTreeMap<u8, Vec<(ChainId, LockKey, End)>>,
}

impl Ends {
    fn ends(&self) -> BTreeSet<End> {
        self.ended.values().flatten().map(|(_, _, end)| *end).collect()
    }

    /// The one end that all of its legs came to.
    pub(super) fn one(&self) -> Option<End> {
        let ends = self.ends();
        ends.first().copied().filter(|_| ends.len() == 1)
    }

    fn is_torn(&self) -> bool {
        let ends = self.ends();
        ends.contains(&End::Released) && ends.len() > 1
    }

    /// Each leg is locked at most once, and ends at most once, as it was locked.
    fn is_sound(&self) -> bool {
        let once = self.locked.values().all(|locks| locks.len() == 1);
        let ended_as_locked = self.ended.iter().all(|(index, ends)| {
            let locked = self.locked.get(index).and_then(|locks| locks.first());
            ends.len() == 1 && locked == ends.first().map(|(chain, key, _)| (*chain, *key)).as_ref()
        });
        once && ended_as_locked
    }
}

pub(super) fn ends(facts: &[Happened]) -> BTreeMap<DealId, Ends> {
    let mut deals: BTreeMap<DealId, Ends> = BTreeMap::new();
    for Happened { chain, kind } in facts {
        let (deal, index, key, end) = match kind {
            FactKind::Locked { deal, index, lock_key } => {
                deals.entry(*deal).or_default().locked.entry(*index).or_default().push((*chain, *lock_key));
                continue;
            }
            FactKind::Settled { deal, index, lock_key, decision: Decision::Commit } => {
                (deal, index, lock_key, End::Released)
            }
            FactKind::Settled { deal, index, lock_key, decision: Decision::Abort } => {
                (deal, index, lock_key, End::Refunded)
            }
            FactKind::Escaped { deal, index, lock_key } => (deal, index, lock_key, End::Escaped),
            FactKind::Sent { .. } | FactKind::Delivered(_) | FactKind::Expired(_) | FactKind::Refunded(_) => continue,
        };
        deals.entry(*deal).or_default().ended.entry(*index).or_default().push((*chain, *key, end));
    }
    deals
}

pub(super) fn broken(trades: &[Trade], facts: &[Happened]) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, ends) in ends(facts) {
        if ends.is_torn() {
            broken.push(format!("S1: deal {id} is half settled: {ends:?}"));
        }
        if !ends.is_sound() {
            broken.push(format!("deal {id}: a leg was locked or ended twice, or ended unlocked: {ends:?}"));
        }
        let Some(trade) = trades.iter().find(|trade| trade.id == id) else {
            broken.push(format!("S2: deal {id} was locked and never registered"));
            continue;
        };
        for (index, (chain, key)) in ends.locked.iter().filter_map(|(index, locks)| Some((*index, *locks.first()?))) {
            let leg = trade.deal.leg_ref(index);
            if leg.is_none_or(|leg| leg.leg.chain != chain || leg.lock_key(id) != key) {
                broken.push(format!("S2: leg {index} of deal {id} is locked with other terms"));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::B256;

    const DEAL: DealId = DealId(B256::ZERO);

    fn locked(index: u8) -> Happened {
        let lock_key = LockKey(B256::repeat_byte(index));
        Happened { chain: ChainId(index.into()), kind: FactKind::Locked { deal: DEAL, index, lock_key } }
    }

    fn settled(index: u8, decision: Decision) -> Happened {
        let lock_key = LockKey(B256::repeat_byte(index));
        Happened { chain: ChainId(index.into()), kind: FactKind::Settled { deal: DEAL, index, lock_key, decision } }
    }

    fn check(facts: &[Happened], is_torn: bool, is_sound: bool) {
        let ends = ends(facts).remove(&DEAL).expect("something happened to it");
        assert_eq!((ends.is_torn(), ends.is_sound()), (is_torn, is_sound), "{facts:?}");
    }

    #[test]
    fn legs_that_end_apart_are_seen() {
        use Decision::{Abort, Commit};
        check(&[locked(0), locked(1)], false, true);
        check(&[locked(0), locked(1), settled(0, Commit), settled(1, Commit)], false, true);
        check(&[locked(0), locked(1), settled(0, Abort), settled(1, Abort)], false, true);
        check(&[locked(0), locked(1), settled(0, Commit), settled(1, Abort)], true, true);
        check(&[locked(0), settled(0, Commit), settled(0, Commit)], false, false);
        check(&[settled(0, Commit)], false, false);
        check(&[locked(0), locked(0)], false, false);
    }
}
