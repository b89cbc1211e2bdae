//! Cuts the network in two.

use std::{collections::BTreeSet, sync::Arc};

use super::wait;
use crate::{dice::Dice, party::Party, world::World};

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 1_000, 8_000).await;
        let everyone = Party::CRASHING.into_iter().chain([Party::People]);
        let island: BTreeSet<Party> = everyone.filter(|_| dice.chance(350)).collect();
        world.env.act("cut", &island.iter().map(|party| party.code()).collect::<Vec<_>>());
        world.net.set_island(island);
        wait(&world, &mut dice, 2_000, 12_000).await;
        world.net.set_island(BTreeSet::new());
    }
}
