//! Votes on facts: checked, counted once a validator, proven above two thirds.

use infrastrukt_types::{Address, Attestation, Fact, HubId, Timestamp, ValidatorSet};

use super::{
    overlay::{Overlay, Stop},
    refusal::{FactRefusal, Refusal},
    tally::Tally,
    view::StateView,
};
use crate::limits::{
    FACTS_PER_ATTESTATION_MAX, PENDING_FACTS_PER_VALIDATOR_MAX, TALLIES_FORGOTTEN_PER_BLOCK_MAX, TALLY_LIFE_S,
};

impl<V: StateView> Overlay<'_, V> {
    /// Counts every admissible fact; the others are reported in `refused` and may be offered again.
    pub(super) fn attest(
        &mut self,
        hub: HubId,
        attestation: &Attestation,
        refused: &mut Vec<Refusal>,
    ) -> Result<(), Stop<V::Error>> {
        let count = attestation.facts.len();
        if count == 0 || count > FACTS_PER_ATTESTATION_MAX {
            return Err(Refusal::FactCount(count).into());
        }
        let set = self.current_set()?;
        if set.find(attestation.validator).is_none() {
            return Err(Refusal::NotAValidator(attestation.validator).into());
        }
        attestation.verify(hub)?;
        for (place, fact) in attestation.facts.iter().enumerate() {
            match self.vote(hub, attestation.validator, fact, &set) {
                Ok(()) => {}
                Err(Stop::Refused(refusal)) => refused.push(refusal.at(place)),
                Err(Stop::View(error)) => return Err(Stop::View(error)),
            }
        }
        Ok(())
    }

    /// The members of the current epoch.
    pub(super) fn current_set(&self) -> Result<ValidatorSet, Stop<V::Error>> {
        let current = self.epoch(self.tip.epoch)?;
        current.map(|record| record.set).ok_or_else(|| Refusal::UnknownEpoch(self.tip.epoch).into())
    }

    fn vote(&mut self, hub: HubId, validator: Address, fact: &Fact, set: &ValidatorSet) -> Result<(), Stop<V::Error>> {
        let id = fact.id();
        // The votes after the quorum's, and votes sent again, are neither counted nor an error.
        if self.fact_at(&fact.origin)? == Some(id) {
            return Ok(());
        }
        let known = self.tally(&id)?;
        if known.as_ref().is_some_and(|tally| tally.voters.contains(&validator)) {
            return Ok(());
        }
        self.admit(fact)?;
        self.reserve(validator)?;
        let mut tally = known.unwrap_or_else(|| Tally { fact: fact.clone(), voters: Vec::new(), first_seen: self.now });
        tally.voters.push(validator);
        if !tally.is_proven(set) {
            self.put_tally(id, Some(tally));
            return Ok(());
        }
        for voter in &tally.voters {
            self.release(*voter);
        }
        self.put_tally(id, None);
        self.prove(hub, fact)
    }

    /// Forgets votes that waited too long for a quorum, and frees their voters' places.
    pub(super) fn forget_stale_votes(&mut self) -> Result<(), Stop<V::Error>> {
        let before = Timestamp(self.now.0.saturating_sub(TALLY_LIFE_S));
        let stale = self.before().stale_tallies(before, TALLIES_FORGOTTEN_PER_BLOCK_MAX).map_err(Stop::View)?;
        for id in stale {
            let Some(tally) = self.tally(&id)? else { continue };
            for voter in &tally.voters {
                self.release(*voter);
            }
            self.put_tally(id, None);
        }
        Ok(())
    }

    /// Takes a place among the validator's unproven facts.
    fn reserve(&mut self, validator: Address) -> Result<(), Stop<V::Error>> {
        let pending = self.tip.pending_facts.entry(validator).or_default();
        if *pending >= PENDING_FACTS_PER_VALIDATOR_MAX {
            return Err(FactRefusal::TooManyPending(validator).into());
        }
        *pending += 1;
        Ok(())
    }

    fn release(&mut self, validator: Address) {
        if let Some(pending) = self.tip.pending_facts.get_mut(&validator) {
            *pending = pending.saturating_sub(1);
            if *pending == 0 {
                self.tip.pending_facts.remove(&validator);
            }
        }
    }
}
