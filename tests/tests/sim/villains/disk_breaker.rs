//! Breaks disks: crashes at any write, writes that are torn or fail, disks that stop or are full.

use std::sync::Arc;

use super::wait;
use crate::{dice::Dice, disk::Trouble, party::Party, world::World};

fn trouble(dice: &mut Dice) -> Trouble {
    let mut per_mille = |first, last| u16::try_from(dice.within(first, last)).expect("at most a thousand");
    let (crashes, fails, stops) = (per_mille(10, 150), per_mille(50, 400), per_mille(10, 80));
    match dice.below(6) {
        0..=2 => Trouble { crashes, ..Trouble::default() },
        3 => Trouble { fails, ..Trouble::default() },
        4 => Trouble { stops, ..Trouble::default() },
        _ => Trouble { is_full: true, ..Trouble::default() },
    }
}

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        wait(&world, &mut dice, 500, 5_000).await;
        let disk = world.disk(dice.pick(&Party::CRASHING));
        disk.set_trouble(trouble(&mut dice));
        wait(&world, &mut dice, 1_000, 9_000).await;
        disk.set_trouble(Trouble::default());
    }
}
