//! One value of each stored type, with every field filled.

use infrastrukt_protocol::{
    ChainRecord, ChainTiming, CheckpointRecord, DealEvent, DealRecord, DealTerms, EpochRecord, Genesis, Hub, HubTiming,
    Identity, LegTerms, MessageRecord, Proposal, RotationTally, Rules, Sweep, Tally, Tip, build, deadlines, step_deal,
};
use infrastrukt_types::{
    Account, Address, Amount, B256, Block, Bytes, ChainId, Deal, DealCancel, Decision, EcdsaCertificate, Epoch, Fact,
    FactKind, Height, HubTx, Leaf, Message, MessageId, Nonce, Origin, Timestamp, Validator, ValidatorSet,
};

pub(crate) const NOW: Timestamp = Timestamp(1_000_000);

fn account(byte: u8) -> Account {
    Address::repeat_byte(byte).into()
}

pub(crate) fn set() -> ValidatorSet {
    let members = (1..=4).map(|byte| Validator { address: Address::repeat_byte(byte), weight: 10 }).collect();
    ValidatorSet::new(members).expect("well formed")
}

pub(crate) fn genesis() -> Genesis {
    let chain = |id: u64, byte: u8| ChainRecord {
        id: ChainId(id),
        name: format!("eip155:{id}").parse().expect("a chain name"),
        gateway: account(byte),
        escrow: account(byte + 1),
        verifier: account(byte + 2),
        token_bridge: account(byte + 3),
        timing: ChainTiming { finality_s: 60, inclusion_s: 100, skew_s: 15, observe_s: 30 },
    };
    Genesis {
        identity: Identity {
            name: "test".into(),
            created_at: NOW,
            validators: set(),
            epoch_expires_at: NOW.plus(10_000_000),
        },
        timing: HubTiming {
            certify_s: 60,
            recovery_s: 600,
            escape_delay_s: 3_600,
            escape_window_s: 1_800,
            lock_within_max_s: 7_200,
            reissue_after_blocks: 5,
            skew_max_s: 10,
        },
        chains: vec![chain(1, 0x10), chain(2, 0x20)],
    }
}

pub(crate) fn hub() -> Hub {
    Hub::new(genesis())
}

pub(crate) fn rules() -> Rules {
    Rules::from(&genesis().timing)
}

pub(crate) fn deal(nonce: u8) -> Deal {
    let leg = |byte: u8, chain: u64| LegTerms {
        chain: ChainId(chain),
        token: Account::ZERO,
        amount: Amount(1_000),
        depositor: account(byte),
        on_commit: account(0x83 - byte),
        on_abort: account(byte),
        tip: Amount(10),
    };
    let legs = vec![leg(0x41, 1), leg(0x42, 2)];
    let terms = DealTerms { nonce: B256::repeat_byte(nonce), lock_within_s: 600, legs };
    deadlines(NOW, &terms, &genesis()).expect("accepted")
}

pub(crate) fn deal_record(nonce: u8) -> DealRecord {
    DealRecord::new(hub().hub_id, u64::from(nonce) - 1, deal(nonce), NOW)
}

/// The deal with one leg locked and its cancel decided.
pub(crate) fn aborted(nonce: u8) -> DealRecord {
    let open = deal_record(nonce);
    let lock = DealEvent::LockProven { index: 0, lock_key: open.legs[0].lock_key, at: NOW.plus(9) };
    let locked = step_deal(&open, &lock, &rules()).expect("locks").next;
    step_deal(&locked, &DealEvent::Cancelled { at: NOW.plus(20) }, &rules()).expect("cancels").next
}

pub(crate) fn origin(block: u64, event_index: u32) -> Origin {
    Origin { chain: ChainId(1), block_number: block, block_hash: B256::repeat_byte(0xb1), tx_index: 2, event_index }
}

pub(crate) fn message(nonce: u64) -> Message {
    Message {
        version: 1,
        source: ChainId(1),
        target: ChainId(2),
        nonce: Nonce(nonce),
        sender: account(0x51),
        recipient: account(0x52),
        timestamp: NOW,
        gas_limit: 100_000,
        deadline: NOW.plus(900),
        payload: vec![1, 2, 3].into(),
    }
}

pub(crate) fn message_record(nonce: u64) -> MessageRecord {
    let genesis = genesis();
    let route = genesis.route(ChainId(1), ChainId(2)).expect("registered");
    let message = message(nonce);
    MessageRecord::new(message.id(hub().hub_id, &route), nonce - 1, message, origin(70, 0), NOW.plus(3))
}

pub(crate) fn fact(event_index: u32) -> Fact {
    let gateway = genesis().chains[0].gateway;
    Fact { origin: origin(70, event_index), kind: FactKind::Sent { gateway, message: message(1) } }
}

pub(crate) fn tally() -> Tally {
    Tally { fact: fact(0), voters: vec![Address::repeat_byte(1), Address::repeat_byte(3)], first_seen: NOW.plus(2) }
}

pub(crate) fn epoch() -> EpochRecord {
    EpochRecord {
        checkpoint: Some(Height(4)),
        started_at: Some(NOW.plus(50)),
        retired_at: Some(NOW.plus(5_000)),
        ..EpochRecord::pending(Epoch(2), set(), NOW.plus(20_000_000))
    }
}

pub(crate) fn votes() -> RotationTally {
    let voters = vec![Address::repeat_byte(2)];
    let proposals = vec![Proposal { set: set(), expires_at: NOW.plus(30_000_000), voters }];
    RotationTally { epoch: Epoch(3), proposals }
}

/// A checkpoint of this height with one leaf, not certified.
pub(crate) fn checkpoint(height: u64, leaf: Leaf) -> CheckpointRecord {
    let root = B256::repeat_byte(0x55);
    build(hub().hub_id, &epoch(), Height(height), NOW.plus(height), root, &[leaf]).remove(0)
}

/// The same, certified.
pub(crate) fn certified(height: u64, cursor: u64) -> CheckpointRecord {
    let record = checkpoint(height, Leaf::Message(MessageId(B256::repeat_byte(6))));
    CheckpointRecord { certificate: Some(EcdsaCertificate(vec![7; 40].into())), cursor: Some(cursor), ..record }
}

pub(crate) fn block() -> Block {
    let cancel = DealCancel { deal: deal(1).id(hub().hub_id), signatures: vec![Bytes::from(vec![9; 65]); 2] };
    let txs = vec![HubTx::RegisterDeal(deal(1)), HubTx::CancelDeal(cancel)];
    Block { height: Height(1), time: NOW.plus(1), parent: B256::ZERO, txs }
}

pub(crate) fn tip() -> Tip {
    Tip {
        height: Height(12),
        time: NOW.plus(12),
        block_hash: B256::repeat_byte(0x21),
        epoch: Epoch(2),
        valset_hash: epoch().valset_hash,
        state_root: B256::repeat_byte(0x22),
        next_cursor: 5,
        next_message: 6,
        next_deal: 7,
        open_deals: 3,
        pending_facts: [(Address::repeat_byte(1), 8)].into(),
        sweep: Some(Sweep { message_next: 1, message_end: 6, deal_next: 2, deal_end: 7 }),
    }
}

/// A decision leaf of a deal.
pub(crate) fn decision(nonce: u8, decision: Decision) -> Leaf {
    Leaf::Decision(deal(nonce).id(hub().hub_id), decision)
}
