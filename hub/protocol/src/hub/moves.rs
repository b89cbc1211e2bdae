//! Steps of deals and messages inside a block: the step decides, this does what it asks for.

use infrastrukt_types::DealId;

use super::{
    overlay::{Overlay, Stop},
    refusal::Refusal,
    view::StateView,
};
use crate::{
    deal::{DealEffect, DealEvent, DealRecord, Rules, step as step_deal},
    message::{MessageEffect, MessageEvent, MessageRecord, step as step_message},
};
use infrastrukt_types::ChainId;

impl<V: StateView> Overlay<'_, V> {
    /// Moves a deal by one event. A deal without a decision that has a leg on a frozen chain is at fault from its next
    /// event on, whatever that is: it can no longer commit.
    pub(super) fn move_deal(&mut self, record: DealRecord, event: &DealEvent) -> Result<(), Stop<V::Error>> {
        let rules = Rules::from(&self.genesis.timing);
        let was_open = record.decision.is_none();
        let mut record = record;
        if was_open && record.fault.is_none() {
            for leg in &record.deal.legs.clone() {
                if let Some(evidence) = self.frozen(leg.chain)? {
                    record = step_deal(&record, &DealEvent::ConflictSeen { evidence }, &rules)?.next;
                }
            }
        }
        let step = step_deal(&record, event, &rules)?;
        if was_open && step.next.decision.is_some() {
            self.tip.open_deals = self.tip.open_deals.saturating_sub(1);
        }
        self.put_deal(step.next);
        for effect in step.effects {
            match effect {
                DealEffect::Issue(leaf) => self.leaves.push(leaf),
                DealEffect::Freeze { chain, evidence } => self.freeze(chain, evidence)?,
            }
        }
        Ok(())
    }

    /// Moves a message by one event that `chain` reported.
    pub(super) fn move_message(
        &mut self,
        record: &MessageRecord,
        event: &MessageEvent,
        chain: ChainId,
    ) -> Result<(), Stop<V::Error>> {
        let step = step_message(record, event)?;
        self.put_message(step.next);
        for effect in step.effects {
            match effect {
                MessageEffect::Issue(leaf) => self.leaves.push(leaf),
                MessageEffect::Freeze(evidence) => self.freeze(chain, evidence)?,
            }
        }
        Ok(())
    }

    /// A deal that must be there.
    pub(super) fn known_deal(&self, id: &DealId) -> Result<DealRecord, Stop<V::Error>> {
        self.deal(id)?.ok_or_else(|| Refusal::UnknownDeal(*id).into())
    }
}
