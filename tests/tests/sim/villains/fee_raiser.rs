//! Makes blocks dear, so that what waits pays too little.

use std::sync::Arc;

use super::wait;
use crate::{
    chains::{CHAINS, GAS_PRICE},
    dice::Dice,
    world::World,
};

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 1_000, 8_000).await;
        let chain = world.chain(dice.pick(&CHAINS));
        world.env.fault("underpriced transaction");
        chain.sim.set_gas_price(GAS_PRICE * dice.within(2, 20));
        wait(&world, &mut dice, 4_000, 12_000).await;
        chain.sim.set_gas_price(GAS_PRICE);
    }
}
