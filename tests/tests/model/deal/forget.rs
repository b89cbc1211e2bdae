//! One form for states that no act and no property can tell apart.

use super::{
    brief::Brief,
    model::DealModel,
    world::{CHAINS, Escrow, World},
};
use crate::terms::{FINALITY_S, INCLUSION_S, OBSERVE_S, Second};

/// Stands for every moment so far back that no bound reaches it.
const LONG_AGO: Second = 0;

impl DealModel {
    /// Forgets what nothing can read any more: times out of every bound's reach, and the state of a dead hub.
    pub(super) fn forget(&self, world: &mut World) {
        let now = world.now;
        for deal in self.deals() {
            for leg in CHAINS {
                self.forget_leg(world, deal, leg);
            }
            let part = world.part_mut(deal);
            for at in part.public_at.iter_mut().flatten().flatten().filter(|at| now > **at + INCLUSION_S) {
                *at = LONG_AGO;
            }
            if !world.alive {
                let part = world.part_mut(deal);
                (part.hub, part.first, part.remembered) = (Brief::of(&self.open[usize::from(deal)]), None, [0; 3]);
                part.durable = part.hub;
            }
        }
        // Where grace outlasts all of time it never matters when it began.
        if self.times.grace == Second::MAX {
            for at in world.retired_at.iter_mut().flatten() {
                *at = LONG_AGO;
            }
        }
    }

    fn forget_leg(&self, world: &mut World, deal: u8, leg: u8) {
        let (now, time) = (world.now, world.chain_time(leg));
        let (times, lock) = (&self.times, world.leg_mut(deal, leg));
        if lock.escrow != Escrow::Locked {
            (lock.locked_at, lock.requested_at) = (None, None);
        }
        if let Some(at) = lock.locked_at.as_mut().filter(|at| now > **at + FINALITY_S + OBSERVE_S) {
            *at = LONG_AGO;
        }
        if let Some(at) = lock.requested_at.as_mut().filter(|at| time >= **at + times.escape_window) {
            *at = times.escape_at;
        }
    }
}
