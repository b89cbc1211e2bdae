//! A state: the hub's records, the gateways of source and target, and the shares that validators have shown.

use super::brief::Brief;
use crate::terms::{FINALITY_S, Second};
use stateright::Representative;

pub(crate) const SOURCE: u8 = 0;
pub(crate) const TARGET: u8 = 1;

/// What used up a message on its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Use {
    Delivered,
    Expired,
    /// A failed delivery kept the bit; only a mutant does.
    Failed,
}

/// One message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Part {
    pub(crate) hub: Brief,
    /// What a crash leaves of it.
    pub(crate) durable: Brief,
    /// Hub time at which the source included it.
    pub(crate) sent_at: Option<Second>,
    /// Honest shares on the message and on its expiry.
    pub(crate) shares: [u8; 2],
    /// The target's replay bit: what set it, and the hub time of that.
    pub(crate) bit: Option<(Use, Second)>,
    /// Calls to the recipient that succeeded and stand.
    pub(crate) calls: u8,
    /// Refunds at the source.
    pub(crate) refunds: u8,
    /// The production step found an honest chain in contradiction.
    pub(crate) frozen: bool,
}

/// Everything that can differ between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct World {
    /// Hub time, by which everything else is measured.
    pub(crate) now: Second,
    /// What to add to it for the time of the target.
    pub(crate) skew: Second,
    /// Source and target.
    pub(crate) halted: [bool; 2],
    pub(crate) parts: [Part; 2],
}

impl World {
    pub(crate) fn new(skew: Second) -> Self {
        Self { now: 0, skew, halted: [false; 2], parts: [Part::default(); 2] }
    }

    pub(crate) fn part(&self, message: u8) -> &Part {
        &self.parts[usize::from(message)]
    }

    pub(crate) fn target_time(&self) -> Second {
        self.now + self.skew
    }

    pub(crate) fn is_final(&self, at: Second) -> bool {
        self.now >= at + FINALITY_S
    }
}

/// Two messages differ in nothing but their nonce.
impl Representative for World {
    fn representative(&self) -> Self {
        let mut world = *self;
        world.parts.sort_unstable();
        world
    }
}
