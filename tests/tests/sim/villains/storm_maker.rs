//! Bad weather on the network: messages are lost, late, overtaken, or come twice.

use std::sync::Arc;

use super::wait;
use crate::{dice::Dice, net::Weather, world::World};

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        let mut per_mille = |most| u16::try_from(dice.below(most)).expect("at most a thousand");
        let (lost, twice, slow) = (per_mille(300), per_mille(200), per_mille(400));
        let slow_max_ms = dice.within(500, 5_000);
        world.net.set_weather(Weather { lost, twice, slow, slow_max_ms });
        wait(&world, &mut dice, 4_000, 15_000).await;
        world.net.set_weather(Weather::default());
        wait(&world, &mut dice, 1_000, 5_000).await;
    }
}
