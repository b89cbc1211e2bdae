//! States that are mirror images of each other count as one. The two deals have the same terms, and so have the two
//! legs of each: whatever can happen to a state can happen to its image. Validators of a kind are counted, not named,
//! which is their symmetry already.

use stateright::Representative;

use super::world::World;

impl World {
    fn with_sorted_deals(mut self) -> Self {
        self.parts.sort_unstable();
        self
    }

    fn mirrored(mut self) -> Self {
        self.skew.reverse();
        self.halted.reverse();
        self.retired_at.reverse();
        self.balance.reverse();
        for part in &mut self.parts {
            part.hub.legs.reverse();
            part.durable.legs.reverse();
            part.legs.reverse();
        }
        self
    }
}

impl Representative for World {
    fn representative(&self) -> Self {
        self.with_sorted_deals().min(self.mirrored().with_sorted_deals())
    }
}
