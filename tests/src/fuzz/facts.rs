//! Logs of a receipt as facts. The input is the list of logs as receipts encode it.

use alloy::{
    rlp::{Decodable, Encodable},
    sol_types::SolEvent,
};
use alloy_primitives::{Address, Log, LogData};
use infrastrukt_evm::{
    Contracts, FactDecoder,
    bindings::{IEscrow, IGateway},
    receipts::ProvenReceipt,
};
use infrastrukt_types::{Account, B256, ChainId, Decision, FactKind, Message, Route};
use std::sync::LazyLock;

use super::{
    Seed,
    vectors::{self, hub},
};

const GATEWAY: Address = Address::repeat_byte(0xaa);
const ESCROW: Address = Address::repeat_byte(0xbb);
const BLOCK_NUMBER: u64 = 7;
const BLOCK_HASH: B256 = B256::repeat_byte(7);
const TX_INDEX: u32 = 3;

/// The gateway of every other chain.
const PEER: Account = Account(B256::repeat_byte(0xcc));

/// The chain that the vectors' messages come from.
static CHAIN: LazyLock<ChainId> = LazyLock::new(|| messages().first().map_or(ChainId(1), |message| message.source));

static DECODER: LazyLock<FactDecoder> = LazyLock::new(|| {
    let contracts = Contracts {
        gateway: GATEWAY,
        escrow: ESCROW,
        verifier: Address::repeat_byte(1),
        token_bridge: Address::repeat_byte(2),
    };
    let gateways = messages().iter().map(|message| (message.target, PEER)).collect();
    FactDecoder::new(hub(), *CHAIN, &contracts, gateways)
});

pub(super) fn run(data: &[u8]) {
    let mut rest = data;
    let Ok(logs) = Vec::<Log>::decode(&mut rest) else { return };
    let receipt = ProvenReceipt { tx_index: TX_INDEX, logs };
    let Ok(facts) = DECODER.decode(BLOCK_NUMBER, BLOCK_HASH, &receipt) else { return };
    let mut next = 0;
    for fact in facts {
        let (origin, at) = (fact.origin, fact.origin.event_index);
        assert_eq!((origin.chain, origin.block_number, origin.tx_index), (*CHAIN, BLOCK_NUMBER, TX_INDEX));
        assert!(at >= next, "events come in their order and once");
        next = at + 1;
        let writer = receipt.logs[at as usize].address;
        match fact.kind {
            FactKind::Sent { gateway, message } => {
                assert_eq!((writer, gateway), (GATEWAY, Account::from(GATEWAY)));
                assert_eq!(message.source, *CHAIN);
            }
            FactKind::Delivered(_) | FactKind::Expired(_) | FactKind::Refunded(_) => assert_eq!(writer, GATEWAY),
            FactKind::Locked { .. } | FactKind::Settled { .. } | FactKind::Escaped { .. } => {
                assert_eq!(writer, ESCROW);
            }
        }
    }
}

fn messages() -> Vec<Message> {
    let sent = |kind| match kind {
        FactKind::Sent { message, .. } => Some(message),
        FactKind::Delivered(_)
        | FactKind::Expired(_)
        | FactKind::Refunded(_)
        | FactKind::Locked { .. }
        | FactKind::Settled { .. }
        | FactKind::Escaped { .. } => None,
    };
    vectors::facts().into_iter().filter_map(|fact| sent(fact.kind)).collect()
}

/// The log that a contract writes for a fact of the vectors.
fn log(kind: &FactKind) -> Log {
    let (address, data): (Address, LogData) = match kind {
        FactKind::Sent { message, .. } => (GATEWAY, sent(message).encode_log_data()),
        FactKind::Delivered(id) => (GATEWAY, IGateway::Delivered { id: id.0, source: 1, nonce: 1 }.encode_log_data()),
        FactKind::Expired(id) => (GATEWAY, IGateway::Expired { id: id.0, source: 1, nonce: 1 }.encode_log_data()),
        FactKind::Refunded(id) => (GATEWAY, IGateway::Refunded { id: id.0, target: 1, nonce: 1 }.encode_log_data()),
        FactKind::Locked { deal, index, lock_key } => {
            let event = IEscrow::Locked { dealId: deal.0, lockKey: lock_key.0, index: *index };
            (ESCROW, event.encode_log_data())
        }
        FactKind::Settled { deal, index, lock_key, decision } => {
            let commit = *decision == Decision::Commit;
            let event = IEscrow::Settled { dealId: deal.0, lockKey: lock_key.0, index: *index, commit };
            (ESCROW, event.encode_log_data())
        }
        FactKind::Escaped { deal, index, lock_key } => {
            let event = IEscrow::Escaped { dealId: deal.0, lockKey: lock_key.0, index: *index };
            (ESCROW, event.encode_log_data())
        }
    };
    Log { address, data }
}

fn sent(message: &Message) -> IGateway::Sent {
    let route = Route { source_gateway: Account::from(GATEWAY), target_gateway: PEER };
    IGateway::Sent {
        id: message.id(hub(), &route).0,
        target: message.target.0,
        nonce: message.nonce.0,
        sender: message.sender.0,
        recipient: message.recipient.0,
        timestamp: message.timestamp.0,
        gasLimit: message.gas_limit,
        deadline: message.deadline.0,
        payload: message.payload.clone(),
    }
}

pub(super) fn seeds() -> Vec<Seed> {
    let logs: Vec<Log> = vectors::facts().iter().map(|fact| log(&fact.kind)).collect();
    let encode = |logs: &[Log]| {
        let mut bytes = Vec::new();
        logs.to_vec().encode(&mut bytes);
        bytes
    };
    let each =
        logs.iter().enumerate().map(|(number, log)| (format!("one_{number}"), encode(std::slice::from_ref(log))));
    each.chain([("all".to_string(), encode(&logs))]).collect()
}
