//! Kills processes, in the middle of whatever they do.

use std::sync::Arc;

use super::wait;
use crate::{dice::Dice, party::Party, world::World};

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 1_000, 9_000).await;
        // Now and then everyone at once.
        let is_everyone = dice.chance(100);
        let one = dice.pick(&Party::CRASHING);
        for party in Party::CRASHING.into_iter().filter(|party| is_everyone || *party == one) {
            if world.is_running(party) {
                world.env.fault("kill");
                world.kill(party);
            }
        }
    }
}
