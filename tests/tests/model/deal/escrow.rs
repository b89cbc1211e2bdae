//! What the contracts do: the locks, and the money in them.

use infrastrukt_types::Decision;

use super::{
    acts::Act,
    world::{Escrow, World},
};

pub(super) fn apply_on_chain(world: &mut World, act: Act) {
    let now = world.now;
    match act {
        Act::Lock(deal, leg) => {
            let lock = world.leg_mut(deal, leg);
            (lock.escrow, lock.locked_at) = (Escrow::Locked, Some(now));
            world.balance[usize::from(leg)] += 1;
        }
        Act::LockOther(deal, leg) => {
            world.leg_mut(deal, leg).escrow = Escrow::Other;
            world.balance[usize::from(leg)] += 1;
        }
        Act::Reorg(deal, leg) => {
            let lock = world.leg_mut(deal, leg);
            (lock.escrow, lock.locked_at) = (Escrow::Empty, None);
            world.balance[usize::from(leg)] -= 1;
        }
        Act::Settle(deal, leg, decision, epoch) => {
            settle(world, deal, leg, decision, epoch);
            world.balance[usize::from(leg)] -= 1;
        }
        Act::Bounce(deal, leg, decision, epoch) => {
            settle(world, deal, leg, decision, epoch);
            world.leg_mut(deal, leg).credit = true;
        }
        Act::Withdraw(deal, leg) => {
            world.leg_mut(deal, leg).credit = false;
            world.balance[usize::from(leg)] -= 1;
        }
        Act::RequestEscape(deal, leg) => {
            let time = world.chain_time(leg);
            world.leg_mut(deal, leg).requested_at = Some(time);
        }
        Act::ExecuteEscape(deal, leg) => {
            world.leg_mut(deal, leg).escrow = Escrow::Escaped;
            world.balance[usize::from(leg)] -= 1;
        }
        Act::Tick
        | Act::Halt(_)
        | Act::Resume(_)
        | Act::ProveLock(..)
        | Act::ProveOther(..)
        | Act::HubBlock
        | Act::Cancel(_)
        | Act::Sync
        | Act::Crash
        | Act::Die
        | Act::Rotate
        | Act::RotateChain(_)
        | Act::Reissue(_)
        | Act::Sign(..)
        | Act::Certify(..)
        | Act::ProveSettlement(..)
        | Act::ProveEscape(..) => {}
    }
}

/// Whoever settles one leg publishes what every other leg needs.
fn settle(world: &mut World, deal: u8, leg: u8, decision: Decision, epoch: u8) {
    let now = world.now;
    let part = world.part_mut(deal);
    let commit = decision == Decision::Commit;
    part.legs[usize::from(leg)].escrow = if commit { Escrow::Released } else { Escrow::Refunded };
    part.publish(epoch, decision, now);
}
