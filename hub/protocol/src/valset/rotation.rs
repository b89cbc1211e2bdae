//! Votes for the next set.

use infrastrukt_types::{Address, CertificateError, Epoch, HubId, RotationVote, Timestamp, ValidatorSet};
use serde::{Deserialize, Serialize};

use super::epoch::{EpochRecord, is_sole_quorum};
use crate::{
    genesis::Genesis,
    limits::{EPOCH_SPAN_MAX_S, VALIDATORS_MAX},
};

/// Votes for the set of one epoch. A validator has one vote, so that there are never more proposals than validators. It
/// may change it for a proposal that expires later: without an order, anyone could hand in a vote again that its
/// validator has taken back.
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
    /// Not a validator of the current epoch.
    #[error("{0} is no validator of the current epoch: members of the current set choose the next one")]
    NotAValidator(Address),
    /// Forged or malformed.
    #[error(transparent)]
    Signature(#[from] CertificateError),
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
    /// The chains' verifiers would refuse it: a set that never expires could never be recovered from.
    #[error("the next epoch would expire at {expires_at}: it must be {latest} or earlier")]
    ExpiresLate {
        /// Proposed.
        expires_at: Timestamp,
        /// Latest accepted.
        latest: Timestamp,
    },
    /// The validator votes for something else already, which may have been later.
    #[error("the vote of {validator} is for a set that expires at {counted}: another vote must expire later than that")]
    NotLater {
        /// Who votes.
        validator: Address,
        /// Expiry of the set it votes for.
        counted: Timestamp,
    },
    /// Too many members.
    #[error("a set of {members} members is larger than {most}, the most that all chains of the hub can take")]
    TooLarge {
        /// How many.
        members: usize,
        /// Most allowed.
        most: usize,
    },
    /// One key would decide alone.
    #[error("one member of the proposed set alone holds more than two thirds of the weight")]
    SoleQuorum,
}

/// Checks a vote at hub time `now`: the voter is in the `current` set, the proposal keeps the rules, the signature is
/// the voter's. Pure, so that a node refuses junk before it is ordered. Whether a set was chosen before, the log says.
pub fn check_rotation_vote(
    genesis: &Genesis,
    hub: HubId,
    vote: &RotationVote,
    current: &EpochRecord,
    now: Timestamp,
) -> Result<(), RotationRefusal> {
    if current.set.find(vote.validator).is_none() {
        return Err(RotationRefusal::NotAValidator(vote.validator));
    }
    check_proposal(vote, current, now)?;
    at_most(vote, genesis.validators_max())?;
    Ok(vote.verify(hub)?)
}

/// Checks a proposal against the current epoch at hub time `now`, by the rules that hold whatever chains there are.
pub fn check_proposal(vote: &RotationVote, current: &EpochRecord, now: Timestamp) -> Result<(), RotationRefusal> {
    if Some(vote.epoch) != current.epoch.next() {
        return Err(RotationRefusal::NotNext { given: vote.epoch, current: current.epoch });
    }
    // Deals were accepted on the strength of the current expiry: the next set must not lose its power sooner.
    let earliest = now.max(Timestamp(current.expires_at.0.saturating_sub(1)));
    if vote.expires_at <= earliest {
        return Err(RotationRefusal::ExpiresEarly { expires_at: vote.expires_at, earliest });
    }
    let latest = now.plus(EPOCH_SPAN_MAX_S).max(current.expires_at);
    if vote.expires_at > latest {
        return Err(RotationRefusal::ExpiresLate { expires_at: vote.expires_at, latest });
    }
    at_most(vote, VALIDATORS_MAX)?;
    if is_sole_quorum(&vote.set) {
        return Err(RotationRefusal::SoleQuorum);
    }
    Ok(())
}

fn at_most(vote: &RotationVote, most: usize) -> Result<(), RotationRefusal> {
    let members = vote.set.members().len();
    if members > most { Err(RotationRefusal::TooLarge { members, most }) } else { Ok(()) }
}

impl Proposal {
    /// True where the vote is for this.
    pub fn is_of(&self, vote: &RotationVote) -> bool {
        self.set == vote.set && self.expires_at == vote.expires_at
    }
}

impl RotationTally {
    /// No votes yet.
    pub const fn new(epoch: Epoch) -> Self {
        Self { epoch, proposals: Vec::new() }
    }

    /// Refuses a vote that may be older than the one that counts.
    pub fn check(&self, vote: &RotationVote) -> Result<(), RotationRefusal> {
        let counted = self.proposals.iter().find(|proposal| proposal.voters.contains(&vote.validator));
        match counted {
            Some(counted) if !counted.is_of(vote) && vote.expires_at <= counted.expires_at => {
                Err(RotationRefusal::NotLater { validator: vote.validator, counted: counted.expires_at })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Counts a vote that passed the check, in place of the voter's earlier one. Returns the proposal once `current` has a quorum for it.
    pub fn count(&mut self, vote: &RotationVote, current: &ValidatorSet) -> Option<Proposal> {
        for proposal in &mut self.proposals {
            proposal.voters.retain(|voter| *voter != vote.validator);
        }
        self.proposals.retain(|proposal| !proposal.voters.is_empty());
        let place = self.proposals.iter().position(|proposal| proposal.is_of(vote)).unwrap_or_else(|| {
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
    use crate::testing::{NOW, epoch_record, genesis, key, keys, mixed_genesis, signed, validator_set};
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
    fn a_vote_that_was_taken_back_stays_so() {
        let set = validator_set(4);
        let mut tally = RotationTally::new(Epoch(2));
        let (first, second) = (vote(0, 2, 900), vote(0, 2, 901));
        for vote in [&first, &second] {
            assert_eq!(tally.check(vote), Ok(()));
            assert_eq!(tally.count(vote, &set), None);
        }
        assert_eq!(tally.check(&second), Ok(()), "the same again changes nothing");
        let (validator, counted) = (first.validator, Timestamp(901));
        assert_eq!(tally.check(&first), Err(RotationRefusal::NotLater { validator, counted }));
        assert_eq!(tally.check(&vote(1, 2, 900)), Ok(()), "others are free");
    }

    #[test]
    fn a_vote_is_of_a_member_and_signed_by_it() {
        let (hub, current) = (genesis().identity.hub_id(), epoch_record(1));
        let check = |vote: &RotationVote| check_rotation_vote(&genesis(), hub, vote, &current, NOW);
        let mut good = vote(1, 2, current.expires_at.0 + 9);
        let digest = RotationVote::digest(hub, good.epoch, &good.set, good.expires_at);
        good.signature = signed(&keys(4)[1], digest);
        assert_eq!(check(&good), Ok(()));

        let stranger = key(77);
        let foreign =
            RotationVote { validator: stranger.address(), signature: signed(&stranger, digest), ..good.clone() };
        assert_eq!(check(&foreign), Err(RotationRefusal::NotAValidator(stranger.address())));
        let forged = RotationVote { signature: signed(&stranger, digest), ..good.clone() };
        assert!(matches!(check(&forged), Err(RotationRefusal::Signature(_))));
        let edited = RotationVote { expires_at: good.expires_at.plus(1), ..good.clone() };
        assert!(matches!(check(&edited), Err(RotationRefusal::Signature(_))));
        let far = RotationVote { epoch: Epoch(3), ..good };
        assert!(matches!(check(&far), Err(RotationRefusal::NotNext { .. })));
    }

    #[test]
    fn a_set_is_as_large_as_every_chain_can_take() {
        let (hub, current) = (genesis().identity.hub_id(), epoch_record(1));
        let mut large = vote(0, 2, current.expires_at.0 + 9);
        large.set = validator_set(33);
        let digest = RotationVote::digest(hub, large.epoch, &large.set, large.expires_at);
        large.signature = signed(&keys(4)[0], digest);
        let check = |genesis: &Genesis| check_rotation_vote(genesis, hub, &large, &current, NOW);
        assert_eq!(check(&genesis()), Ok(()));
        assert_eq!(check(&mixed_genesis()), Err(RotationRefusal::TooLarge { members: 33, most: 32 }));
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

    #[test]
    fn no_set_is_given_power_without_end() {
        let current = epoch_record(1);
        let latest = NOW.plus(EPOCH_SPAN_MAX_S);
        assert_eq!(check_proposal(&vote(0, 2, latest.0), &current, NOW), Ok(()));
        let expires_at = latest.plus(1);
        let late = check_proposal(&vote(0, 2, expires_at.0), &current, NOW);
        assert_eq!(late, Err(RotationRefusal::ExpiresLate { expires_at, latest }));

        let long = EpochRecord { expires_at: latest.plus(9), ..epoch_record(1) };
        assert_eq!(check_proposal(&vote(0, 2, latest.0 + 9), &long, NOW), Ok(()));
        assert!(check_proposal(&vote(0, 2, latest.0 + 10), &long, NOW).is_err());
    }
}
