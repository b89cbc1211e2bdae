//! Has an endpoint take the relayer's transactions and forget them, so that those behind wait for a nonce that is gone.

use infrastrukt_sim::Faults;
use std::sync::Arc;

use super::wait;
use crate::{chains::CHAINS, dice::Dice, world::World};

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 500, 4_000).await;
        let chain = world.chain(dice.pick(&CHAINS));
        let dropped_broadcasts = u32::try_from(dice.within(1, 3)).expect("at most three");
        chain.writing.set_faults(Faults { dropped_broadcasts, ..Faults::default() });
        wait(&world, &mut dice, 2_000, 8_000).await;
        chain.writing.set_faults(Faults::default());
    }
}
