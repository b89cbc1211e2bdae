//! From logs of the hub's own contracts to facts.

use alloy::sol_types::SolEvent;
use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};
use infrastrukt_types::{
    Account, ChainId, DealId, Decision, Fact, FactKind, HubId, LockKey, MESSAGE_VERSION, Message, MessageId, Nonce,
    Origin, Route, Timestamp,
};
use std::collections::BTreeMap;

use crate::{
    bindings::{IEscrow, IGateway},
    config::Contracts,
    receipts::ProvenReceipt,
};

/// Gateways of all chains: needed to recompute message ids.
pub type Gateways = BTreeMap<ChainId, Account>;

/// Reads logs of one chain's contracts.
#[derive(Clone, Debug)]
pub struct FactDecoder {
    hub: HubId,
    chain: ChainId,
    gateway: Address,
    escrow: Address,
    gateways: Gateways,
}

/// A log that the hub's contract cannot have written: the address is not what it is taken for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// The topic is ours, the rest is not.
    #[error("{contract} wrote an event {topic} that does not decode: it is not the hub's contract of this version")]
    Malformed {
        /// Who wrote it.
        contract: Address,
        /// Its topic.
        topic: B256,
    },
    /// The id does not follow from the message.
    #[error(
        "{gateway} sent message {given}, but its fields hash to {computed}: it belongs to another hub, or a gateway in \
         the configuration is wrong"
    )]
    WrongMessageId {
        /// Who wrote it.
        gateway: Address,
        /// Id in the event.
        given: B256,
        /// Id recomputed.
        computed: B256,
    },
    /// A log index past 2^32.
    #[error("a receipt has more logs than can be numbered")]
    TooManyLogs,
}

const GATEWAY_TOPICS: [B256; 4] = [
    IGateway::Sent::SIGNATURE_HASH,
    IGateway::Delivered::SIGNATURE_HASH,
    IGateway::Expired::SIGNATURE_HASH,
    IGateway::Refunded::SIGNATURE_HASH,
];

const ESCROW_TOPICS: [B256; 3] =
    [IEscrow::Locked::SIGNATURE_HASH, IEscrow::Settled::SIGNATURE_HASH, IEscrow::Escaped::SIGNATURE_HASH];

impl FactDecoder {
    /// Reads `contracts` of `chain` under `hub`.
    pub const fn new(hub: HubId, chain: ChainId, contracts: &Contracts, gateways: Gateways) -> Self {
        Self { hub, chain, gateway: contracts.gateway, escrow: contracts.escrow, gateways }
    }

    /// False where the bloom filter of a header proves that the block holds no fact.
    pub fn may_contain(&self, bloom: &Bloom) -> bool {
        let has = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        let any = |topics: &[B256]| topics.iter().any(|topic| has(topic.as_slice()));
        (has(self.gateway.as_slice()) && any(&GATEWAY_TOPICS)) || (has(self.escrow.as_slice()) && any(&ESCROW_TOPICS))
    }

    /// The facts of one transaction, in the order of its logs.
    pub fn decode(&self, block_number: u64, block_hash: B256, receipt: &ProvenReceipt) -> Result<Vec<Fact>, FactError> {
        let mut facts = Vec::new();
        for (index, log) in receipt.logs.iter().enumerate() {
            let Some(kind) = self.kind(log)? else { continue };
            let event_index = u32::try_from(index).map_err(|_| FactError::TooManyLogs)?;
            let tx_index = receipt.tx_index;
            let origin = Origin { chain: self.chain, block_number, block_hash, tx_index, event_index };
            facts.push(Fact { origin, kind });
        }
        Ok(facts)
    }

    fn kind(&self, log: &Log) -> Result<Option<FactKind>, FactError> {
        let Some(topic) = log.topics().first().copied() else { return Ok(None) };
        match log.address {
            address if address == self.gateway => self.gateway_event(log, topic),
            address if address == self.escrow => escrow_event(log, topic),
            _stranger => Ok(None),
        }
    }

    fn gateway_event(&self, log: &Log, topic: B256) -> Result<Option<FactKind>, FactError> {
        let kind = match topic {
            IGateway::Sent::SIGNATURE_HASH => self.sent(read(log, topic)?)?,
            IGateway::Delivered::SIGNATURE_HASH => {
                FactKind::Delivered(MessageId(read::<IGateway::Delivered>(log, topic)?.id))
            }
            IGateway::Expired::SIGNATURE_HASH => {
                FactKind::Expired(MessageId(read::<IGateway::Expired>(log, topic)?.id))
            }
            IGateway::Refunded::SIGNATURE_HASH => {
                FactKind::Refunded(MessageId(read::<IGateway::Refunded>(log, topic)?.id))
            }
            _no_fact => return Ok(None),
        };
        Ok(Some(kind))
    }

    /// A message whose id follows from its fields. Where the target is not in the table the id cannot be recomputed
    /// here; the hub knows no such target either and refuses the message.
    fn sent(&self, event: IGateway::Sent) -> Result<FactKind, FactError> {
        let given = event.id;
        let source_gateway = Account::from(self.gateway);
        let message = Message {
            version: MESSAGE_VERSION,
            source: self.chain,
            target: ChainId(event.target),
            nonce: Nonce(event.nonce),
            sender: Account(event.sender),
            recipient: Account(event.recipient),
            timestamp: Timestamp(event.timestamp),
            gas_limit: event.gasLimit,
            deadline: Timestamp(event.deadline),
            payload: event.payload,
        };
        if let Some(target_gateway) = self.gateways.get(&message.target).copied() {
            let computed = message.id(self.hub, &Route { source_gateway, target_gateway }).0;
            if computed != given {
                return Err(FactError::WrongMessageId { gateway: self.gateway, given, computed });
            }
        }
        Ok(FactKind::Sent { gateway: source_gateway, message })
    }
}

fn escrow_event(log: &Log, topic: B256) -> Result<Option<FactKind>, FactError> {
    let kind = match topic {
        IEscrow::Locked::SIGNATURE_HASH => {
            let event: IEscrow::Locked = read(log, topic)?;
            FactKind::Locked { deal: DealId(event.dealId), index: event.index, lock_key: LockKey(event.lockKey) }
        }
        IEscrow::Settled::SIGNATURE_HASH => {
            let event: IEscrow::Settled = read(log, topic)?;
            let decision = if event.commit { Decision::Commit } else { Decision::Abort };
            let (deal, lock_key) = (DealId(event.dealId), LockKey(event.lockKey));
            FactKind::Settled { deal, index: event.index, lock_key, decision }
        }
        IEscrow::Escaped::SIGNATURE_HASH => {
            let event: IEscrow::Escaped = read(log, topic)?;
            FactKind::Escaped { deal: DealId(event.dealId), index: event.index, lock_key: LockKey(event.lockKey) }
        }
        _no_fact => return Ok(None),
    };
    Ok(Some(kind))
}

fn read<E: SolEvent>(log: &Log, topic: B256) -> Result<E, FactError> {
    E::decode_log_data_validate(&log.data).map_err(|_| FactError::Malformed { contract: log.address, topic })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Bytes, address, b256};

    const GATEWAY: Address = address!("00000000000000000000000000000000000000aa");
    const ESCROW: Address = address!("00000000000000000000000000000000000000bb");
    const PEER: Account = Account(b256!("00000000000000000000000000000000000000000000000000000000000000cc"));

    fn decoder() -> FactDecoder {
        let contracts = Contracts {
            gateway: GATEWAY,
            escrow: ESCROW,
            verifier: Address::repeat_byte(1),
            token_bridge: Address::repeat_byte(2),
        };
        FactDecoder::new(HubId(B256::repeat_byte(9)), ChainId(1), &contracts, [(ChainId(56), PEER)].into())
    }

    fn message() -> Message {
        Message {
            version: MESSAGE_VERSION,
            source: ChainId(1),
            target: ChainId(56),
            nonce: Nonce(7),
            sender: Account(B256::repeat_byte(3)),
            recipient: Account(B256::repeat_byte(4)),
            timestamp: Timestamp(1_000),
            gas_limit: 50_000,
            deadline: Timestamp(0),
            payload: Bytes::from_static(b"hello"),
        }
    }

    fn sent(id: B256, target: u64) -> Log {
        let message = message();
        let event = IGateway::Sent {
            id,
            target,
            nonce: message.nonce.0,
            sender: message.sender.0,
            recipient: message.recipient.0,
            timestamp: message.timestamp.0,
            gasLimit: message.gas_limit,
            deadline: message.deadline.0,
            payload: message.payload,
        };
        Log { address: GATEWAY, data: event.encode_log_data() }
    }

    fn id() -> B256 {
        let route = Route { source_gateway: Account::from(GATEWAY), target_gateway: PEER };
        message().id(HubId(B256::repeat_byte(9)), &route).0
    }

    fn decode(logs: Vec<Log>) -> Result<Vec<Fact>, FactError> {
        decoder().decode(5, B256::repeat_byte(5), &ProvenReceipt { tx_index: 2, logs })
    }

    #[test]
    fn reads_its_own_contracts_only() {
        let locked = IEscrow::Locked { dealId: B256::repeat_byte(1), lockKey: B256::repeat_byte(2), index: 3 };
        let stranger = Log { address: Address::repeat_byte(0xee), data: locked.encode_log_data() };
        let swapped = Log { address: GATEWAY, data: locked.encode_log_data() };
        let own = Log { address: ESCROW, data: locked.encode_log_data() };
        let facts = decode(vec![stranger, swapped, own, sent(id(), 56)]).expect("decodes");
        let indices: Vec<u32> = facts.iter().map(|fact| fact.origin.event_index).collect();
        assert_eq!(indices, [2, 3]);
        assert!(matches!(facts[0].kind, FactKind::Locked { index: 3, .. }));
        assert_eq!(facts[1].kind, FactKind::Sent { gateway: Account::from(GATEWAY), message: message() });
    }

    #[test]
    fn refuses_a_message_id_that_does_not_follow() {
        let forged = decode(vec![sent(B256::repeat_byte(6), 56)]);
        assert!(matches!(forged, Err(FactError::WrongMessageId { .. })), "{forged:?}");
        // The target is in the id, so the same id under another target is as wrong, unless that target is unknown.
        assert_eq!(decode(vec![sent(id(), 57)]).expect("the hub judges unknown targets").len(), 1);
    }

    #[test]
    fn refuses_an_event_that_does_not_decode() {
        let mut log = sent(id(), 56);
        log.data.data = Bytes::from_static(b"short");
        assert!(matches!(decode(vec![log]), Err(FactError::Malformed { .. })));
    }

    #[test]
    fn bloom_excludes_blocks_without_facts() {
        let bloom = |logs: &[Log]| logs.iter().collect::<Bloom>();
        assert!(decoder().may_contain(&bloom(&[sent(id(), 56)])));
        let mut foreign = sent(id(), 56);
        foreign.address = Address::repeat_byte(0xee);
        assert!(!decoder().may_contain(&bloom(&[foreign])));
        assert!(!decoder().may_contain(&Bloom::ZERO));
    }
}
