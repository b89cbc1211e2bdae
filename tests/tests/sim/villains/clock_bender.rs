//! Sets clocks wrong, within what the genesis allows: of parties and of chains.

use std::sync::Arc;

use super::wait;
use crate::{chains::CHAINS, dice::Dice, party::Party, world::World};

/// Furthest a party's clock is off, in milliseconds.
const PARTY_MAX_MS: i64 = 2_000;
/// Furthest a chain's time is off, in seconds.
const CHAIN_MAX_S: i64 = 3;

fn either_way(dice: &mut Dice, most: i64) -> i64 {
    i64::try_from(dice.below(2 * most.unsigned_abs() + 1)).expect("small") - most
}

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        let (party, chain) = (dice.pick(&Party::CRASHING), world.chain(dice.pick(&CHAINS)));
        world.env.fault("clock skew");
        world.skew(party).set(either_way(&mut dice, PARTY_MAX_MS));
        if dice.chance(300) {
            world.env.fault("chain time skew");
            chain.sim.skew_time(either_way(&mut dice, CHAIN_MAX_S));
        }
        wait(&world, &mut dice, 3_000, 12_000).await;
        if dice.chance(500) {
            world.skew(party).set(0);
        }
        chain.sim.skew_time(0);
    }
}
