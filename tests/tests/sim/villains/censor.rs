//! Keeps somebody's transactions out of every block of a chain, for less than the inclusion bound of the genesis.

use std::sync::Arc;

use super::wait;
use crate::{
    chains::{CHAINS, relayer_account},
    dice::Dice,
    people::Person,
    world::World,
};

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 1_000, 8_000).await;
        let chain = world.chain(dice.pick(&CHAINS));
        let victim = dice.pick(&[relayer_account(chain.id), Person::Alice.account(), Person::Bob.account()]);
        world.env.fault("censorship");
        chain.sim.with_environment(|around| around.censored.insert(victim));
        wait(&world, &mut dice, 4_000, 14_000).await;
        chain.sim.with_environment(|around| around.censored.remove(&victim));
    }
}
