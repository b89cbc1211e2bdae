//! The model: production rules and a production message, the bounds, and the guard that is missing, if one is.

use infrastrukt_protocol::{CheckpointRecord, EpochRecord, MessageRecord, Rules, build, check_message, may_sign};
use infrastrukt_types::{Address, B256, ChainId, Epoch, Height, HubId, Leaf, Message, Nonce, Origin, ValidatorSet};

use super::{
    bounds::{MessageGuard, MessageSetup},
    brief::{EXPIRY_HEIGHT, SENT_HEIGHT},
    world::Part,
};
use crate::terms::{START, Second, genesis, hub_time};

/// Last second of target time for a delivery.
pub(crate) const DEADLINE: Second = 3;
/// Last second of hub time at which a message is sent.
pub(crate) const SEND_BY: Second = 2;
/// The end of time.
pub(crate) const HORIZON: Second = 8;

/// What honest validators sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    Sent,
    Expired,
}

pub(crate) struct MessageModel {
    pub(crate) setup: MessageSetup,
    /// The message as the hub records it at its proof.
    pub(crate) proven: MessageRecord,
    rules: Rules,
    set: ValidatorSet,
    epoch: EpochRecord,
    checkpoints: [CheckpointRecord; 2],
}

impl MessageModel {
    pub(crate) fn new(setup: MessageSetup) -> Self {
        let genesis = genesis(setup.committee);
        let [source, target] = [&genesis.chains[0], &genesis.chains[1]];
        let message = Message {
            version: 1,
            source: source.id,
            target: target.id,
            nonce: Nonce(1),
            sender: Address::repeat_byte(0x71).into(),
            recipient: Address::repeat_byte(0x72).into(),
            timestamp: START,
            gas_limit: 100_000,
            deadline: hub_time(DEADLINE),
            payload: vec![1].into(),
        };
        check_message(&message, source.id, source.gateway, &genesis).expect("accepted");
        let route = genesis.route(source.id, target.id).expect("registered");
        let id = message.id(genesis.identity.hub_id(), &route);
        let proven = MessageRecord::new(id, 0, message, origin(source.id), START);
        let set = setup.committee.set();
        let epoch = EpochRecord::pending(Epoch(1), set.clone(), START.plus(1_000));
        let checkpoint =
            |height: Height, leaf: Leaf| build(HubId::default(), &epoch, height, START, B256::ZERO, &[leaf]).remove(0);
        let checkpoints = [checkpoint(SENT_HEIGHT, Leaf::Message(id)), checkpoint(EXPIRY_HEIGHT, Leaf::Expired(id))];
        Self { setup, proven, rules: Rules::from(&genesis.timing), set, epoch, checkpoints }
    }

    /// The hostile world without one guard.
    pub(crate) fn without(guard: MessageGuard) -> Self {
        Self::new(MessageSetup { missing: Some(guard), ..Self::about(guard) })
    }

    /// The same world with every guard in place.
    pub(crate) fn sound(guard: MessageGuard) -> Self {
        Self::new(Self::about(guard))
    }

    /// A bit that is never cleared harms nobody's safety, only that something happens at all.
    fn about(guard: MessageGuard) -> MessageSetup {
        MessageSetup { live: guard == MessageGuard::FailureClears, ..MessageSetup::HOSTILE }
    }

    pub(crate) fn lacks(&self, guard: MessageGuard) -> bool {
        self.setup.missing == Some(guard)
    }

    pub(crate) fn messages(&self) -> std::ops::Range<u8> {
        0..self.setup.messages
    }

    /// A certificate can be made, be it by the traitors alone with the honest shares that they hold.
    pub(crate) fn can_certify(&self, part: &Part, statement: Statement) -> bool {
        let signed = part.shares[statement as usize] + self.setup.committee.traitors;
        self.lacks(MessageGuard::CertificateQuorum) || self.set.is_quorum(u128::from(signed))
    }

    /// An honest validator signs what it has stored, by the production rule.
    pub(crate) fn may_sign(&self, part: &Part, statement: Statement, now: Second) -> bool {
        let issued = match statement {
            Statement::Sent => part.hub.issued,
            Statement::Expired => part.hub.expiry_issued,
        };
        let fresh = part.shares[statement as usize] < self.setup.committee.honest;
        let checkpoint = &self.checkpoints[statement as usize];
        let allowed = || may_sign(checkpoint, &[], &self.epoch, hub_time(now), &self.rules).is_ok();
        issued && fresh && part.hub == part.durable && allowed()
    }
}

fn origin(chain: ChainId) -> Origin {
    Origin { chain, block_number: 1, block_hash: B256::repeat_byte(1), tx_index: 0, event_index: 0 }
}
