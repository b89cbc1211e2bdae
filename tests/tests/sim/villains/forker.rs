//! Replaces blocks that are not final yet: all of them, where finality stands still.

use infrastrukt_sim::Dropped;
use std::sync::Arc;

use super::wait;
use crate::{chains::CHAINS, dice::Dice, world::World};

/// Deepest fork.
const DEPTH_MAX: u64 = 12;

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 1_000, 7_000).await;
        let chain = world.chain(dice.pick(&CHAINS));
        let open = chain.sim.head().saturating_sub(chain.sim.finalized());
        if open > 0 {
            let depth = dice.within(1, open.min(DEPTH_MAX));
            let dropped = dice.pick(&[Dropped::Lost, Dropped::Waiting]);
            world.env.fault("reorg");
            world.env.act("fork", &[chain.id.0, chain.sim.reorg(depth, dropped)]);
        }
    }
}
