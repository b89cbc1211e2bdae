//! The gateway contract: sends messages, and delivers, expires and refunds each at most once.

use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_types::{
    Account, Amount, Bytes, ChainId, CheckpointKind, FactKind, HubId, Leaf, MESSAGE_VERSION, Message, MessageId, Nonce,
    Route, Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

use crate::{Environment, Epochs, Event, Recipient, Revert, epochs::prove};

/// Longest answer of a failing recipient that is kept.
const REASON_LEN: usize = 32;

/// A chain that messages go to and come from.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its gateway.
    pub gateway: Account,
    /// Nonce of the last message sent there.
    pub nonce: Nonce,
    /// Stops new sends and nothing else.
    pub paused: bool,
    /// Most gas a message may ask for.
    pub gas_limit_max: u64,
    /// Longest payload in bytes.
    pub payload_max: usize,
    /// Price of a message in the native coin.
    pub fee: Amount,
}

/// A message to be sent, as its sender asks for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) sender: Account,
    pub(crate) target: ChainId,
    pub(crate) recipient: Account,
    pub(crate) gas_limit: u64,
    pub(crate) deadline: Timestamp,
    pub(crate) payload: &'a Bytes,
    pub(crate) value: Amount,
}

/// The contract's state.
#[derive(Clone, Debug)]
pub struct Gateway {
    hub_id: HubId,
    here: ChainId,
    address: Account,
    /// Known chains. Public so that a test can pause one.
    pub targets: BTreeMap<ChainId, Target>,
    consumed: BTreeSet<(ChainId, Nonce)>,
    refunded: BTreeSet<(ChainId, Nonce)>,
}

impl Gateway {
    /// A gateway that knows these chains.
    pub fn new(hub_id: HubId, here: ChainId, address: Account, targets: BTreeMap<ChainId, Target>) -> Self {
        Self { hub_id, here, address, targets, consumed: BTreeSet::new(), refunded: BTreeSet::new() }
    }

    /// True when the message can never be delivered here again.
    pub fn is_consumed(&self, source: ChainId, nonce: Nonce) -> bool {
        self.consumed.contains(&(source, nonce))
    }

    /// True when the message that left here was given back.
    pub fn is_refunded(&self, target: ChainId, nonce: Nonce) -> bool {
        self.refunded.contains(&(target, nonce))
    }

    /// The price of a message.
    pub fn quote(&self, target: ChainId) -> Result<Amount, Revert> {
        self.targets.get(&target).map(|known| known.fee).ok_or(Revert::UnknownTarget(target))
    }

    pub(crate) fn send(&mut self, out: Outgoing<'_>, now: Timestamp) -> Result<(MessageId, FactKind), Revert> {
        let known = self.targets.get(&out.target).ok_or(Revert::UnknownTarget(out.target))?;
        check_send(known, &out, now)?;
        let nonce = known.nonce.next().ok_or(Revert::PausedTarget(out.target))?;
        let message = Message {
            version: MESSAGE_VERSION,
            source: self.here,
            target: out.target,
            nonce,
            sender: out.sender,
            recipient: out.recipient,
            timestamp: now,
            gas_limit: out.gas_limit,
            deadline: out.deadline,
            payload: out.payload.clone(),
        };
        let id = self.id(&message)?;
        if let Some(known) = self.targets.get_mut(&out.target) {
            known.nonce = nonce;
        }
        Ok((id, FactKind::Sent { gateway: self.address, message }))
    }

    /// Delivers. One message alone must be deliverable; of many, those that are not are skipped.
    pub(crate) fn deliver(
        &mut self,
        epochs: &Epochs,
        environment: &Environment,
        certified: &CertifiedLeaves,
        messages: &[Message],
        now: Timestamp,
    ) -> Result<Vec<Event>, Revert> {
        epochs.verify(certified, CheckpointKind::General, now)?;
        let ids = messages.iter().map(|message| self.inbound_id(message)).collect::<Result<Vec<_>, _>>()?;
        prove(certified, &ids.iter().copied().map(Leaf::Message).collect::<Vec<_>>())?;
        if let [message] = messages {
            self.require_living(message, now)?;
        }
        // All bits first, then the calls, then the bits of those that failed: a repeated message is called once.
        let claimed: Vec<bool> = messages
            .iter()
            .map(|message| !is_expired(message, now) && self.consumed.insert((message.source, message.nonce)))
            .collect();
        let mut events = Vec::new();
        for ((message, id), _) in messages.iter().zip(ids).zip(claimed).filter(|(_, claimed)| *claimed) {
            let refusal = refusal(environment, message.recipient);
            if refusal.is_some() {
                self.consumed.remove(&(message.source, message.nonce));
            }
            events.push(match refusal {
                None => Event::Fact(FactKind::Delivered(id)),
                Some(reason) => Event::DeliveryFailed { id, reason },
            });
        }
        Ok(events)
    }

    /// Marks a message whose deadline has passed.
    pub(crate) fn expire(
        &mut self,
        epochs: &Epochs,
        certified: &CertifiedLeaves,
        message: &Message,
        now: Timestamp,
    ) -> Result<FactKind, Revert> {
        epochs.verify(certified, CheckpointKind::General, now)?;
        let id = self.inbound_id(message)?;
        prove(certified, &[Leaf::Message(id)])?;
        if !is_expired(message, now) {
            return Err(Revert::NotExpired { deadline: message.deadline, now });
        }
        if !self.consumed.insert((message.source, message.nonce)) {
            return Err(Revert::AlreadyDelivered(message.source, message.nonce));
        }
        Ok(FactKind::Expired(id))
    }

    /// Gives an expired message back at its source.
    pub(crate) fn refund(
        &mut self,
        epochs: &Epochs,
        environment: &Environment,
        certified: &CertifiedLeaves,
        message: &Message,
        now: Timestamp,
    ) -> Result<FactKind, Revert> {
        epochs.verify(certified, CheckpointKind::General, now)?;
        if message.source != self.here {
            return Err(Revert::WrongSource { given: message.source, here: self.here });
        }
        let id = self.id(message)?;
        prove(certified, &[Leaf::Expired(id)])?;
        let place = (message.target, message.nonce);
        if self.refunded.contains(&place) {
            return Err(Revert::AlreadyRefunded(message.target, message.nonce));
        }
        match environment.recipients.get(&message.sender) {
            Some(Recipient::Reverts(_) | Recipient::BurnsGas) => return Err(Revert::SenderRefused),
            None | Some(Recipient::Accepts) => {}
        }
        self.refunded.insert(place);
        Ok(FactKind::Refunded(id))
    }

    fn require_living(&self, message: &Message, now: Timestamp) -> Result<(), Revert> {
        if is_expired(message, now) {
            return Err(Revert::DeadlinePassed { deadline: message.deadline, now });
        }
        if self.is_consumed(message.source, message.nonce) {
            return Err(Revert::AlreadyDelivered(message.source, message.nonce));
        }
        Ok(())
    }

    fn inbound_id(&self, message: &Message) -> Result<MessageId, Revert> {
        if message.target != self.here {
            return Err(Revert::WrongTarget { given: message.target, here: self.here });
        }
        self.id(message)
    }

    /// The id of a message from or to this chain.
    fn id(&self, message: &Message) -> Result<MessageId, Revert> {
        if message.version != MESSAGE_VERSION {
            return Err(Revert::WrongVersion(message.version));
        }
        let peer = |chain: ChainId| self.targets.get(&chain).map(|known| known.gateway);
        let route = if message.source == self.here {
            let target_gateway = peer(message.target).ok_or(Revert::UnknownTarget(message.target))?;
            Route { source_gateway: self.address, target_gateway }
        } else {
            let source_gateway = peer(message.source).ok_or(Revert::UnknownSource(message.source))?;
            Route { source_gateway, target_gateway: self.address }
        };
        Ok(message.id(self.hub_id, &route))
    }
}

fn check_send(known: &Target, out: &Outgoing<'_>, now: Timestamp) -> Result<(), Revert> {
    if known.paused {
        return Err(Revert::PausedTarget(out.target));
    }
    // Every chain that the simulation knows has EVM addresses.
    if out.recipient.is_zero() || out.recipient.to_evm().is_err() {
        return Err(Revert::InvalidRecipient(out.recipient));
    }
    if out.deadline != Timestamp(0) && out.deadline <= now {
        return Err(Revert::DeadlinePassed { deadline: out.deadline, now });
    }
    if out.gas_limit > known.gas_limit_max {
        return Err(Revert::GasLimitTooHigh { given: out.gas_limit, max: known.gas_limit_max });
    }
    if out.payload.len() > known.payload_max {
        return Err(Revert::PayloadTooLarge { given: out.payload.len(), max: known.payload_max });
    }
    if out.value != known.fee {
        return Err(Revert::WrongFee { given: out.value, required: known.fee });
    }
    Ok(())
}

fn is_expired(message: &Message, now: Timestamp) -> bool {
    message.deadline != Timestamp(0) && now > message.deadline
}

/// Why the recipient did not take the message, at most 32 bytes of it. The hub's own contracts are no recipients and
/// have no entry, like an account without code.
fn refusal(environment: &Environment, recipient: Account) -> Option<Bytes> {
    match environment.recipients.get(&recipient) {
        Some(Recipient::Accepts) => None,
        Some(Recipient::Reverts(reason)) => Some(reason.slice(..reason.len().min(REASON_LEN))),
        Some(Recipient::BurnsGas) => Some(Bytes::new()),
        None => Some(Bytes::from_static(b"InvalidRecipient")),
    }
}
