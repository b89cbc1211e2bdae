//! Who takes part in a run, and the lives they have between two crashes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Validators of the hub.
pub(crate) const VALIDATORS: u8 = 4;

/// Whoever has a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    /// Orders the hub's log and answers calls.
    Front,
    Validator(u8),
    Relayer,
    /// All users: their wallets forget nothing and never crash.
    People,
}

impl Party {
    /// Those that crash, in the order in which they are looked after.
    pub(crate) const CRASHING: [Self; 6] =
        [Self::Front, Self::Validator(0), Self::Validator(1), Self::Validator(2), Self::Validator(3), Self::Relayer];

    /// Its number in a trace.
    pub(crate) const fn code(self) -> u64 {
        match self {
            Self::Front => 0,
            Self::Relayer => 1,
            Self::People => 2,
            Self::Validator(index) => 10 + index as u64,
        }
    }
}

/// One life of a party: from its start to its crash. Whatever it still does afterwards has no effect.
#[derive(Clone, Default)]
pub(crate) struct Life(Arc<AtomicBool>);

impl Life {
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns at once while it lasts, and never afterwards.
    pub(crate) async fn go_on(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }
}
