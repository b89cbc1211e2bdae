//! Question: by what the hub shows that it knows a fact.

use infrastrukt_api::{LegState, MessageState};
use infrastrukt_types::{DealId, FactKind, LockKey, MessageId};

use super::{
    HubInfo,
    hub::{HubClient, HubError},
};

/// What the hub is asked about one fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Has the message come this far?
    Message { id: MessageId, least: MessageState },
    /// Is the leg locked, or (`is_paid`) over?
    Leg { deal: DealId, index: u8, lock_key: LockKey, is_paid: bool },
    /// The fact names a chain that the hub does not serve.
    Foreign,
}

/// What the hub says about a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Proven,
    NotYet,
    /// It speaks of a message, deal or leg that the hub does not know.
    Unknown,
}

impl Question {
    pub(super) fn about(info: &HubInfo, fact: &FactKind) -> Self {
        match fact {
            FactKind::Sent { gateway, message } => match info.message_id(*gateway, message) {
                Some(id) => Self::Message { id, least: MessageState::Proven },
                None => Self::Foreign,
            },
            FactKind::Delivered(id) => Self::Message { id: *id, least: MessageState::Delivered },
            FactKind::Expired(id) => Self::Message { id: *id, least: MessageState::Expired },
            FactKind::Refunded(id) => Self::Message { id: *id, least: MessageState::Refunded },
            FactKind::Locked { deal, index, lock_key } => {
                Self::Leg { deal: *deal, index: *index, lock_key: *lock_key, is_paid: false }
            }
            FactKind::Settled { deal, index, lock_key, .. } | FactKind::Escaped { deal, index, lock_key } => {
                Self::Leg { deal: *deal, index: *index, lock_key: *lock_key, is_paid: true }
            }
        }
    }

    pub(super) async fn ask(self, hub: &dyn HubClient) -> Result<Answer, HubError> {
        match self {
            Self::Message { id, least } => Ok(match hub.message(id).await? {
                Some(view) if view.state >= least => Answer::Proven,
                Some(_) => Answer::NotYet,
                // Evidence of its sending may still be under way, from here or from another relayer.
                None if least == MessageState::Proven => Answer::NotYet,
                None => Answer::Unknown,
            }),
            Self::Leg { deal, index, lock_key, is_paid } => leg(hub, deal, index, lock_key, is_paid).await,
            Self::Foreign => Ok(Answer::Unknown),
        }
    }
}

async fn leg(
    hub: &dyn HubClient,
    deal: DealId,
    index: u8,
    lock_key: LockKey,
    is_paid: bool,
) -> Result<Answer, HubError> {
    let Some(view) = hub.deal(deal).await? else { return Ok(Answer::Unknown) };
    let Some(leg) = view.legs.get(usize::from(index)).filter(|leg| leg.lock_key == lock_key) else {
        return Ok(Answer::Unknown);
    };
    let is_proven = match leg.state {
        LegState::Waiting => false,
        LegState::Locked => !is_paid,
        LegState::Released | LegState::Refunded | LegState::Escaped => true,
    };
    // The hub keeps the evidence of a fault and waits for nothing more.
    Ok(if is_proven || view.fault.is_some() { Answer::Proven } else { Answer::NotYet })
}
