//! Votes for the next set.

use infrastrukt_types::{Address, Epoch, RotationVote, Timestamp, ValidatorSet};
use serde::{Deserialize, Serialize};

use super::epoch::{EpochRecord, is_sole_quorum};
use crate::limits::VALIDATORS_MAX;

/// Votes for the set of one epoch. A validator has one vote, its latest, so that there are never more proposals than
/// validators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationTally {
    /// The epoch voted on.
    pub epoch: Epoch,
    /// What was proposed, with its voters.
    pub proposals: Vec<Proposal>,
}

/// A proposed set with its voters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The set.
    pub set: ValidatorSet,
    /// When it would lose all power.
    pub expires_at: Timestamp,
    /// Who votes for it.
    pub voters: Vec<Address>,
}

/// Why a vote is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotationRefusal {
    /// Epochs are consecutive.
    #[error("epoch {given} cannot follow epoch {current}: vote for the next one")]
    NotNext {
        /// Voted on.
        given: Epoch,
        /// Current.
        current: Epoch,
    },
    /// A quorum has already chosen.
    #[error("the set of epoch {0} is already decided")]
    Decided(Epoch),
    /// It would be over before it begins, or before deals of this epoch end.
    #[error("the next epoch would expire at {expires_at}: it must be after {earliest}")]
    ExpiresEarly {
        /// Proposed.
        expires_at: Timestamp,
        /// Must be after.
        earliest: Timestamp,
    },
    /// Too many members.
    #[error("a set of {0} members is larger than {VALIDATORS_MAX}")]
    TooLarge(usize),
    /// One key would decide alone.
    #[error("one member of the proposed set alone holds more than two thirds of the weight")]
    SoleQuorum,
}

/// Checks a proposal against the current epoch at hub time `now`.
pub fn check_proposal(vote: &RotationVote, current: &EpochRecord, now: Timestamp) -> Result<(), RotationRefusal> {
    if Some(vote.epoch) != current.epoch.next() {
        return Err(RotationRefusal::NotNext { given: vote.epoch, current: current.epoch });
    }
    // Deals were accepted on the strength of the current expiry: the next set must not lose its power sooner.
    let earliest = now.max(Timestamp(current.expires_at.0.saturating_sub(1)));
    if vote.expires_at <= earliest {
        return Err(RotationRefusal::ExpiresEarly { expires_at: vote.expires_at, earliest });
    }
    if vote.set.members().len() > VALIDATORS_MAX {
        return Err(RotationRefusal::TooLarge(vote.set.members().len()));
    }
    if is_sole_quorum(&vote.set) {
        return Err(RotationRefusal::SoleQuorum);
    }
    Ok(())
}

impl RotationTally {
    /// No votes yet.
    pub const fn new(epoch: Epoch) -> Self {
        Self { epoch, proposals: Vec::new() }
    }

    /// Counts a vote, in place of the voter's earlier one. Returns the proposal once `current` has a quorum for it.
    pub fn count(&mut self, vote: &RotationVote, current: &ValidatorSet) -> Option<Proposal> {
        for proposal in &mut self.proposals {
            proposal.voters.retain(|voter| *voter != vote.validator);
        }
        self.proposals.retain(|proposal| !proposal.voters.is_empty());
        let same = |proposal: &Proposal| proposal.set == vote.set && proposal.expires_at == vote.expires_at;
        let place = self.proposals.iter().position(same).unwrap_or_else(|| {
            self.proposals.push(Proposal { set: vote.set.clone(), expires_at: vote.expires_at, voters: Vec::new() });
            self.proposals.len() - 1
        });
        let proposal = &mut self.proposals[place];
        proposal.voters.push(vote.validator);
        let weight = |voter: &Address| current.find(*voter).map_or(0, |member| u128::from(member.weight));
        current.is_quorum(proposal.voters.iter().map(weight).sum()).then(|| proposal.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{epoch_record, validator_set};
    use infrastrukt_types::Bytes;

    fn vote(of: usize, epoch: u64, expires_at: u64) -> RotationVote {
        let set = validator_set(4);
        let validator = set.members()[of].address;
        let expires_at = Timestamp(expires_at);
        RotationVote { validator, epoch: Epoch(epoch), set, expires_at, signature: Bytes::new() }
    }

    #[test]
    fn a_quorum_decides_and_a_vote_counts_once() {
        let set = validator_set(4);
        let mut tally = RotationTally::new(Epoch(2));
        assert_eq!(tally.count(&vote(0, 2, 900), &set), None);
        assert_eq!(tally.count(&vote(0, 2, 900), &set), None);
        assert_eq!(tally.count(&vote(1, 2, 900), &set), None);
        assert_eq!(tally.count(&vote(2, 2, 800), &set), None);
        assert_eq!(tally.proposals.len(), 2);
        let decided = tally.count(&vote(2, 2, 900), &set).expect("three of four");
        assert_eq!((decided.expires_at, decided.voters.len(), tally.proposals.len()), (Timestamp(900), 3, 1));
    }

    #[test]
    fn epochs_are_consecutive_and_outlive_the_one_before() {
        let current = epoch_record(1);
        let (now, end) = (Timestamp(current.expires_at.0 - 10), current.expires_at.0);
        assert_eq!(check_proposal(&vote(0, 2, end), &current, now), Ok(()));
        for epoch in [0, 1, 3] {
            let refusal = check_proposal(&vote(0, epoch, end), &current, now).expect_err("refused");
            assert!(matches!(refusal, RotationRefusal::NotNext { .. }));
        }
        let early = check_proposal(&vote(0, 2, end - 1), &current, now).expect_err("refused");
        assert!(matches!(early, RotationRefusal::ExpiresEarly { .. }));
        let past = check_proposal(&vote(0, 2, end + 5), &current, Timestamp(end + 5)).expect_err("refused");
        assert!(matches!(past, RotationRefusal::ExpiresEarly { .. }));
    }
}
