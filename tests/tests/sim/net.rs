//! The network between parties. Chains are reached by endpoints with faults of their own.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{dice::Dice, env::Env, party::Party};

/// Longest way of a message in good weather.
const USUAL_MS: u64 = 20;
/// Shortest way of a message that is slow. Whatever is sent meanwhile overtakes it.
const SLOW_MIN_MS: u64 = 200;

/// What happens to messages, to so many of a thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weather {
    pub(crate) lost: u16,
    pub(crate) twice: u16,
    pub(crate) slow: u16,
    /// Longest way of a slow one.
    pub(crate) slow_max_ms: u64,
}

pub(crate) struct Net {
    env: Arc<Env>,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    weather: Weather,
    /// Those cut off from the others, but not from each other.
    island: BTreeSet<Party>,
}

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lost,
    /// It arrives after so long, and again after so long where it arrives twice.
    Arrives {
        after_ms: u64,
        again_ms: Option<u64>,
    },
}

impl Net {
    pub(crate) fn new(env: Arc<Env>, dice: Dice) -> Self {
        Self { env, state: Mutex::new(State { dice, weather: Weather::default(), island: BTreeSet::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    pub(crate) fn set_island(&self, island: BTreeSet<Party>) {
        self.state().island = island;
    }

    /// True while nothing gets from one to the other.
    pub(crate) fn is_cut(&self, from: Party, to: Party) -> bool {
        let state = self.state();
        state.island.contains(&from) != state.island.contains(&to)
    }

    /// Decides about one message.
    pub(crate) fn send(&self, from: Party, to: Party) -> Fate {
        if self.is_cut(from, to) {
            self.env.fault("partition");
            return Fate::Lost;
        }
        let mut state = self.state();
        let State { dice, weather, .. } = &mut *state;
        if dice.chance(weather.lost) {
            self.env.fault("dropped message");
            return Fate::Lost;
        }
        let mut after_ms = dice.within(1, USUAL_MS);
        if dice.chance(weather.slow) {
            self.env.fault("reordered message");
            after_ms += dice.within(SLOW_MIN_MS, weather.slow_max_ms.max(SLOW_MIN_MS));
        }
        let mut again_ms = None;
        if dice.chance(weather.twice) {
            self.env.fault("duplicated message");
            again_ms = Some(after_ms + dice.within(1, SLOW_MIN_MS));
        }
        Fate::Arrives { after_ms, again_ms }
    }
}
