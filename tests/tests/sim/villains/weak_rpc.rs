//! Endpoints that fail, are gone, or lag behind.

use infrastrukt_sim::{Faults, SimView};
use std::sync::Arc;

use super::wait;
use crate::{
    chains::{CHAINS, Chain, ENDPOINTS},
    dice::Dice,
    party::VALIDATORS,
    world::World,
};

fn view<'a>(chain: &'a Chain, dice: &mut Dice) -> &'a Arc<SimView> {
    let mut index = |end: u64| usize::try_from(dice.below(end)).expect("small");
    match index(4) {
        0 => &chain.reading,
        1 => &chain.writing,
        _ => &chain.validators[index(u64::from(VALIDATORS))][index(ENDPOINTS as u64)],
    }
}

fn faults(dice: &mut Dice) -> Faults {
    let errors_per_mille = u16::try_from(dice.within(100, 700)).expect("at most a thousand");
    let stale_blocks = dice.within(1, 6);
    match dice.below(5) {
        0..=1 => Faults { errors_per_mille, ..Faults::default() },
        2..=3 => Faults { stale_blocks, ..Faults::default() },
        _ => Faults { is_dead: true, ..Faults::default() },
    }
}

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 500, 4_000).await;
        let chain = world.chain(dice.pick(&CHAINS));
        let views: Vec<_> = (0..dice.within(1, 4)).map(|_| view(chain, &mut dice)).collect();
        for view in &views {
            view.set_faults(faults(&mut dice));
        }
        wait(&world, &mut dice, 2_000, 10_000).await;
        views.iter().for_each(|view| view.set_faults(Faults::default()));
    }
}
