//! From the gateway's events to facts.

use borsh::BorshDeserialize;
use infrastrukt_evm::Gateways;
use infrastrukt_types::{
    Account, B256, Bytes, ChainId, DealId, Decision, Fact, FactKind, HubId, LockKey, MESSAGE_VERSION, Message,
    MessageId, Nonce, Origin, Route, Timestamp,
};

use crate::{
    block::Block,
    discriminator::event::{DELIVERED, ESCAPED, EXPIRED, LOCKED, REFUNDED, SENT, SETTLED},
};

/// Why an event of the gateway is no fact. The program is not what it is taken for, or was upgraded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FactError {
    #[error("the gateway's event {0} does not decode: it is another version of the program, correct its address")]
    Malformed(&'static str),
    #[error("the gateway gives a message the id {given}, but its fields lead to {computed}: it is another program")]
    WrongMessageId { given: B256, computed: B256 },
}

/// Reads events of one gateway.
#[derive(Clone, Debug)]
pub(crate) struct FactDecoder {
    hub: HubId,
    chain: ChainId,
    gateway: Account,
    gateways: Gateways,
}

#[derive(BorshDeserialize)]
struct Sent {
    id: [u8; 32],
    target: u64,
    nonce: u64,
    sender: [u8; 32],
    recipient: [u8; 32],
    timestamp: u64,
    gas_limit: u64,
    deadline: u64,
    payload: Vec<u8>,
}

/// `Delivered`, `Expired` and `Refunded` are alike.
#[derive(BorshDeserialize)]
struct Moved {
    id: [u8; 32],
    _peer: u64,
    _nonce: u64,
}

/// `Locked` and `Escaped` are alike, and `Settled` begins so.
#[derive(BorshDeserialize)]
struct LegEvent {
    deal_id: [u8; 32],
    lock_key: [u8; 32],
    index: u8,
}

#[derive(BorshDeserialize)]
struct Settled {
    leg: LegEvent,
    commit: bool,
}

impl FactDecoder {
    pub(crate) const fn new(hub: HubId, chain: ChainId, gateway: Account, gateways: Gateways) -> Self {
        Self { hub, chain, gateway, gateways }
    }

    /// All facts of a block, in order.
    pub(crate) fn block(&self, block: &Block) -> Result<Vec<Fact>, FactError> {
        let mut facts = Vec::new();
        for emission in &block.emissions {
            for (event_index, event) in (0u32..).zip(&emission.events) {
                let Some(kind) = self.kind(event)? else { continue };
                let (block_number, block_hash, tx_index) = (block.slot, block.hash, emission.tx_index);
                let origin = Origin { chain: self.chain, block_number, block_hash, tx_index, event_index };
                facts.push(Fact { origin, kind });
            }
        }
        Ok(facts)
    }

    /// What an event says, if it is one of those that are facts to the hub.
    pub(crate) fn kind(&self, event: &Bytes) -> Result<Option<FactKind>, FactError> {
        let Some((discriminator, fields)) = event.split_first_chunk::<8>() else {
            return Err(FactError::Malformed("without a name"));
        };
        Ok(Some(match *discriminator {
            SENT => self.sent(read(fields, "Sent")?)?,
            DELIVERED => FactKind::Delivered(read::<Moved>(fields, "Delivered")?.message()),
            EXPIRED => FactKind::Expired(read::<Moved>(fields, "Expired")?.message()),
            REFUNDED => FactKind::Refunded(read::<Moved>(fields, "Refunded")?.message()),
            LOCKED => {
                let (deal, index, lock_key) = read::<LegEvent>(fields, "Locked")?.parts();
                FactKind::Locked { deal, index, lock_key }
            }
            SETTLED => {
                let Settled { leg, commit } = read(fields, "Settled")?;
                let (deal, index, lock_key) = leg.parts();
                let decision = if commit { Decision::Commit } else { Decision::Abort };
                FactKind::Settled { deal, index, lock_key, decision }
            }
            ESCAPED => {
                let (deal, index, lock_key) = read::<LegEvent>(fields, "Escaped")?.parts();
                FactKind::Escaped { deal, index, lock_key }
            }
            _no_fact => return Ok(None),
        }))
    }

    /// A message whose id follows from its fields. Where the target is not in the table the id cannot be recomputed
    /// here; the hub knows no such target either and refuses the message.
    fn sent(&self, event: Sent) -> Result<FactKind, FactError> {
        let message = Message {
            version: MESSAGE_VERSION,
            source: self.chain,
            target: ChainId(event.target),
            nonce: Nonce(event.nonce),
            sender: Account(event.sender.into()),
            recipient: Account(event.recipient.into()),
            timestamp: Timestamp(event.timestamp),
            gas_limit: event.gas_limit,
            deadline: Timestamp(event.deadline),
            payload: event.payload.into(),
        };
        if let Some(target_gateway) = self.gateways.get(&message.target).copied() {
            let computed = message.id(self.hub, &Route { source_gateway: self.gateway, target_gateway }).0;
            let given = B256::from(event.id);
            if computed != given {
                return Err(FactError::WrongMessageId { given, computed });
            }
        }
        Ok(FactKind::Sent { gateway: self.gateway, message })
    }
}

impl Moved {
    fn message(&self) -> MessageId {
        MessageId(self.id.into())
    }
}

impl LegEvent {
    fn parts(&self) -> (DealId, u8, LockKey) {
        (DealId(self.deal_id.into()), self.index, LockKey(self.lock_key.into()))
    }
}

/// The id of the message that these events say was sent.
pub(crate) fn sent_message(events: &[Bytes]) -> Option<MessageId> {
    let sent = events.iter().find_map(|event| event.strip_prefix(&SENT))?;
    sent.first_chunk::<32>().map(|id| MessageId(B256::from(*id)))
}

fn read<T: BorshDeserialize>(fields: &[u8], name: &'static str) -> Result<T, FactError> {
    T::try_from_slice(fields).map_err(|_| FactError::Malformed(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Emission;
    use solana_signature::Signature;

    const CHAIN: ChainId = ChainId(1 << 63);
    const GATEWAY: Account = Account(B256::repeat_byte(7));
    const PEER: Account = Account(B256::repeat_byte(8));

    fn decoder() -> FactDecoder {
        FactDecoder::new(HubId(B256::repeat_byte(9)), CHAIN, GATEWAY, [(ChainId(56), PEER)].into())
    }

    fn message() -> Message {
        Message {
            version: MESSAGE_VERSION,
            source: CHAIN,
            target: ChainId(56),
            nonce: Nonce(3),
            sender: Account(B256::repeat_byte(1)),
            recipient: Account(B256::repeat_byte(2)),
            timestamp: Timestamp(1_000),
            gas_limit: 50_000,
            deadline: Timestamp(0),
            payload: Bytes::from_static(b"hello"),
        }
    }

    fn sent(id: B256, message: &Message) -> Bytes {
        let numbers = [message.target.0, message.nonce.0].map(u64::to_le_bytes).concat();
        let times = [message.timestamp.0, message.gas_limit, message.deadline.0].map(u64::to_le_bytes).concat();
        let length = u32::try_from(message.payload.len()).expect("is short").to_le_bytes();
        let parts: [&[u8]; 8] = [
            &SENT,
            id.as_slice(),
            &numbers,
            message.sender.as_ref(),
            message.recipient.as_ref(),
            &times,
            &length,
            &message.payload,
        ];
        parts.concat().into()
    }

    fn id() -> B256 {
        message().id(HubId(B256::repeat_byte(9)), &Route { source_gateway: GATEWAY, target_gateway: PEER }).0
    }

    fn leg(discriminator: [u8; 8], tail: &[u8]) -> Bytes {
        [discriminator.as_slice(), &[4; 32], &[5; 32], &[6], tail].concat().into()
    }

    #[test]
    fn facts_keep_the_place_of_their_event() {
        let events = vec![leg([9; 8], &[]), sent(id(), &message()), leg(SETTLED, &[1])];
        let emission = Emission { tx_index: 2, signature: Signature::from([0; 64]), events };
        let hash = B256::repeat_byte(3);
        let block =
            Block { slot: 9, hash, parent_slot: 8, parent_hash: hash, time: Timestamp(0), emissions: vec![emission] };
        let facts = decoder().block(&block).expect("decodes");
        let places: Vec<_> = facts.iter().map(|fact| (fact.origin.tx_index, fact.origin.event_index)).collect();
        assert_eq!(places, [(2, 1), (2, 2)]);
        assert_eq!(facts[0].kind, FactKind::Sent { gateway: GATEWAY, message: message() });
        let (deal, lock_key) = (DealId(B256::repeat_byte(4)), LockKey(B256::repeat_byte(5)));
        assert_eq!(facts[1].kind, FactKind::Settled { deal, index: 6, lock_key, decision: Decision::Commit });
        assert_eq!(sent_message(&block.emissions[0].events), Some(MessageId(id())));
    }

    #[test]
    fn a_message_id_that_does_not_follow_is_refused() {
        let forged = decoder().kind(&sent(B256::repeat_byte(6), &message()));
        assert!(matches!(forged, Err(FactError::WrongMessageId { .. })), "{forged:?}");
    }

    #[test]
    fn events_that_do_not_decode_are_refused() {
        for event in [leg(LOCKED, &[0]), leg(SETTLED, &[2]), leg(SETTLED, &[]), Bytes::from_static(b"short")] {
            let found = decoder().kind(&event);
            assert!(matches!(found, Err(FactError::Malformed(_))), "{found:?}");
        }
        let cut = sent(id(), &message());
        assert!(decoder().kind(&cut.slice(..cut.len() - 1)).is_err());
    }
}
