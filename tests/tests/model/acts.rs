//! What each party can do, and what comes of it. Every move of the hub is the production `step`.

use infrastrukt_protocol::{DealEffect, DealEvent, DealRecord, LeafState, LegState, may_sign, step_deal};
use infrastrukt_types::{Decision, Height};

use crate::world::{Bounds, DECISIONS, DealModel, Escrow, Guard, HONEST, Tracked, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Tick,
    Lock(u8),
    Reorg(u8),
    ProveLock(u8),
    HubBlock,
    Cancel,
    Sync,
    Crash,
    Die,
    Sign(Decision),
    Certify,
    Settle(u8, Decision),
    ProveSettlement(u8),
    ProveEscape(u8),
    RequestEscape(u8),
    ExecuteEscape(u8),
}

/// The record with its decision taken back, for mutants that decide twice.
fn undecided(record: &DealRecord) -> DealRecord {
    let mut record = record.clone();
    (record.decision, record.decided_at, record.leaf) = (None, None, LeafState::None);
    record
}

impl DealModel {
    fn may_sign(&self, world: &World, decision: Decision) -> bool {
        let record = world.record();
        let stored = self.lacks(Guard::WriteAhead) || world.hub == world.durable;
        if record.leaf == LeafState::None || world.signed >= HONEST || !stored {
            return false;
        }
        let now = if self.lacks(Guard::SignBy) { record.registered_at } else { world.now };
        let checkpoint = &self.checkpoints[usize::from(decision.bit())];
        may_sign(checkpoint, std::slice::from_ref(record), &self.epoch, now, &self.rules).is_ok()
    }

    /// The assumption on public shares excludes a hub that dies between the first and the last of them.
    fn may_die(&self, world: &World) -> bool {
        let halfway = (1..HONEST).contains(&world.shares_on(Decision::Commit));
        self.bounds != Bounds::Live && !halfway
    }

    /// What the hub can do while it lives.
    pub(crate) fn hub_acts(&self, world: &World, acts: &mut Vec<Act>) {
        let record = world.record();
        acts.push(Act::HubBlock);
        if record.decision.is_none() || self.lacks(Guard::NoAbortAfterAllLocked) {
            acts.push(Act::Cancel);
        }
        for leg in 0..2 {
            let waiting = record.legs[usize::from(leg)].state == LegState::Waiting;
            let seen = self.lacks(Guard::Finality) || world.is_final(leg);
            match world.escrow(leg) {
                Escrow::Locked if waiting && seen => acts.push(Act::ProveLock(leg)),
                Escrow::Locked | Escrow::Empty => {}
                Escrow::Released | Escrow::Refunded => acts.push(Act::ProveSettlement(leg)),
                Escrow::Escaped => acts.push(Act::ProveEscape(leg)),
            }
        }
        acts.extend(DECISIONS.into_iter().filter(|decision| self.may_sign(world, *decision)).map(Act::Sign));
        if record.decision.is_some_and(|decision| world.public_since(decision).is_some()) {
            acts.push(Act::Certify);
        }
        if world.hub != world.durable {
            acts.extend([Act::Sync, Act::Crash]);
        }
        if self.may_die(world) {
            acts.push(Act::Die);
        }
    }

    /// What anyone can do on a chain.
    pub(crate) fn chain_acts(&self, world: &World, leg: u8, acts: &mut Vec<Act>) {
        match world.escrow(leg) {
            Escrow::Empty if world.chain_time(leg) <= self.open.deal.lock_by => acts.push(Act::Lock(leg)),
            Escrow::Empty | Escrow::Released | Escrow::Refunded | Escrow::Escaped => {}
            Escrow::Locked => {
                if self.bounds == Bounds::Hostile && !world.is_final(leg) {
                    acts.push(Act::Reorg(leg));
                }
                let certified = DECISIONS.into_iter().filter(|decision| world.can_certify(*decision));
                acts.extend(certified.map(|decision| Act::Settle(leg, decision)));
                self.escape_acts(world, leg, acts);
            }
        }
    }

    fn escape_acts(&self, world: &World, leg: u8, acts: &mut Vec<Act>) {
        let (time, terms) = (world.chain_time(leg), &self.open.deal.legs[usize::from(leg)]);
        // The earliest request allows everything that a later one does; only who reacts to a death asks later.
        let asks = if self.bounds == Bounds::Hostile { time == terms.escape_at } else { time >= terms.escape_at };
        match world.requested_at[usize::from(leg)] {
            None if asks => acts.push(Act::RequestEscape(leg)),
            Some(at) if time >= at.plus(terms.escape_window) => acts.push(Act::ExecuteEscape(leg)),
            None | Some(_) => {}
        }
    }

    /// Applies an event by the production step. Leaves are issued at once, which only shortens the way. What does not
    /// touch the decision is stored at once: losing it to a crash is the same as hearing of it later.
    fn hub_event(&self, world: &mut World, record: &DealRecord, event: &DealEvent) -> bool {
        let Ok(step) = step_deal(record, event, &self.rules) else { return false };
        let mut next = step.next;
        for effect in &step.effects {
            if let DealEffect::Issue(_) = effect {
                let issued = DealEvent::LeafIssued { height: Height(1) };
                next = step_deal(&next, &issued, &self.rules).expect("its leaf is wanted").next;
            }
        }
        world.hub = Tracked(next);
        if self.bounds != Bounds::Hostile || world.hub.0.decision == world.durable.0.decision {
            world.sync();
        }
        true
    }

    /// Applies an act; false where it changes nothing.
    pub(crate) fn apply(&self, world: &mut World, act: Act) -> bool {
        match act {
            Act::ProveLock(_)
            | Act::HubBlock
            | Act::Cancel
            | Act::Certify
            | Act::ProveSettlement(_)
            | Act::ProveEscape(_) => return self.apply_on_hub(world, act),
            Act::Tick => world.now = world.now.plus(1),
            Act::Lock(leg) => {
                world.escrows[usize::from(leg)] = Escrow::Locked;
                world.locked_at[usize::from(leg)] = Some(world.now);
            }
            Act::Reorg(leg) => {
                world.escrows[usize::from(leg)] = Escrow::Empty;
                world.locked_at[usize::from(leg)] = None;
            }
            // Whoever settles one leg publishes what every other leg needs.
            Act::Settle(leg, decision) => {
                let commit = decision == Decision::Commit;
                world.escrows[usize::from(leg)] = if commit { Escrow::Released } else { Escrow::Refunded };
                world.public_at[usize::from(decision.bit())].get_or_insert(world.now);
            }
            Act::RequestEscape(leg) => world.requested_at[usize::from(leg)] = Some(world.chain_time(leg)),
            Act::ExecuteEscape(leg) => world.escrows[usize::from(leg)] = Escrow::Escaped,
            Act::Sync => world.sync(),
            Act::Crash => self.crash(world),
            Act::Die => world.alive = false,
            Act::Sign(decision) => sign(world, decision),
        }
        true
    }

    fn apply_on_hub(&self, world: &mut World, act: Act) -> bool {
        let (at, record) = (world.now, world.record().clone());
        let (record, event) = match act {
            Act::ProveLock(index) => {
                let lock_key = record.legs[usize::from(index)].lock_key;
                (record, DealEvent::LockProven { index, lock_key, at })
            }
            Act::HubBlock => (self.taken_back_when_stalled(world), DealEvent::TimePassed { now: at }),
            Act::Cancel if self.lacks(Guard::NoAbortAfterAllLocked) => {
                (undecided(&record), DealEvent::Cancelled { at })
            }
            Act::Cancel => (record, DealEvent::Cancelled { at }),
            Act::Certify => (record, DealEvent::LeafCertified { height: Height(1) }),
            Act::ProveSettlement(index) => {
                let commit = world.escrow(index) == Escrow::Released;
                let decision = if commit { Decision::Commit } else { Decision::Abort };
                (record, DealEvent::SettlementProven { index, decision, at })
            }
            Act::ProveEscape(index) => (record, DealEvent::EscapeProven { index, at }),
            Act::Tick
            | Act::Lock(_)
            | Act::Reorg(_)
            | Act::Settle(..)
            | Act::RequestEscape(_)
            | Act::ExecuteEscape(_)
            | Act::Sync
            | Act::Crash
            | Act::Die
            | Act::Sign(_) => return false,
        };
        self.hub_event(world, &record, &event)
    }

    fn taken_back_when_stalled(&self, world: &World) -> DealRecord {
        let record = world.record();
        let late = record.decision == Some(Decision::Commit) && world.now > record.sign_limit(&self.rules);
        let stalls = late && record.leaf == LeafState::Issued && self.lacks(Guard::StalledNeverAborts);
        if stalls { undecided(record) } else { record.clone() }
    }

    fn crash(&self, world: &mut World) {
        world.hub = world.durable.clone();
        if self.lacks(Guard::WriteAhead) {
            world.signed = 0;
        }
    }
}

fn sign(world: &mut World, decision: Decision) {
    let bit = usize::from(decision.bit());
    world.signed += 1;
    world.shares[bit] = HONEST.min(world.shares[bit] + 1);
    if world.shares[bit] == HONEST {
        world.public_at[bit].get_or_insert(world.now);
    }
}
