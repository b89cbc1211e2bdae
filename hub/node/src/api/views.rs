//! The hub's records in the words of the interface.

use infrastrukt_api::{
    CertifiedCheckpoint, ChainView, DealFilter, DealState, DealView, LeafView, LegState, LegView, MessageFilter,
    MessageState, MessageView,
};
use infrastrukt_ports::StoreError;
use infrastrukt_protocol as protocol;
use infrastrukt_protocol::{ChainRecord, CheckpointRecord, DealRecord, MessageRecord, StateView};
use infrastrukt_types::{Deal, Leaf, Message};

/// What a leaf takes in JSON without what it speaks of.
const LEAF_BYTES: usize = 256;
/// What a checkpoint takes in JSON beside its certificate and its leaves.
const CHECKPOINT_BYTES: usize = 1_024;
/// What a message takes in JSON beside its payload.
const MESSAGE_BYTES: usize = 1_024;
/// What a leg takes in JSON.
const LEG_BYTES: usize = 1_024;

/// JSON bytes that an answer may still take.
pub(super) struct Budget {
    left: usize,
    /// True once something did not fit.
    spent: bool,
}

impl Budget {
    pub(super) const fn new(bytes: usize) -> Self {
        Self { left: bytes, spent: false }
    }

    /// Takes `bytes` if they are left.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.spent = true,
        }
        !self.spent
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.spent
    }
}

pub(super) fn chain(record: &ChainRecord, frozen: Option<String>) -> ChainView {
    ChainView {
        name: record.name.clone(),
        id: record.id,
        gateway: record.gateway,
        escrow: record.escrow,
        verifier: record.verifier,
        token_bridge: record.token_bridge,
        frozen,
    }
}

pub(super) fn message(record: MessageRecord) -> MessageView {
    MessageView {
        id: record.id,
        state: message_state(record.state),
        checkpoint: record.shown_checkpoint(),
        expired_checkpoint: record.expired_checkpoint,
        message: record.message,
        origin: record.origin,
        proven_at: Some(record.proven_at),
    }
}

const fn message_state(state: protocol::MessageState) -> MessageState {
    match state {
        protocol::MessageState::Proven => MessageState::Proven,
        protocol::MessageState::Certified => MessageState::Certified,
        protocol::MessageState::Delivered => MessageState::Delivered,
        protocol::MessageState::Expired => MessageState::Expired,
        protocol::MessageState::Refunded => MessageState::Refunded,
    }
}

pub(super) fn deal(record: DealRecord) -> DealView {
    let leg = |leg: &protocol::LegProgress| LegView { lock_key: leg.lock_key, state: leg_state(leg.state) };
    DealView {
        id: record.id,
        state: deal_state(record.state),
        decision: record.decision,
        legs: record.legs.iter().map(leg).collect(),
        registered_at: record.registered_at,
        decided_at: record.decided_at,
        checkpoint: record.shown_checkpoint(),
        deal: record.deal,
        fault: record.fault,
    }
}

const fn deal_state(state: protocol::DealState) -> DealState {
    match state {
        protocol::DealState::Open => DealState::Open,
        protocol::DealState::Locking => DealState::Locking,
        protocol::DealState::Decided => DealState::Decided,
        protocol::DealState::Certified => DealState::Certified,
        protocol::DealState::Stalled => DealState::Stalled,
        protocol::DealState::Settling => DealState::Settling,
        protocol::DealState::Settled => DealState::Settled,
        protocol::DealState::Escaped => DealState::Escaped,
        protocol::DealState::Fault => DealState::Fault,
    }
}

const fn leg_state(state: protocol::LegState) -> LegState {
    match state {
        protocol::LegState::Waiting => LegState::Waiting,
        protocol::LegState::Locked => LegState::Locked,
        protocol::LegState::Released => LegState::Released,
        protocol::LegState::Refunded => LegState::Refunded,
        protocol::LegState::Escaped => LegState::Escaped,
    }
}

/// A certified checkpoint with what its leaves speak of, or `None` while it has no certificate. All leaves are always
/// there; once the budget is spent, the message or deal of the rest is left out and can be asked for by its id.
pub(super) fn certified<V: StateView<Error = StoreError>>(
    view: &V,
    record: CheckpointRecord,
    budget: &mut Budget,
) -> Result<Option<CertifiedCheckpoint>, StoreError> {
    let (Some(cursor), Some(certificate)) = (record.cursor, record.certificate) else { return Ok(None) };
    // The leaves themselves come first: what they speak of gets the room that is left.
    budget.take(CHECKPOINT_BYTES + 2 * certificate.0.len() + LEAF_BYTES * record.leaves.len());
    let leaves = record.leaves.into_iter().map(|leaf| leaf_view(view, leaf, budget)).collect::<Result<_, _>>()?;
    Ok(Some(CertifiedCheckpoint { cursor, checkpoint: record.checkpoint, certificate, leaves }))
}

fn leaf_view<V: StateView<Error = StoreError>>(
    view: &V,
    leaf: Leaf,
    budget: &mut Budget,
) -> Result<LeafView, StoreError> {
    let mut message = None;
    let mut deal = None;
    if !budget.is_spent() {
        match &leaf {
            Leaf::Message(id) | Leaf::Expired(id) => message = view.message(id)?.map(|record| record.message),
            Leaf::Decision(id, _) => deal = view.deal(id)?.map(|record| record.deal),
            Leaf::Rotate { .. } => {}
        }
    }
    let message = message.filter(|message| budget.take(message_bytes(message)));
    let deal = deal.filter(|deal| budget.take(deal_bytes(deal)));
    Ok(LeafView { leaf, message, deal })
}

pub(super) fn message_bytes(message: &Message) -> usize {
    MESSAGE_BYTES + 2 * message.payload.len()
}

pub(super) fn deal_bytes(deal: &Deal) -> usize {
    LEG_BYTES * (deal.legs.len() + 1)
}

/// The stored states that a filter asks for, or `None` where nothing stored can match.
pub(super) fn messages_wanted(filter: &MessageFilter) -> Option<infrastrukt_store::MessageFilter> {
    let state = match filter.state {
        None => None,
        Some(MessageState::Observed) => return None,
        Some(MessageState::Proven) => Some(protocol::MessageState::Proven),
        Some(MessageState::Certified) => Some(protocol::MessageState::Certified),
        Some(MessageState::Delivered) => Some(protocol::MessageState::Delivered),
        Some(MessageState::Expired) => Some(protocol::MessageState::Expired),
        Some(MessageState::Refunded) => Some(protocol::MessageState::Refunded),
    };
    Some(infrastrukt_store::MessageFilter { source: filter.source, target: filter.target, state })
}

/// The same for deals.
pub(super) fn deals_wanted(filter: &DealFilter) -> infrastrukt_store::DealFilter {
    let state = filter.state.map(|state| match state {
        DealState::Open => protocol::DealState::Open,
        DealState::Locking => protocol::DealState::Locking,
        DealState::Decided => protocol::DealState::Decided,
        DealState::Certified => protocol::DealState::Certified,
        DealState::Stalled => protocol::DealState::Stalled,
        DealState::Settling => protocol::DealState::Settling,
        DealState::Settled => protocol::DealState::Settled,
        DealState::Escaped => protocol::DealState::Escaped,
        DealState::Fault => protocol::DealState::Fault,
    });
    infrastrukt_store::DealFilter { state, account: filter.account }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_stays_spent() {
        let mut budget = Budget::new(10);
        assert!(budget.take(10));
        assert!(!budget.is_spent());
        assert!(!budget.take(1));
        assert!(!budget.take(0));
    }
}
