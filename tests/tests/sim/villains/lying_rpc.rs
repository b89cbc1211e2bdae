//! Has an endpoint lie: one of three of a validator, or the one the relayer reads from. A relayer that sees through a
//! lie stops until its operators have looked.

use infrastrukt_sim::{Faults, Lie, SimView};
use std::sync::Arc;

use super::wait;
use crate::{chains::CHAINS, dice::Dice, party::VALIDATORS, world::World};

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 500, 4_000).await;
        let chain = world.chain(dice.pick(&CHAINS));
        let (view, lie): (&Arc<SimView>, Lie) = if dice.chance(250) {
            (&chain.reading, dice.pick(&[Lie::OmitEvent, Lie::InventEvent]))
        } else {
            let validator = usize::try_from(dice.below(u64::from(VALIDATORS))).expect("small");
            // Always the first: that two endpoints of one validator lie alike, no validator is meant to survive.
            let lies = [Lie::OmitEvent, Lie::InventEvent, Lie::ForgeBlock];
            (&chain.validators[validator][0], dice.pick(&lies))
        };
        view.set_faults(Faults { lie: Some(lie), ..Faults::default() });
        wait(&world, &mut dice, 3_000, 12_000).await;
        view.set_faults(Faults::default());
    }
}
