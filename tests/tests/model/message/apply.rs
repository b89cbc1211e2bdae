//! What comes of an act. Every move of a message in the hub is the production `step`.

use infrastrukt_protocol::{MessageEffect, MessageEvent, step_message};

use super::{
    acts::Act,
    bounds::MessageGuard,
    brief::{Brief, EXPIRY_HEIGHT, SENT_HEIGHT},
    model::MessageModel,
    world::{Part, SOURCE, TARGET, Use, World},
};
use crate::terms::{FINALITY_S, Second};

/// More calls than this are as bad as this many.
const CALLS_MAX: u8 = 2;

/// Stands for every moment that is final.
const LONG_AGO: Second = -FINALITY_S;

impl MessageModel {
    /// Applies an act; false where it changes nothing.
    pub(super) fn apply(&self, world: &mut World, act: Act) -> bool {
        match act {
            Act::Tick => tick(world),
            Act::Halt(chain) => world.halted[usize::from(chain)] = true,
            Act::Resume(chain) => world.halted[usize::from(chain)] = false,
            Act::Sync => world.parts.iter_mut().for_each(|part| part.durable = part.hub),
            Act::Crash => world.parts.iter_mut().for_each(|part| part.hub = part.durable),
            Act::Send(message)
            | Act::ReorgSource(message)
            | Act::ProveSent(message)
            | Act::Sign(message, _)
            | Act::Certify(message)
            | Act::Deliver(message)
            | Act::Fail(message)
            | Act::Expire(message)
            | Act::ReorgTarget(message)
            | Act::ProveDelivered(message)
            | Act::ProveExpired(message)
            | Act::Refund(message)
            | Act::ProveRefund(message) => {
                let now = world.now;
                return self.apply_to(&mut world.parts[usize::from(message)], act, now);
            }
        }
        true
    }

    fn apply_to(&self, part: &mut Part, act: Act, now: Second) -> bool {
        match act {
            Act::Send(_) => part.sent_at = Some(now),
            Act::ReorgSource(_) => part.sent_at = None,
            Act::ProveSent(_) => return self.prove(part),
            Act::Sign(_, statement) => part.shares[statement as usize] += 1,
            Act::Certify(_) => return self.hub_event(part, MessageEvent::LeafCertified { height: SENT_HEIGHT }),
            Act::Deliver(_) => {
                part.calls = CALLS_MAX.min(part.calls + 1);
                part.bit = (!self.lacks(MessageGuard::ReplayBit)).then_some((Use::Delivered, now));
            }
            Act::Fail(_) => part.bit = self.lacks(MessageGuard::FailureClears).then_some((Use::Failed, now)),
            Act::Expire(_) => part.bit = Some((Use::Expired, now)),
            Act::ReorgTarget(_) => {
                let delivered = part.bit.is_some_and(|(by, _)| by == Use::Delivered);
                part.calls = part.calls.saturating_sub(u8::from(delivered));
                part.bit = None;
            }
            Act::ProveDelivered(_) => return self.hub_event(part, MessageEvent::Delivered),
            Act::ProveExpired(_) => return self.hub_event(part, MessageEvent::Expired),
            Act::Refund(_) => part.refunds += 1,
            Act::ProveRefund(_) => return self.hub_event(part, MessageEvent::Refunded),
            Act::Tick | Act::Halt(_) | Act::Resume(_) | Act::Sync | Act::Crash => return false,
        }
        true
    }

    /// The block that proves a message issues its leaf.
    fn prove(&self, part: &mut Part) -> bool {
        part.hub = Brief::of(&self.proven);
        self.hub_event(part, MessageEvent::LeafIssued { height: SENT_HEIGHT })
    }

    /// Applies an event by the production step; nothing happens to a message that is not proven.
    fn hub_event(&self, part: &mut Part, event: MessageEvent) -> bool {
        let Some(record) = part.hub.record(&self.proven) else { return false };
        let Ok(step) = step_message(&record, &event) else { return false };
        let mut next = step.next;
        for effect in &step.effects {
            match effect {
                MessageEffect::Issue(_) => {
                    let issued = MessageEvent::ExpiryIssued { height: EXPIRY_HEIGHT };
                    next = step_message(&next, &issued).expect("its leaf is wanted").next;
                }
                MessageEffect::Freeze(_) => part.frozen = true,
            }
        }
        part.hub = Brief::of(&next);
        if self.setup.live {
            part.durable = part.hub;
        }
        true
    }
}

/// Time goes on.
fn tick(world: &mut World) {
    let (now, halted) = (world.now, world.halted);
    for part in &mut world.parts {
        part.sent_at = part.sent_at.map(|at| age(at, now, halted[usize::from(SOURCE)]));
        part.bit = part.bit.map(|(by, at)| (by, age(at, now, halted[usize::from(TARGET)])));
    }
    world.now += 1;
}

/// On a halted chain nothing becomes final; what is final has no time any more.
const fn age(at: Second, now: Second, halted: bool) -> Second {
    let pending = now < at + FINALITY_S;
    if pending && halted {
        at + 1
    } else if pending && now + 1 < at + FINALITY_S {
        at
    } else {
        LONG_AGO
    }
}
