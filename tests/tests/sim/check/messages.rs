//! Every message is delivered at most once, only if it was sent, and given back only where it never can be delivered;
//! and in the end one of both happened.

use infrastrukt_types::{ChainId, FactKind, Message, MessageId, Route};
use std::collections::BTreeMap;

use super::facts::Happened;
use crate::{chains::Shop, world::World};

/// What became of one message.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    pub(super) message: Option<Message>,
    pub(super) delivered: u32,
    pub(super) expired: u32,
    pub(super) refunded: u32,
    /// Something of it happened where it cannot.
    is_misplaced: bool,
}

/// All messages by their ids.
pub(super) fn ends(world: &World, facts: &[Happened]) -> BTreeMap<MessageId, Ends> {
    let route = |message: &Message| world.hub.genesis.route(message.source, message.target);
    let mut ends: BTreeMap<MessageId, Ends> = BTreeMap::new();
    let mut arrivals: Vec<(MessageId, ChainId)> = Vec::new();
    for Happened { chain, kind } in facts {
        match kind {
            FactKind::Sent { message, .. } => {
                let route: Route = route(message).expect("both chains are registered");
                let known = ends.entry(message.id(world.hub.hub_id, &route)).or_default();
                known.is_misplaced |= known.message.is_some() || message.source != *chain;
                known.message = Some(message.clone());
            }
            FactKind::Delivered(id) => {
                ends.entry(*id).or_default().delivered += 1;
                arrivals.push((*id, *chain));
            }
            FactKind::Expired(id) => {
                ends.entry(*id).or_default().expired += 1;
                arrivals.push((*id, *chain));
            }
            FactKind::Refunded(id) => ends.entry(*id).or_default().refunded += 1,
            FactKind::Locked { .. } | FactKind::Settled { .. } | FactKind::Escaped { .. } => {}
        }
    }
    for (id, chain) in arrivals {
        let ends = ends.entry(id).or_default();
        ends.is_misplaced |= ends.message.as_ref().is_none_or(|message| message.target != chain);
    }
    ends
}

pub(super) fn broken(ends: &BTreeMap<MessageId, Ends>) -> Vec<String> {
    let is_broken = |ends: &Ends| {
        let twice = ends.delivered + ends.expired > 1 || ends.refunded > 1;
        let unsent = ends.message.is_none();
        twice || unsent || ends.is_misplaced || ends.refunded > ends.expired
    };
    ends.iter().filter(|(_, ends)| is_broken(ends)).map(|(id, ends)| format!("message {id}: {ends:?}")).collect()
}

/// Messages without an end. One without a deadline, to whoever may have refused it too often, may stay for ever: it is
/// a dead letter then, with a cause.
pub(super) fn open(ends: &BTreeMap<MessageId, Ends>) -> Vec<String> {
    let is_open = |ends: &Ends| {
        let Some(message) = &ends.message else { return false };
        let may_stay = message.deadline.0 == 0 && message.recipient != Shop::Open.account();
        let is_over = ends.delivered > 0 || ends.refunded > 0;
        !is_over && !may_stay
    };
    ends.iter().filter(|(_, ends)| is_open(ends)).map(|(id, _)| format!("message {id} has no end")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{Account, B256, Nonce, Timestamp};

    fn check(change: impl FnOnce(&mut Ends), is_broken: bool, is_open: bool) {
        let message = Message {
            version: 1,
            source: ChainId(1),
            target: ChainId(2),
            nonce: Nonce(1),
            sender: Account::ZERO,
            recipient: Shop::Open.account(),
            timestamp: Timestamp(1),
            gas_limit: 1,
            deadline: Timestamp(0),
            payload: Vec::new().into(),
        };
        let mut ends = Ends { message: Some(message), ..Ends::default() };
        change(&mut ends);
        let all = BTreeMap::from([(MessageId(B256::ZERO), ends)]);
        assert_eq!((!broken(&all).is_empty(), !open(&all).is_empty()), (is_broken, is_open), "{all:?}");
    }

    #[test]
    fn one_end_is_right_and_any_other_number_is_wrong() {
        check(|_| {}, false, true);
        check(|ends| ends.delivered = 1, false, false);
        check(|ends| (ends.expired, ends.refunded) = (1, 1), false, false);
        check(|ends| ends.expired = 1, false, true);
        check(|ends| ends.delivered = 2, true, false);
        check(|ends| (ends.delivered, ends.expired) = (1, 1), true, false);
        check(|ends| (ends.delivered, ends.refunded) = (1, 1), true, false);
        check(|ends| (ends.message, ends.delivered) = (None, 1), true, false);
    }
}
