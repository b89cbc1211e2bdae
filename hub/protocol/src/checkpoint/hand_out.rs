//! When shares on a COMMIT that come back from storage may be handed out again.

use infrastrukt_types::{Leaf, Timestamp};

use super::record::CheckpointRecord;
use crate::{
    deal::{DealRecord, LeafState, LegState},
    genesis::{ChainTiming, Genesis},
};

/// True while shares on this checkpoint that were stored before a stop may be shown and certified at time `now`.
///
/// They left their signers in time, but it may be that nobody outside saw them before the stop. To the world they are
/// then a new certificate. That is harmless while every leg can still be settled before any escape can execute. After
/// that they stay hidden until a leg is proven released: then the certificate is public anyway, and whoever is owed
/// needs it (S1). Deals that are not given are not safe.
pub fn may_hand_out(record: &CheckpointRecord, deals: &[DealRecord], now: Timestamp, genesis: &Genesis) -> bool {
    record.leaves.iter().all(|leaf| match leaf {
        Leaf::Decision(id, _) => {
            deals.iter().find(|deal| deal.id == *id).is_some_and(|deal| is_harmless(deal, now, genesis))
        }
        Leaf::Message(_) | Leaf::Expired(_) | Leaf::Rotate { .. } => true,
    })
}

fn is_harmless(deal: &DealRecord, now: Timestamp, genesis: &Genesis) -> bool {
    if matches!(deal.leaf, LeafState::Certified(_)) || deal.any(LegState::Released) {
        return true;
    }
    let legs = &deal.deal.legs;
    let settle = |chain| genesis.chain(chain).map_or(0, |record| ChainTiming::settle_s(&record.timing));
    let settled = now.plus(legs.iter().map(|leg| settle(leg.chain)).max().unwrap_or(0));
    let escape = legs.iter().map(|leg| leg.escape_at.plus(leg.escape_window)).min();
    escape.is_some_and(|escape| settled < escape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checkpoint::build,
        testing::{committed, epoch_record, genesis},
    };
    use infrastrukt_types::{B256, Decision, Height, HubId};

    #[test]
    fn stored_shares_come_back_only_while_every_leg_can_be_settled_before_an_escape() {
        let (deal, genesis) = (committed(), genesis());
        let leaf = Leaf::Decision(deal.id, Decision::Commit);
        let record = build(HubId::default(), &epoch_record(1), Height(4), Timestamp(9), B256::ZERO, &[leaf]).remove(0);
        let check = |deal: &DealRecord, now| may_hand_out(&record, std::slice::from_ref(deal), now, &genesis);
        let escape = deal.deal.legs.iter().map(|leg| leg.escape_at.plus(leg.escape_window)).min().expect("two legs");
        let slowest = genesis.chains.iter().map(|chain| chain.timing.settle_s()).max().expect("two chains");
        let last = Timestamp(escape.0 - slowest - 1);
        assert!(last > deal.deal.sign_by.plus(genesis.timing.recovery_s), "there is time behind the limit of signing");
        assert!(check(&deal, last));
        assert!(!check(&deal, last.plus(1)));

        let mut released = deal.clone();
        released.legs[1].state = LegState::Released;
        assert!(check(&released, escape), "the certificate is public: somebody was paid under it");
        let mut certified = deal;
        certified.leaf = LeafState::Certified(Height(4));
        assert!(check(&certified, escape));
        assert!(!may_hand_out(&record, &[], Timestamp(0), &genesis), "an unknown deal is never safe");
    }
}
