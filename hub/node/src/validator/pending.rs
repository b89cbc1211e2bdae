//! Facts a validator has verified and that do not stand in the log under its name yet.

use infrastrukt_protocol::FACTS_PER_ATTESTATION_MAX;
use infrastrukt_types::{Fact, FactId, Origin, codec};
use std::collections::BTreeMap;

/// Most facts kept; past it the evidence queue waits.
pub(crate) const PENDING_FACTS_MAX: usize = 8_192;
/// Most bytes of facts in one attestation.
pub(crate) const ATTESTATION_BYTES_MAX: usize = 1 << 20;
/// Milliseconds after which a fact that did not reach the log is offered again; doubles up to [`REOFFER_MAX_MS`].
pub(crate) const REOFFER_MS: u64 = 2_000;
/// Longest pause between two offers.
pub(crate) const REOFFER_MAX_MS: u64 = 60_000;
/// Offers before a fact is given up, some ten minutes in all. The log refuses a fact that can do nothing (a lock of an
/// unregistered deal, say); should that change, a relayer offers the evidence again.
pub(crate) const OFFERS_MAX: u32 = 14;

struct Pending {
    fact: Fact,
    bytes: usize,
    offers: u32,
    next_offer_ms: u64,
}

impl Pending {
    fn offered(&mut self, now_ms: u64) {
        let pause = REOFFER_MS.saturating_mul(1 << self.offers.min(16)).min(REOFFER_MAX_MS);
        self.offers += 1;
        self.next_offer_ms = now_ms.saturating_add(pause);
    }
}

/// The facts, each once.
#[derive(Default)]
pub(crate) struct PendingFacts {
    /// In the order of their chains: a message before its delivery, a nonce before the next.
    facts: BTreeMap<(Origin, FactId), Pending>,
}

impl PendingFacts {
    /// Adds facts that were just verified.
    pub(crate) fn add(&mut self, facts: impl IntoIterator<Item = Fact>) {
        for fact in facts {
            let bytes = codec::encode(&fact).len();
            self.facts.entry((fact.origin, fact.id())).or_insert(Pending { fact, bytes, offers: 0, next_offer_ms: 0 });
        }
    }

    /// True while there is room for the facts of more evidence.
    pub(crate) fn has_room(&self) -> bool {
        self.facts.len() < PENDING_FACTS_MAX
    }

    /// Drops those of the due facts for which `settled` holds: in the log under this validator's name, or proven without
    /// it. The others are not asked about: what was just offered takes a block or two.
    pub(crate) fn settle<E>(
        &mut self,
        now_ms: u64,
        mut settled: impl FnMut(&FactId, &Fact) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut failure = None;
        self.facts.retain(|(_, id), pending| {
            if pending.next_offer_ms > now_ms {
                return true;
            }
            settled(id, &pending.fact).map(|settled| !settled).unwrap_or_else(|error| {
                failure = Some(error);
                true
            })
        });
        failure.map_or(Ok(()), Err)
    }

    /// The facts of the next attestation, at most a full one; they count as offered from now on.
    pub(crate) fn take_due(&mut self, now_ms: u64) -> Vec<Fact> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        for pending in self.facts.values_mut().filter(|pending| pending.next_offer_ms <= now_ms) {
            let full = !taken.is_empty() && bytes + pending.bytes > ATTESTATION_BYTES_MAX;
            if full || taken.len() == FACTS_PER_ATTESTATION_MAX {
                break;
            }
            bytes += pending.bytes;
            pending.offered(now_ms);
            taken.push(pending.fact.clone());
        }
        taken
    }

    /// Drops the facts that were offered often enough in vain, and says which.
    pub(crate) fn give_up(&mut self, now_ms: u64) -> Vec<Fact> {
        let vain = |pending: &Pending| pending.offers >= OFFERS_MAX && pending.next_offer_ms <= now_ms;
        let given_up =
            self.facts.values().filter(|pending| vain(pending)).map(|pending| pending.fact.clone()).collect();
        self.facts.retain(|_, pending| !vain(pending));
        given_up
    }

    /// True when nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{B256, ChainId, FactKind, MessageId};
    use std::convert::Infallible;

    fn fact(event_index: u32) -> Fact {
        let origin = Origin { chain: ChainId(1), block_number: 1, block_hash: B256::ZERO, tx_index: 0, event_index };
        Fact { origin, kind: FactKind::Delivered(MessageId(B256::ZERO)) }
    }

    #[test]
    fn attestations_are_bounded_and_repeated_until_settled() {
        let mut pending = PendingFacts::default();
        let count = FACTS_PER_ATTESTATION_MAX as u32 + 5;
        pending.add((0..count).rev().map(fact));
        pending.add((0..count).map(fact));
        assert_eq!(pending.facts.len(), count as usize);
        let first = pending.take_due(0);
        assert_eq!(first.len(), FACTS_PER_ATTESTATION_MAX);
        assert!(first.is_sorted_by_key(|fact| fact.origin), "in the order of the chain");
        assert_eq!(pending.take_due(0).len(), 5);
        assert!(pending.take_due(REOFFER_MS - 1).is_empty());
        assert_eq!(pending.take_due(REOFFER_MS).len(), FACTS_PER_ATTESTATION_MAX);
        pending.settle(2 * REOFFER_MAX_MS, |_, fact| Ok::<_, Infallible>(fact.origin.event_index > 0)).unwrap();
        assert_eq!(pending.facts.len(), 1);
    }

    #[test]
    fn a_fact_that_does_nothing_is_given_up() {
        let mut pending = PendingFacts::default();
        pending.add([fact(0)]);
        let mut now_ms = 0;
        for _ in 0..OFFERS_MAX {
            assert_eq!(pending.take_due(now_ms).len(), 1);
            assert!(pending.give_up(now_ms).is_empty());
            now_ms += REOFFER_MAX_MS;
        }
        assert_eq!(pending.give_up(now_ms), vec![fact(0)]);
        assert!(pending.is_empty());
    }
}
