//! What each party can do in a state.

use super::{
    bounds::MessageGuard,
    model::{DEADLINE, MessageModel, SEND_BY, Statement},
    world::{Part, SOURCE, TARGET, Use, World},
};
use crate::terms::Second;

/// Numbers are the message; the chain for halts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Tick,
    Halt(u8),
    Resume(u8),
    Sync,
    Crash,
    Send(u8),
    ReorgSource(u8),
    ProveSent(u8),
    Sign(u8, Statement),
    Certify(u8),
    Deliver(u8),
    /// A delivery whose recipient reverts.
    Fail(u8),
    Expire(u8),
    ReorgTarget(u8),
    ProveDelivered(u8),
    ProveExpired(u8),
    Refund(u8),
    ProveRefund(u8),
}

impl Act {
    /// What a live hub and a relayer do as soon as they can.
    pub(super) const fn is_duty(self) -> bool {
        match self {
            Self::ProveSent(_)
            | Self::Sign(..)
            | Self::Certify(_)
            | Self::Expire(_)
            | Self::ProveDelivered(_)
            | Self::ProveExpired(_)
            | Self::Refund(_)
            | Self::ProveRefund(_) => true,
            Self::Tick
            | Self::Halt(_)
            | Self::Resume(_)
            | Self::Sync
            | Self::Crash
            | Self::Send(_)
            | Self::ReorgSource(_)
            | Self::Deliver(_)
            | Self::Fail(_)
            | Self::ReorgTarget(_) => false,
        }
    }
}

impl MessageModel {
    pub(super) fn all_acts(&self, world: &World, acts: &mut Vec<Act>) {
        if world.parts.iter().any(|part| part.hub != part.durable) {
            acts.extend([Act::Sync, Act::Crash]);
        }
        for chain in [SOURCE, TARGET].into_iter().filter(|_| self.setup.halts) {
            let halted = world.halted[usize::from(chain)];
            acts.push(if halted { Act::Resume(chain) } else { Act::Halt(chain) });
        }
        for message in self.messages() {
            let part = world.part(message);
            self.hub_acts(world, message, part, acts);
            if !world.halted[usize::from(SOURCE)] {
                self.source_acts(world, message, part, acts);
            }
            if !world.halted[usize::from(TARGET)] {
                self.target_acts(world, message, part, acts);
            }
        }
    }

    fn hub_acts(&self, world: &World, message: u8, part: &Part, acts: &mut Vec<Act>) {
        let seen = |at: Option<Second>, guard| at.is_some_and(|at| self.lacks(guard) || world.is_final(at));
        if part.hub.state.is_none() && seen(part.sent_at, MessageGuard::SourceFinality) {
            acts.push(Act::ProveSent(message));
        }
        for statement in [Statement::Sent, Statement::Expired] {
            if self.may_sign(part, statement, world.now) {
                acts.push(Act::Sign(message, statement));
            }
        }
        if part.hub.issued && self.can_certify(part, Statement::Sent) {
            acts.push(Act::Certify(message));
        }
        let used = |of: Use| part.bit.filter(|(by, _)| *by == of).map(|(_, at)| at);
        if seen(used(Use::Delivered), MessageGuard::TargetFinality) {
            acts.push(Act::ProveDelivered(message));
        }
        let by_hub_time = self.lacks(MessageGuard::ExpiryOnTarget) && world.now > DEADLINE;
        if by_hub_time || seen(used(Use::Expired), MessageGuard::TargetFinality) {
            acts.push(Act::ProveExpired(message));
        }
        if part.refunds > 0 {
            acts.push(Act::ProveRefund(message));
        }
    }

    fn source_acts(&self, world: &World, message: u8, part: &Part, acts: &mut Vec<Act>) {
        match part.sent_at {
            None if world.now <= SEND_BY => acts.push(Act::Send(message)),
            Some(at) if !self.setup.live && !world.is_final(at) => acts.push(Act::ReorgSource(message)),
            None | Some(_) => {}
        }
        let open = part.refunds == 0 || (self.lacks(MessageGuard::RefundBit) && part.refunds == 1);
        if open && part.sent_at.is_some() && self.can_certify(part, Statement::Expired) {
            acts.push(Act::Refund(message));
        }
    }

    fn target_acts(&self, world: &World, message: u8, part: &Part, acts: &mut Vec<Act>) {
        if let Some((_, at)) = part.bit
            && !self.setup.live
            && !world.is_final(at)
        {
            acts.push(Act::ReorgTarget(message));
        }
        if !self.can_certify(part, Statement::Sent) {
            return;
        }
        let expired = world.target_time() > DEADLINE;
        if !expired && part.bit.is_none() {
            acts.extend([Act::Deliver(message), Act::Fail(message)]);
        }
        let expirable = part.bit.is_none() || (self.lacks(MessageGuard::ExpiryBit) && !is_expired(part));
        if expired && expirable {
            acts.push(Act::Expire(message));
        }
    }
}

fn is_expired(part: &Part) -> bool {
    part.bit.is_some_and(|(by, _)| by == Use::Expired)
}
