//! What comes of an act. Every move of a deal in the hub is the production `step`; a mutant without a guard gives it
//! another record or another event, never another rule.

use infrastrukt_protocol::{DealEffect, DealEvent, step_deal};
use infrastrukt_types::{Decision, Height};

use super::{
    acts::{Act, is_final},
    bounds::Guard,
    brief::{Brief, LeafPart},
    escrow::apply_on_chain,
    model::DealModel,
    world::{CHAINS, Escrow, World, epoch_of},
};
use crate::terms::hub_time;

impl DealModel {
    /// Applies an act; false where it changes nothing.
    pub(super) fn apply(&self, world: &mut World, act: Act) -> bool {
        match act {
            Act::ProveLock(deal, _)
            | Act::ProveOther(deal, _)
            | Act::Cancel(deal)
            | Act::Reissue(deal)
            | Act::Certify(deal, _)
            | Act::ProveSettlement(deal, _)
            | Act::ProveEscape(deal, _) => return self.apply_on_hub(world, deal, act),
            Act::HubBlock => return self.hub_block(world),
            Act::Tick => self.tick(world),
            Act::Halt(chain) => world.halted[usize::from(chain)] = true,
            Act::Resume(chain) => world.halted[usize::from(chain)] = false,
            Act::Rotate => world.epoch = 2,
            Act::RotateChain(chain) => world.retired_at[usize::from(chain)] = Some(world.chain_time(chain)),
            Act::Sync => self.deals().for_each(|deal| world.part_mut(deal).sync()),
            Act::Crash => self.crash(world),
            Act::Die => world.alive = false,
            Act::Sign(deal, decision, height) => self.sign(world, deal, decision, height),
            Act::Lock(..)
            | Act::LockOther(..)
            | Act::Reorg(..)
            | Act::Settle(..)
            | Act::Bounce(..)
            | Act::Withdraw(..)
            | Act::RequestEscape(..)
            | Act::ExecuteEscape(..) => apply_on_chain(world, act),
        }
        true
    }

    /// On a halted chain nothing becomes final.
    fn tick(&self, world: &mut World) {
        let halted = world.halted;
        for deal in self.deals() {
            for leg in CHAINS.into_iter().filter(|chain| halted[usize::from(*chain)]) {
                if !is_final(world, deal, leg) {
                    let lock = &mut world.leg_mut(deal, leg).locked_at;
                    *lock = lock.map(|at| at + 1);
                }
            }
        }
        world.now += 1;
    }

    fn crash(&self, world: &mut World) {
        for part in &mut world.parts {
            part.hub = part.durable;
            if self.lacks(Guard::WriteAhead) {
                part.remembered = [0; 3];
            }
        }
    }

    fn sign(&self, world: &mut World, deal: u8, decision: Decision, height: u8) {
        let (now, honest, part) = (world.now, self.setup.committee.honest, world.part_mut(deal));
        let (place, bit) = (usize::from(height) - 1, usize::from(decision.bit()));
        part.remembered[place] += 1;
        part.shares[place][bit] = honest.min(part.shares[place][bit] + 1);
        if part.shares[place][bit] == honest {
            part.publish(epoch_of(height), decision, now);
        }
    }

    /// Hub time goes on for every deal.
    fn hub_block(&self, world: &mut World) -> bool {
        let now = hub_time(world.now);
        let moved = self.deals().fold(false, |moved, deal| {
            let before = self.taken_back(world, deal);
            self.hub_event(world, deal, &before, &DealEvent::TimePassed { now }) || moved
        });
        self.passes_tip(world) || moved
    }

    fn apply_on_hub(&self, world: &mut World, deal: u8, act: Act) -> bool {
        let (at, hub) = (hub_time(world.now), world.part(deal).hub);
        let key = |leg: u8| self.open[usize::from(deal)].legs[usize::from(leg)].lock_key;
        let (before, event) = match act {
            Act::ProveLock(_, index) => (hub, DealEvent::LockProven { index, lock_key: key(index), at }),
            // The key of other terms is another one; any other stands for it.
            Act::ProveOther(_, index) => {
                let lock_key = key(if self.lacks(Guard::LockKey) { index } else { 1 - index });
                (hub, DealEvent::LockProven { index, lock_key, at })
            }
            Act::Cancel(_) if self.lacks(Guard::NoAbortAfterAllLocked) => {
                (hub.undecided(), DealEvent::Cancelled { at })
            }
            Act::Cancel(_) => (hub, DealEvent::Cancelled { at }),
            Act::Reissue(_) => {
                let height = if world.epoch == 2 { 3 } else { 2 };
                (hub, DealEvent::LeafIssued { height: Height(height) })
            }
            Act::Certify(..) => (hub, DealEvent::LeafCertified { height: Height(u64::from(hub.issue)) }),
            Act::ProveSettlement(_, index) => {
                let commit = world.leg(deal, index).escrow == Escrow::Released;
                let decision = if commit { Decision::Commit } else { Decision::Abort };
                (hub, DealEvent::SettlementProven { index, decision, at })
            }
            Act::ProveEscape(_, index) => (hub, DealEvent::EscapeProven { index, at }),
            Act::Tick
            | Act::Halt(_)
            | Act::Resume(_)
            | Act::Lock(..)
            | Act::LockOther(..)
            | Act::Reorg(..)
            | Act::HubBlock
            | Act::Sync
            | Act::Crash
            | Act::Die
            | Act::Rotate
            | Act::RotateChain(_)
            | Act::Sign(..)
            | Act::Settle(..)
            | Act::Bounce(..)
            | Act::Withdraw(..)
            | Act::RequestEscape(..)
            | Act::ExecuteEscape(..) => return false,
        };
        let moved = self.hub_event(world, deal, &before, &event);
        self.passes_tip(world);
        moved
    }

    /// Applies an event by the production step. Leaves are issued at once, which only shortens the way. What does not
    /// touch the decision is stored at once: losing it to a crash is the same as hearing of it later.
    fn hub_event(&self, world: &mut World, deal: u8, before: &Brief, event: &DealEvent) -> bool {
        let open = &self.open[usize::from(deal)];
        let Ok(step) = step_deal(&before.record(open), event, &self.rules) else { return false };
        let mut next = Brief::of(&step.next);
        let unlocked = next.decision == Some(Decision::Abort) && next.leaf == LeafPart::None;
        if unlocked && self.lacks(Guard::AbortNeedsLock) {
            next.leaf = LeafPart::Wanted;
        }
        if next.leaf == LeafPart::Wanted || step.effects.iter().any(|of| matches!(of, DealEffect::Issue(_))) {
            let issued = DealEvent::LeafIssued { height: Height(if world.epoch == 2 { 3 } else { 1 }) };
            let step = step_deal(&next.record(open), &issued, &self.rules).expect("its leaf is wanted");
            next = Brief::of(&step.next);
        }
        let lazy = self.is_hostile();
        let part = world.part_mut(deal);
        part.hub = next;
        if !lazy || part.hub.decision == part.durable.decision {
            part.sync();
        }
        true
    }

    /// The record with its decision taken back, where a mutant lets time decide again.
    fn taken_back(&self, world: &World, deal: u8) -> Brief {
        let hub = world.part(deal).hub;
        let commit = hub.decision == Some(Decision::Commit);
        let again = self.lacks(Guard::WriteOnce) && world.now > self.times.decide_by;
        let late = world.now > self.times.sign_limit && hub.leaf == LeafPart::Issued;
        let stalls = late && self.lacks(Guard::StalledNeverAborts);
        if commit && (again || stalls) { hub.undecided() } else { hub }
    }

    /// The mutant that trusts its tip needs its time.
    fn passes_tip(&self, world: &mut World) -> bool {
        let passes = self.lacks(Guard::Clock) && world.tip != world.now;
        if passes {
            world.tip = world.now;
        }
        passes
    }
}
