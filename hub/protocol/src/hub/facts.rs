//! What a fact must satisfy to be counted, and what it does once it is proven.

use infrastrukt_types::{DealId, Fact, FactKind, HubId, Leaf, LockKey, Message, MessageId, Origin};

use super::{
    overlay::{Overlay, Stop},
    refusal::{FactRefusal, Refusal},
    view::StateView,
};
use crate::{
    deal::{DealEvent, DealRecord},
    limits::{MessageRefusal, check_message},
    message::{MessageEvent, MessageRecord},
};

impl<V: StateView> Overlay<'_, V> {
    /// Checked before any vote is counted, so that nothing is stored of a fact that could do nothing. A lock before
    /// its deal is registered is refused here; its evidence works once the deal is registered.
    pub(super) fn admit(&self, fact: &Fact) -> Result<(), Stop<V::Error>> {
        let chain = fact.origin.chain;
        if self.genesis.chain(chain).is_none() {
            return Err(FactRefusal::UnknownChain(chain).into());
        }
        if let Some(evidence) = self.frozen(chain)? {
            return Err(FactRefusal::Frozen { chain, evidence }.into());
        }
        match &fact.kind {
            FactKind::Sent { gateway, message } => {
                check_message(message, chain, *gateway, self.genesis).map_err(FactRefusal::Message)?;
            }
            FactKind::Delivered(id) | FactKind::Expired(id) => {
                self.known_message(id, &fact.origin, |message| message.target)?;
            }
            FactKind::Refunded(id) => {
                self.known_message(id, &fact.origin, |message| message.source)?;
            }
            FactKind::Locked { deal, index, lock_key }
            | FactKind::Settled { deal, index, lock_key, .. }
            | FactKind::Escaped { deal, index, lock_key } => {
                self.known_leg(deal, *index, *lock_key, &fact.origin)?;
            }
        }
        Ok(())
    }

    /// Records a proven fact and lets it act.
    pub(super) fn prove(&mut self, hub: HubId, fact: &Fact) -> Result<(), Stop<V::Error>> {
        if let Some(evidence) = self.conflict(fact)? {
            return self.conflicted(fact, evidence);
        }
        self.put_fact(fact.origin, fact.id());
        let (origin, at) = (&fact.origin, self.now);
        match &fact.kind {
            FactKind::Sent { message, .. } => self.sent(hub, message, *origin),
            FactKind::Delivered(id) => {
                let record = self.known_message(id, origin, |message| message.target)?;
                self.move_message(&record, &MessageEvent::Delivered, origin.chain)
            }
            FactKind::Expired(id) => {
                let record = self.known_message(id, origin, |message| message.target)?;
                self.move_message(&record, &MessageEvent::Expired, origin.chain)
            }
            FactKind::Refunded(id) => {
                let record = self.known_message(id, origin, |message| message.source)?;
                self.move_message(&record, &MessageEvent::Refunded, origin.chain)
            }
            FactKind::Locked { deal, index, lock_key } => {
                let record = self.known_leg(deal, *index, *lock_key, origin)?;
                self.move_deal(record, &DealEvent::LockProven { index: *index, lock_key: *lock_key, at })
            }
            FactKind::Settled { deal, index, lock_key, decision } => {
                let record = self.known_leg(deal, *index, *lock_key, origin)?;
                self.move_deal(record, &DealEvent::SettlementProven { index: *index, decision: *decision, at })
            }
            FactKind::Escaped { deal, index, lock_key } => {
                let record = self.known_leg(deal, *index, *lock_key, origin)?;
                self.move_deal(record, &DealEvent::EscapeProven { index: *index, at })
            }
        }
    }

    fn sent(&mut self, hub: HubId, message: &Message, origin: Origin) -> Result<(), Stop<V::Error>> {
        let unknown = || FactRefusal::Message(MessageRefusal::UnknownChain(message.target));
        let route = self.genesis.route(message.source, message.target).ok_or_else(unknown)?;
        let id = message.id(hub, &route);
        if let Some(record) = self.message(&id)? {
            let evidence = format!("message {id} was sent twice: {:?} and {origin:?}", record.origin);
            return self.freeze(origin.chain, evidence);
        }
        self.put_message(MessageRecord::new(id, self.tip.next_message, message.clone(), origin, self.now));
        self.tip.next_message += 1;
        self.leaves.push(Leaf::Message(id));
        Ok(())
    }

    /// A final chain has one history: two facts at one position, or two hashes of one block, cannot both be true.
    fn conflict(&self, fact: &Fact) -> Result<Option<String>, Stop<V::Error>> {
        let origin = &fact.origin;
        if let Some(known) = self.fact_at(origin)? {
            return Ok(Some(format!("two facts are proven at {origin:?}: {known} and {}", fact.id())));
        }
        let other = self.block_hash_at(origin)?.filter(|known| *known != origin.block_hash);
        Ok(other.map(|known| {
            format!(
                "final block {} of {} changed: {known} became {}",
                origin.block_number, origin.chain, origin.block_hash
            )
        }))
    }

    fn conflicted(&mut self, fact: &Fact, evidence: String) -> Result<(), Stop<V::Error>> {
        self.freeze(fact.origin.chain, evidence.clone())?;
        match &fact.kind {
            FactKind::Locked { deal, .. } | FactKind::Settled { deal, .. } | FactKind::Escaped { deal, .. } => {
                let record = self.known_deal(deal)?;
                self.move_deal(record, &DealEvent::ConflictSeen { evidence })
            }
            FactKind::Sent { .. } | FactKind::Delivered(_) | FactKind::Expired(_) | FactKind::Refunded(_) => Ok(()),
        }
    }

    fn known_message(
        &self,
        id: &MessageId,
        origin: &Origin,
        place: fn(&Message) -> infrastrukt_types::ChainId,
    ) -> Result<MessageRecord, Stop<V::Error>> {
        let record = self.message(id)?.ok_or(FactRefusal::UnknownMessage(*id))?;
        let expected = place(&record.message);
        if origin.chain != expected {
            return Err(FactRefusal::WrongChain { given: origin.chain, expected }.into());
        }
        Ok(record)
    }

    fn known_leg(
        &self,
        deal: &DealId,
        index: u8,
        given: LockKey,
        origin: &Origin,
    ) -> Result<DealRecord, Stop<V::Error>> {
        let record = self.deal(deal)?.ok_or(FactRefusal::UnknownDeal(*deal))?;
        let place = usize::from(index);
        let leg = record.deal.legs.get(place).zip(record.legs.get(place));
        let (leg, progress) = leg.ok_or(FactRefusal::NoSuchLeg { deal: *deal, index })?;
        if origin.chain != leg.chain {
            return Err(FactRefusal::WrongChain { given: origin.chain, expected: leg.chain }.into());
        }
        let expected = progress.lock_key;
        if given != expected {
            return Err(FactRefusal::WrongLock { deal: *deal, index, given, expected }.into());
        }
        Ok(record)
    }
}

impl From<FactRefusal> for Refusal {
    fn from(reason: FactRefusal) -> Self {
        Self::Fact { place: 0, reason }
    }
}

impl Refusal {
    /// The same with the place of the fact in its attestation.
    pub(super) fn at(self, place: usize) -> Self {
        match self {
            Self::Fact { reason, .. } => Self::Fact { place, reason },
            other => other,
        }
    }
}
