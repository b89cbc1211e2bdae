//! Values that the unit tests of several files share.

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use infrastrukt_types::{
    Account, Address, Amount, B256, Bytes, ChainId, Deal, Decision, Epoch, Message, Nonce, Origin, Timestamp,
    Validator, ValidatorSet,
};

use crate::{
    deal::{DealEvent, DealRecord, Rules, step},
    genesis::{ChainRecord, ChainTiming, Genesis, HubTiming, Identity},
    limits::{DealTerms, LegTerms, deadlines},
    message::MessageRecord,
    valset::EpochRecord,
};

/// Hub time at which tests begin.
pub(crate) const NOW: Timestamp = Timestamp(1_000_000);

/// Rules of the test genesis.
pub(crate) const RULES: Rules = Rules { recovery_s: 600 };

/// The key of a validator.
pub(crate) fn key(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index + 1)).expect("a valid key")
}

/// Keys in the order of their addresses, which is the order of the set.
pub(crate) fn keys(count: u8) -> Vec<PrivateKeySigner> {
    let mut keys: Vec<_> = (0..count).map(key).collect();
    keys.sort_by_key(PrivateKeySigner::address);
    keys
}

/// `r ‖ s ‖ v` over a digest.
pub(crate) fn sign(key: &PrivateKeySigner, digest: B256) -> [u8; 65] {
    key.sign_hash_sync(&digest).expect("a local key signs").as_bytes()
}

/// The same as bytes.
pub(crate) fn signed(key: &PrivateKeySigner, digest: B256) -> Bytes {
    sign(key, digest).to_vec().into()
}

/// A set of equal weights.
pub(crate) fn validator_set(count: u8) -> ValidatorSet {
    let members = keys(count).iter().map(|key| Validator { address: key.address(), weight: 10 }).collect();
    ValidatorSet::new(members).expect("well formed")
}

pub(crate) fn account(byte: u8) -> Account {
    Address::repeat_byte(byte).into()
}

fn chain(id: u64, byte: u8) -> ChainRecord {
    ChainRecord {
        id: ChainId(id),
        name: format!("eip155:{id}").parse().expect("a chain name"),
        gateway: account(byte),
        escrow: account(byte + 1),
        verifier: account(byte + 2),
        token_bridge: account(byte + 3),
        timing: ChainTiming { finality_s: 60 * id, inclusion_s: 100, skew_s: 15, observe_s: 30 },
    }
}

/// The same chains, of which the second has ed25519 keys as accounts and an id that the hub assigned.
pub(crate) fn mixed_genesis() -> Genesis {
    let wide = |byte: u8| Account(B256::repeat_byte(byte));
    let mut genesis = genesis();
    let second = &mut genesis.chains[1];
    second.id = ChainId(ChainId::HUB_ASSIGNED_MIN + 1);
    second.name = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1".parse().expect("a chain name");
    (second.gateway, second.escrow, second.verifier, second.token_bridge) = (wide(1), wide(2), wide(3), wide(4));
    genesis
}

/// Two chains and four validators.
pub(crate) fn genesis() -> Genesis {
    Genesis {
        identity: Identity {
            name: "test".into(),
            created_at: NOW,
            validators: validator_set(4),
            epoch_expires_at: NOW.plus(10_000_000),
        },
        timing: HubTiming {
            certify_s: 60,
            recovery_s: RULES.recovery_s,
            escape_delay_s: 3_600,
            escape_window_s: 1_800,
            lock_within_max_s: 7_200,
            reissue_after_blocks: 5,
            skew_max_s: 10,
        },
        chains: vec![chain(1, 0x10), chain(2, 0x20)],
    }
}

/// The key of a leg's depositor.
pub(crate) fn depositor(index: u8) -> PrivateKeySigner {
    key(100 + index)
}

/// A swap between the two chains.
pub(crate) fn terms() -> DealTerms {
    let leg = |index: u8, chain: u64| LegTerms {
        chain: ChainId(chain),
        token: Account::ZERO,
        amount: Amount(1_000),
        depositor: depositor(index).address().into(),
        on_commit: depositor(1 - index).address().into(),
        on_abort: depositor(index).address().into(),
        tip: Amount(10),
    };
    DealTerms { nonce: B256::repeat_byte(7), lock_within_s: 600, legs: vec![leg(0, 1), leg(1, 2)] }
}

/// The same with its deadlines.
pub(crate) fn deal() -> Deal {
    deadlines(NOW, &terms(), &genesis()).expect("accepted")
}

/// The deal at its registration.
pub(crate) fn deal_record() -> DealRecord {
    DealRecord::new(genesis().identity.hub_id(), 0, deal(), NOW)
}

/// The lock of a leg, proven in time.
pub(crate) fn lock(record: &DealRecord, index: u8) -> DealEvent {
    DealEvent::LockProven { index, lock_key: record.legs[usize::from(index)].lock_key, at: record.deal.decide_by }
}

/// The deal with COMMIT decided.
pub(crate) fn committed() -> DealRecord {
    let open = deal_record();
    let first = step(&open, &lock(&open, 0), &RULES).expect("locks").next;
    let both = step(&first, &lock(&first, 1), &RULES).expect("locks").next;
    assert_eq!(both.decision, Some(Decision::Commit));
    both
}

pub(crate) fn origin(chain: u64, block: u64, event_index: u32) -> Origin {
    Origin {
        chain: ChainId(chain),
        block_number: block,
        block_hash: B256::repeat_byte(u8::try_from(block % 250).expect("below 250")),
        tx_index: 0,
        event_index,
    }
}

/// A message from the first chain to the second.
pub(crate) fn message(nonce: u64) -> Message {
    Message {
        version: 1,
        source: ChainId(1),
        target: ChainId(2),
        nonce: Nonce(nonce),
        sender: account(0x71),
        recipient: account(0x72),
        timestamp: NOW,
        gas_limit: 100_000,
        deadline: Timestamp(0),
        payload: vec![1, 2, 3].into(),
    }
}

pub(crate) fn message_record(nonce: u64) -> MessageRecord {
    let genesis = genesis();
    let message = message(nonce);
    let route = genesis.route(message.source, message.target).expect("registered");
    let id = message.id(genesis.identity.hub_id(), &route);
    MessageRecord::new(id, nonce - 1, message, origin(1, 10, 0), NOW)
}

pub(crate) fn epoch_record(epoch: u64) -> EpochRecord {
    EpochRecord::pending(Epoch(epoch), validator_set(4), NOW.plus(10_000_000))
}
