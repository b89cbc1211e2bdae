//! Votes on a fact that is not proven yet.

use infrastrukt_types::{Address, Fact, Timestamp, ValidatorSet};
use serde::{Deserialize, Serialize};

/// Votes on one fact. Votes are counted by the fact's digest, so that views that differ in anything never add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The fact.
    pub fact: Fact,
    /// Who attested to it, each once.
    pub voters: Vec<Address>,
    /// Hub time of the first vote.
    pub first_seen: Timestamp,
}

impl Tally {
    /// True when members of `set` with more than two thirds of its weight attested.
    pub fn is_proven(&self, set: &ValidatorSet) -> bool {
        let weight = |voter: &Address| set.find(*voter).map_or(0, |member| u128::from(member.weight));
        set.is_quorum(self.voters.iter().map(weight).sum())
    }
}
