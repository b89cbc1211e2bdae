//! What each party can do in a state.

use infrastrukt_protocol::{DealRecord, LegState, may_sign};
use infrastrukt_types::Decision;

use super::{
    bounds::{Bounds, Guard},
    brief::LeafPart,
    model::DealModel,
    world::{CHAINS, DECISIONS, EPOCHS, Escrow, HEIGHTS, Part, World},
};
use crate::terms::{FINALITY_S, SKEW_S, hub_time};

/// Numbers are, in this order: the deal, its leg (which is the chain), a height or an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Tick,
    Halt(u8),
    Resume(u8),
    Lock(u8, u8),
    LockOther(u8, u8),
    Reorg(u8, u8),
    ProveLock(u8, u8),
    ProveOther(u8, u8),
    HubBlock,
    Cancel(u8),
    Sync,
    Crash,
    Die,
    Rotate,
    RotateChain(u8),
    Reissue(u8),
    Sign(u8, Decision, u8),
    Certify(u8, Decision),
    Settle(u8, u8, Decision, u8),
    /// A settlement whose payout reverts.
    Bounce(u8, u8, Decision, u8),
    Withdraw(u8, u8),
    ProveSettlement(u8, u8),
    ProveEscape(u8, u8),
    RequestEscape(u8, u8),
    ExecuteEscape(u8, u8),
}

impl DealModel {
    /// What the hub can do while it lives.
    pub(super) fn hub_acts(&self, world: &World, acts: &mut Vec<Act>) {
        acts.push(Act::HubBlock);
        for deal in self.deals() {
            self.fact_acts(world, deal, acts);
            self.checkpoint_acts(world, deal, acts);
        }
        if world.parts.iter().any(|part| part.hub != part.durable) {
            acts.extend([Act::Sync, Act::Crash]);
        }
        let rotates = self.setup.extras.rotation.is_some_and(|[from, to]| (from..=to).contains(&world.now));
        if rotates && world.epoch == 1 {
            acts.push(Act::Rotate);
        }
        if self.may_die(world) {
            acts.push(Act::Die);
        }
    }

    fn fact_acts(&self, world: &World, deal: u8, acts: &mut Vec<Act>) {
        let part = world.part(deal);
        if part.hub.decision.is_none() || self.lacks(Guard::NoAbortAfterAllLocked) {
            acts.push(Act::Cancel(deal));
        }
        for leg in CHAINS {
            let waiting = part.hub.legs[usize::from(leg)] == LegState::Waiting;
            match world.leg(deal, leg).escrow {
                Escrow::Locked if waiting && self.is_believed(world, deal, leg) => acts.push(Act::ProveLock(deal, leg)),
                Escrow::Other if waiting => acts.push(Act::ProveOther(deal, leg)),
                Escrow::Locked | Escrow::Other | Escrow::Empty => {}
                Escrow::Released | Escrow::Refunded => acts.push(Act::ProveSettlement(deal, leg)),
                Escrow::Escaped => acts.push(Act::ProveEscape(deal, leg)),
            }
        }
    }

    /// A final lock is attested by everyone. One that is not yet may be by the traitors and by one honest validator
    /// whose endpoints lie, which must not be enough.
    fn is_believed(&self, world: &World, deal: u8, leg: u8) -> bool {
        let deceived = u128::from(self.setup.committee.traitors + 1);
        let half = self.lacks(Guard::FactQuorum) && 2 * deceived >= self.set.total();
        is_final(world, deal, leg) || self.lacks(Guard::Finality) || half || self.set.is_quorum(deceived)
    }

    fn checkpoint_acts(&self, world: &World, deal: u8, acts: &mut Vec<Act>) {
        let part = world.part(deal);
        let Some(decided) = part.hub.decision else { return };
        if part.hub.leaf == LeafPart::None {
            return;
        }
        let record = part.hub.record(&self.open[usize::from(deal)]);
        let stored = self.lacks(Guard::WriteAhead) || part.hub == part.durable;
        for decision in DECISIONS {
            for height in HEIGHTS.into_iter().filter(|height| stored && *height <= part.hub.issue) {
                let fresh = part.remembered[usize::from(height) - 1] < self.setup.committee.honest;
                if fresh && self.is_signable(world, deal, &record, decision, height) {
                    acts.push(Act::Sign(deal, decision, height));
                }
            }
        }
        if EPOCHS.into_iter().any(|epoch| self.is_taken(world, part, epoch, decided)) {
            acts.push(Act::Certify(deal, decided));
        }
        if self.may_reissue(world, part, &record) {
            acts.push(Act::Reissue(deal));
        }
    }

    /// The production rule, by the later of log and clock: a clock may be behind by the skew.
    pub(super) fn is_signable(
        &self,
        world: &World,
        deal: u8,
        record: &DealRecord,
        decision: Decision,
        height: u8,
    ) -> bool {
        let checkpoints = &self.checkpoints[usize::from(deal)];
        let superseded = height == 1 && world.part(deal).hub.issue == 2 && !self.lacks(Guard::Supersede);
        let bit = usize::from(decision.bit());
        let standing = &checkpoints.standing[usize::from(height) - 1][bit];
        let checkpoint = if superseded { &checkpoints.superseded[bit] } else { standing };
        let judged = if self.lacks(Guard::Clock) { world.tip } else { world.now - SKEW_S };
        let judged = if self.lacks(Guard::SignBy) { 0 } else { judged };
        let epoch = &self.epochs[usize::from(world.epoch) - 1];
        may_sign(checkpoint, std::slice::from_ref(record), epoch, hub_time(judged), &self.rules).is_ok()
    }

    /// The log takes a COMMIT certificate of any epoch, another one of the current epoch alone.
    fn is_taken(&self, world: &World, part: &Part, epoch: u8, decision: Decision) -> bool {
        let standing = decision == Decision::Commit || epoch == world.epoch;
        standing && part.public_since(epoch, decision).is_some()
    }

    /// Left over from the epoch before, or uncertified for too long; once each.
    fn may_reissue(&self, world: &World, part: &Part, record: &DealRecord) -> bool {
        let swept = world.epoch == 2 && part.hub.issue < 3;
        let extras = self.setup.extras;
        let waited = extras.reissue && part.hub.issue == 1 && part.hub.leaf == LeafPart::Issued && world.epoch == 1;
        (swept || waited) && record.may_reissue(hub_time(world.now), &self.rules)
    }

    /// The assumption on public shares excludes a hub that dies between the first and the last of them.
    fn may_die(&self, world: &World) -> bool {
        self.setup.bounds != Bounds::Live && !world.parts.iter().any(|part| self.is_halfway(part))
    }

    /// Some honest validator has signed a COMMIT, but no checkpoint has the shares of all.
    pub(super) fn is_halfway(&self, part: &Part) -> bool {
        let shares = HEIGHTS.map(|height| part.shares_on(height, Decision::Commit));
        shares.iter().any(|count| *count > 0) && !shares.contains(&self.setup.committee.honest)
    }

    /// What anyone can do on a chain.
    pub(super) fn chain_acts(&self, world: &World, chain: u8, acts: &mut Vec<Act>) {
        if self.setup.extras.halts && self.is_hostile() {
            acts.push(if world.is_halted(chain) { Act::Resume(chain) } else { Act::Halt(chain) });
        }
        if world.is_halted(chain) {
            return;
        }
        if world.epoch == 2 && world.retired_at[usize::from(chain)].is_none() {
            acts.push(Act::RotateChain(chain));
        }
        for deal in self.deals() {
            self.leg_acts(world, deal, chain, acts);
        }
    }

    fn leg_acts(&self, world: &World, deal: u8, leg: u8, acts: &mut Vec<Act>) {
        let state = world.leg(deal, leg);
        if state.credit {
            acts.push(Act::Withdraw(deal, leg));
        }
        match state.escrow {
            Escrow::Empty if world.chain_time(leg) <= self.times.lock_by => {
                acts.push(Act::Lock(deal, leg));
                if self.setup.extras.other_terms {
                    acts.push(Act::LockOther(deal, leg));
                }
            }
            Escrow::Empty | Escrow::Other | Escrow::Escaped => {}
            Escrow::Released | Escrow::Refunded if self.lacks(Guard::TerminalState) => {
                self.settle_acts(world, deal, leg, acts);
            }
            Escrow::Released | Escrow::Refunded => {}
            Escrow::Locked => {
                if self.is_hostile() && !is_final(world, deal, leg) {
                    acts.push(Act::Reorg(deal, leg));
                }
                self.settle_acts(world, deal, leg, acts);
                self.escape_acts(world, deal, leg, acts);
            }
        }
    }

    fn settle_acts(&self, world: &World, deal: u8, leg: u8, acts: &mut Vec<Act>) {
        for epoch in EPOCHS.into_iter().filter(|epoch| self.accepts(world, leg, *epoch)) {
            for decision in DECISIONS.into_iter().filter(|of| self.can_certify(world.part(deal), epoch, *of)) {
                acts.push(Act::Settle(deal, leg, decision, epoch));
                if self.setup.extras.bounces {
                    acts.push(Act::Bounce(deal, leg, decision, epoch));
                }
            }
        }
    }

    fn escape_acts(&self, world: &World, deal: u8, leg: u8, acts: &mut Vec<Act>) {
        let (time, times) = (world.chain_time(leg), &self.times);
        // The earliest request allows everything that a later one does; only who reacts to a death asks later.
        let asks = if self.is_hostile() { time == times.escape_at } else { time >= times.escape_at };
        match world.leg(deal, leg).requested_at {
            None if asks => acts.push(Act::RequestEscape(deal, leg)),
            Some(at) if time >= at + times.escape_window => acts.push(Act::ExecuteEscape(deal, leg)),
            None | Some(_) => {}
        }
    }
}

pub(super) fn is_final(world: &World, deal: u8, leg: u8) -> bool {
    world.leg(deal, leg).locked_at.is_some_and(|at| world.now >= at + FINALITY_S)
}
