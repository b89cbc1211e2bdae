//! Stops a chain: no block becomes final, or there is no block at all.

use std::sync::Arc;

use super::wait;
use crate::{chains::CHAINS, dice::Dice, world::World};

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 1_000, 8_000).await;
        let chain = world.chain(dice.pick(&CHAINS));
        if dice.chance(500) {
            world.env.fault("finality stall");
            chain.sim.stall_finality(true);
        } else {
            world.env.fault("chain halt");
            chain.halt(true);
        }
        wait(&world, &mut dice, 3_000, 15_000).await;
        chain.sim.stall_finality(false);
        chain.halt(false);
    }
}
