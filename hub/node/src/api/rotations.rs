//! Votes for the next validator set: shown, and checked before they are ordered.

use infrastrukt_api::{ProposalView, RotationView};
use infrastrukt_ports::StoreError;
use infrastrukt_protocol::{EpochRecord, Hub, Proposal, Refusal, RotationRefusal, StateView, check_rotation_vote};
use infrastrukt_types::{Address, RotationVote, Scheme, Timestamp, ValidatorSet};

/// What a vote that is handed in would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is not counted yet.
    Wanted,
    /// It counts, or the very set it wants is chosen.
    Counted,
}

/// The current epoch and what is proposed for the next one; `None` where the state lacks its own epoch.
pub(super) fn view<V: StateView<Error = StoreError>>(view: &V) -> Result<Option<RotationView>, StoreError> {
    let Some(current) = view.epoch(view.tip()?.epoch)? else { return Ok(None) };
    let mut proposals = Vec::new();
    if let Some(next) = current.epoch.next() {
        let tally = view.rotation_votes(next)?;
        let open = tally.into_iter().flat_map(|tally| tally.proposals);
        proposals.extend(open.map(|proposal| open_proposal(&current, proposal)));
        proposals.extend(view.epoch(next)?.map(decided_proposal));
    }
    Ok(Some(RotationView {
        epoch: current.epoch,
        expires_at: current.expires_at,
        total_weight: current.set.total().to_string(),
        valset_hash: current.valset_hash,
        validators: current.set,
        proposals,
    }))
}

fn weight_of(voters: &[Address], set: &ValidatorSet) -> u128 {
    voters.iter().filter_map(|voter| set.find(*voter)).map(|member| u128::from(member.weight)).sum()
}

fn open_proposal(current: &EpochRecord, proposal: Proposal) -> ProposalView {
    let Proposal { set, expires_at, voters } = proposal;
    ProposalView {
        // An epoch without a successor has no proposals.
        epoch: current.epoch.next().unwrap_or(current.epoch),
        valset_hash: set.hash(Scheme::Ecdsa),
        set,
        expires_at,
        weight: weight_of(&voters, &current.set).to_string(),
        voters,
        decided: false,
    }
}

fn decided_proposal(next: EpochRecord) -> ProposalView {
    ProposalView {
        epoch: next.epoch,
        set: next.set,
        valset_hash: next.valset_hash,
        expires_at: next.expires_at,
        voters: Vec::new(),
        weight: "0".into(),
        decided: true,
    }
}

/// Judges a vote by the current epoch at hub time `now`. The log judges it again.
pub(super) fn judge<V: StateView<Error = StoreError>>(
    hub: &Hub,
    view: &V,
    vote: &RotationVote,
    now: Timestamp,
) -> Result<Result<Standing, Refusal>, StoreError> {
    let epoch = view.tip()?.epoch;
    let Some(current) = view.epoch(epoch)? else { return Ok(Err(Refusal::UnknownEpoch(epoch))) };
    if let Err(refusal) = check_rotation_vote(&hub.genesis, hub.hub_id, vote, &current, now) {
        return Ok(Err(refusal.into()));
    }
    if is_counted(view, vote)? {
        return Ok(Ok(Standing::Counted));
    }
    if view.epoch(vote.epoch)?.is_some() {
        return Ok(Err(RotationRefusal::Decided(vote.epoch).into()));
    }
    let tally = view.rotation_votes(vote.epoch)?;
    let checked = tally.map_or(Ok(()), |tally| tally.check(vote));
    Ok(checked.map(|()| Standing::Wanted).map_err(Refusal::from))
}

/// True once the vote counts, or the very set it wants is chosen.
pub(super) fn is_counted<V: StateView<Error = StoreError>>(view: &V, vote: &RotationVote) -> Result<bool, StoreError> {
    if let Some(next) = view.epoch(vote.epoch)? {
        return Ok(next.set == vote.set && next.expires_at == vote.expires_at);
    }
    let Some(tally) = view.rotation_votes(vote.epoch)? else { return Ok(false) };
    let wanted = tally.proposals.iter().find(|proposal| proposal.is_of(vote));
    Ok(wanted.is_some_and(|proposal| proposal.voters.contains(&vote.validator)))
}
