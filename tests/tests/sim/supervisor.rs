//! The operators: they start what died, and start anew what only a new start helps.

use std::{collections::BTreeMap, sync::Arc};

use crate::{dice::Dice, party::Party, world::World};

/// Pause between two looks.
const LOOK_MS: u64 = 1_000;
/// How long a party is down, while faults go on and afterwards.
const DOWN_MS: (u64, u64) = (1_000, 9_000);
const DOWN_CALM_MS: (u64, u64) = (200, 1_500);

pub(crate) async fn supervise(world: Arc<World>, mut dice: Dice) {
    let mut due = BTreeMap::new();
    loop {
        tokio::select! {
            biased;
            () = world.env.deaths.notified() => {}
            () = world.env.time.sleep_ms(LOOK_MS) => {}
        }
        for party in Party::CRASHING {
            look_after(&world, party, &mut due, &mut dice);
        }
    }
}

fn look_after(world: &Arc<World>, party: Party, due: &mut BTreeMap<Party, u64>, dice: &mut Dice) {
    if world.is_absent(party) {
        return;
    }
    let now_ms = world.env.time.now_ms();
    let (first, last) = if world.is_calm() { DOWN_CALM_MS } else { DOWN_MS };
    if world.is_running(party) {
        due.remove(&party);
        if needs_new_start(world, party) {
            world.env.act("operator", &[party.code()]);
            world.kill(party);
        }
        return;
    }
    let at_ms = *due.entry(party).or_insert_with(|| {
        world.kill(party);
        now_ms + dice.within(first, last)
    });
    if now_ms >= at_ms {
        due.remove(&party);
        // One that dies while it starts is found dead at the next look.
        world.start(party);
    }
}

/// A disk that stopped, or a lane that waits for a person.
fn needs_new_start(world: &World, party: Party) -> bool {
    let has_halted = match party {
        Party::Relayer => !world.relayer_halts().is_empty(),
        Party::Front | Party::Validator(_) | Party::People => false,
    };
    has_halted || world.disk(party).has_stopped()
}
