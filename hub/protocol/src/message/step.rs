//! How a message moves.

use infrastrukt_types::{Height, Leaf};

use super::record::{MessageRecord, MessageState};

/// What can happen to a proven message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageEvent {
    /// Its leaf is in the outbox of this checkpoint.
    LeafIssued {
        /// Height of the checkpoint.
        height: Height,
    },
    /// That checkpoint is certified.
    LeafCertified {
        /// Height of the checkpoint.
        height: Height,
    },
    /// The target delivered it.
    Delivered,
    /// The target marked it as never to be delivered.
    Expired,
    /// The leaf of its expiry is in the outbox of this checkpoint.
    ExpiryIssued {
        /// Height of the checkpoint.
        height: Height,
    },
    /// The checkpoint that carries its leaf, or that of its expiry, is superseded or of a retired epoch: the leaf is wanted
    /// again.
    LeafWithdrawn,
    /// The source gave it back.
    Refunded,
}

/// What the hub must do after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageEffect {
    /// Put the leaf into the outbox of this block.
    Issue(Leaf),
    /// The chain that said so contradicts itself: believe nothing from it until a person has looked.
    Freeze(String),
}

/// Outcome of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageStep {
    /// The record after the event.
    pub next: MessageRecord,
    /// What must be done.
    pub effects: Vec<MessageEffect>,
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageStepRefusal {
    /// Known already, or overtaken by a later state.
    #[error("the message is already {0:?}")]
    Already(MessageState),
    /// Its expiry is not proven.
    #[error("the message is {0:?}, its expiry is not proven")]
    NotExpired(MessageState),
}

/// Applies one event to a message. Refused events change nothing.
///
/// Delivery and expiry set the same replay bit on the target, so that proof of both means a broken chain or a broken
/// gateway: the record stays as it is and the chain is frozen.
pub fn step(record: &MessageRecord, event: &MessageEvent) -> Result<MessageStep, MessageStepRefusal> {
    let mut next = record.clone();
    let mut effects = Vec::new();
    match event {
        MessageEvent::LeafIssued { height } => next.checkpoint = Some(*height),
        MessageEvent::LeafCertified { height } => {
            next.certified = next.certified.max(Some(*height));
            if record.state == MessageState::Proven {
                next.state = MessageState::Certified;
            }
        }
        MessageEvent::Delivered => consume(record, MessageState::Delivered, &mut next, &mut effects)?,
        MessageEvent::Expired => consume(record, MessageState::Expired, &mut next, &mut effects)?,
        MessageEvent::ExpiryIssued { height } => match record.state {
            MessageState::Expired | MessageState::Refunded => next.expired_checkpoint = Some(*height),
            state @ (MessageState::Proven | MessageState::Certified | MessageState::Delivered) => {
                return Err(MessageStepRefusal::NotExpired(state));
            }
        },
        MessageEvent::LeafWithdrawn => match record.state {
            MessageState::Proven | MessageState::Certified => next.checkpoint = None,
            MessageState::Expired => next.expired_checkpoint = None,
            MessageState::Delivered | MessageState::Refunded => {}
        },
        MessageEvent::Refunded => match record.state {
            MessageState::Expired => next.state = MessageState::Refunded,
            state @ MessageState::Refunded => return Err(MessageStepRefusal::Already(state)),
            state @ (MessageState::Proven | MessageState::Certified | MessageState::Delivered) => {
                effects.push(MessageEffect::Freeze(format!("message {} is {state:?} but was refunded", record.id)));
            }
        },
    }
    Ok(MessageStep { next, effects })
}

/// Delivery or expiry: whichever is proven first uses the message up.
fn consume(
    record: &MessageRecord,
    to: MessageState,
    next: &mut MessageRecord,
    effects: &mut Vec<MessageEffect>,
) -> Result<(), MessageStepRefusal> {
    match record.state {
        MessageState::Proven | MessageState::Certified => {
            next.state = to;
            if to == MessageState::Expired {
                effects.push(MessageEffect::Issue(Leaf::Expired(record.id)));
            }
        }
        state if state == to || (state == MessageState::Refunded && to == MessageState::Expired) => {
            return Err(MessageStepRefusal::Already(state));
        }
        state => effects.push(MessageEffect::Freeze(format!("message {} is {state:?} and {to:?} as well", record.id))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::message_record;
    use MessageEvent as Event;
    use MessageState as State;

    /// Applies events in order; returns the last state and the number of leaves and freezes on the way.
    fn run(events: &[Event]) -> (MessageRecord, usize, usize) {
        let (mut record, mut leaves, mut freezes) = (message_record(1), 0, 0);
        for event in events {
            let Ok(step) = step(&record, event) else { continue };
            for effect in &step.effects {
                match effect {
                    MessageEffect::Issue(_) => leaves += 1,
                    MessageEffect::Freeze(_) => freezes += 1,
                }
            }
            record = step.next;
        }
        (record, leaves, freezes)
    }

    fn check(events: &[Event], expected: State, leaves: usize, freezes: usize) {
        let (record, issued, frozen) = run(events);
        assert_eq!((record.state, issued, frozen), (expected, leaves, freezes), "{events:?}");
    }

    #[test]
    fn life_of_a_message() {
        let certified = Event::LeafCertified { height: Height(2) };
        check(&[Event::LeafIssued { height: Height(2) }], State::Proven, 0, 0);
        check(&[certified], State::Certified, 0, 0);
        check(&[certified, Event::Delivered], State::Delivered, 0, 0);
        check(&[Event::Delivered, certified], State::Delivered, 0, 0);
        check(&[certified, Event::Expired], State::Expired, 1, 0);
        check(&[Event::Expired, Event::Refunded], State::Refunded, 1, 0);
    }

    #[test]
    fn repeated_facts_change_nothing() {
        check(&[Event::Delivered, Event::Delivered], State::Delivered, 0, 0);
        check(&[Event::Expired, Event::Expired], State::Expired, 1, 0);
        check(&[Event::Expired, Event::Refunded, Event::Refunded, Event::Expired], State::Refunded, 1, 0);
    }

    #[test]
    fn contradictions_freeze_and_change_nothing() {
        check(&[Event::Delivered, Event::Expired], State::Delivered, 0, 1);
        check(&[Event::Expired, Event::Delivered], State::Expired, 1, 1);
        check(&[Event::Refunded], State::Proven, 0, 1);
        check(&[Event::Delivered, Event::Refunded], State::Delivered, 0, 1);
    }

    #[test]
    fn expiry_leaf_only_after_expiry() {
        let issued = Event::ExpiryIssued { height: Height(3) };
        assert_eq!(step(&message_record(1), &issued), Err(MessageStepRefusal::NotExpired(State::Proven)));
        let (record, ..) = run(&[Event::Expired, issued]);
        assert_eq!(record.expired_checkpoint, Some(Height(3)));
    }

    #[test]
    fn a_leaf_waits_until_it_is_issued_and_again_once_it_is_withdrawn() {
        let (issued, certified) = (Event::LeafIssued { height: Height(2) }, Event::LeafCertified { height: Height(2) });
        let (expired, of_expiry) = (Event::Expired, Event::ExpiryIssued { height: Height(3) });
        let id = message_record(1).id;
        let wanted = |events: &[Event]| run(events).0.wanted_leaf();
        assert_eq!(wanted(&[]), Some(Leaf::Message(id)));
        assert_eq!(wanted(&[issued]), None);
        assert_eq!(wanted(&[issued, certified, Event::LeafWithdrawn]), Some(Leaf::Message(id)));
        assert_eq!(wanted(&[issued, expired]), Some(Leaf::Expired(id)));
        assert_eq!(wanted(&[issued, expired, of_expiry]), None);
        assert_eq!(wanted(&[issued, expired, of_expiry, Event::LeafWithdrawn]), Some(Leaf::Expired(id)));
        assert_eq!(wanted(&[issued, Event::Delivered, Event::LeafWithdrawn]), None);
        assert_eq!(wanted(&[issued, expired, of_expiry, Event::Refunded, Event::LeafWithdrawn]), None);
    }

    #[test]
    fn the_newest_certificate_is_shown() {
        let (record, ..) = run(&[
            Event::LeafIssued { height: Height(2) },
            Event::LeafCertified { height: Height(2) },
            Event::LeafIssued { height: Height(9) },
        ]);
        assert_eq!((record.checkpoint, record.shown_checkpoint()), (Some(Height(9)), Some(Height(2))));
    }
}
