//! Signatures on checkpoints, collected until a quorum is there.

use infrastrukt_api::Share;
use infrastrukt_types::{
    Address, B256, CertificateError, CheckpointKind, EcdsaCertificate, Height, ValidatorSet, verify_share,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Most checkpoints whose shares are collected at a time.
pub(crate) const SLOTS_MAX: usize = 4_096;
/// Most shares of one validator kept for checkpoints that are not known here yet.
pub(crate) const EARLY_SHARES_MAX: usize = 256;

/// Names a checkpoint.
pub(crate) type SlotKey = (Height, CheckpointKind);

type Signature = [u8; 65];

struct Slot {
    digest: B256,
    set: Arc<ValidatorSet>,
    shares: BTreeMap<Address, Signature>,
    /// When this validator may offer the certificate, once its shares suffice.
    offer_at_ms: Option<u64>,
}

/// Why a share is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ShareRefusal {
    /// Not 65 bytes.
    #[error("the share of {0} has another length than 65 bytes")]
    Length(Address),
    /// Foreign or invalid.
    #[error(transparent)]
    Signature(#[from] CertificateError),
}

/// Collects shares of the checkpoints that wait for a certificate.
#[derive(Default)]
pub(crate) struct SharePool {
    slots: BTreeMap<SlotKey, Slot>,
    /// Shares on COMMITs that are counted and not stored yet.
    unsaved: Vec<Share>,
    /// Shares that came before this validator had executed their block, the oldest first, by signer.
    early: BTreeMap<Address, VecDeque<Share>>,
}

impl SharePool {
    /// Begins to collect for a checkpoint; shares that came early are counted now. Returns the checkpoint that had to
    /// make room, if one had to.
    pub(crate) fn begin(&mut self, key: SlotKey, digest: B256, set: &Arc<ValidatorSet>) -> Option<SlotKey> {
        if self.slots.contains_key(&key) {
            return None;
        }
        // The oldest are the ones that were issued again since.
        let full = self.slots.len() >= SLOTS_MAX;
        let evicted = full.then(|| self.slots.first_key_value().map(|(key, _)| *key)).flatten();
        if let Some(oldest) = evicted {
            self.forget(oldest);
        }
        self.slots.insert(key, Slot { digest, set: set.clone(), shares: BTreeMap::new(), offer_at_ms: None });
        for share in self.take_early(key) {
            if let Err(refusal) = self.add(share) {
                tracing::warn!(%refusal, height = %key.0, kind = ?key.1, "a share is not counted");
            }
        }
        evicted
    }

    fn take_early(&mut self, key: SlotKey) -> Vec<Share> {
        let mut taken = Vec::new();
        for shares in self.early.values_mut() {
            let (matching, others) = shares.drain(..).partition(|share| (share.height, share.kind) == key);
            *shares = others;
            taken.extend::<VecDeque<Share>>(matching);
        }
        taken
    }

    /// Counts a share, or keeps it for later where its block is not `executed` here yet. `known` says who may send
    /// shares early at all. A share of a checkpoint that is certified already is of no use.
    pub(crate) fn receive(&mut self, share: Share, executed: Height, known: &ValidatorSet) -> Result<(), ShareRefusal> {
        if share.height <= executed {
            return self.add(share);
        }
        if known.find(share.validator).is_none() {
            return Err(CertificateError::UnknownSigner(share.validator).into());
        }
        let early = self.early.entry(share.validator).or_default();
        if early.contains(&share) {
            return Ok(());
        }
        if early.len() == EARLY_SHARES_MAX {
            early.pop_front();
        }
        early.push_back(share);
        Ok(())
    }

    fn add(&mut self, share: Share) -> Result<(), ShareRefusal> {
        if self.count(&share)? && share.kind == CheckpointKind::Commits {
            self.unsaved.push(share);
        }
        Ok(())
    }

    /// Counts a share that is stored already, if it has to be. `true` where it is a new one.
    pub(crate) fn count(&mut self, share: &Share) -> Result<bool, ShareRefusal> {
        let Some(slot) = self.slots.get_mut(&(share.height, share.kind)) else { return Ok(false) };
        let signature: Signature =
            share.signature.as_ref().try_into().map_err(|_| ShareRefusal::Length(share.validator))?;
        if slot.shares.contains_key(&share.validator) {
            return Ok(false);
        }
        if slot.set.find(share.validator).is_none() {
            return Err(CertificateError::UnknownSigner(share.validator).into());
        }
        verify_share(share.validator, slot.digest, &signature)?;
        slot.shares.insert(share.validator, signature);
        Ok(true)
    }

    /// Shares to be stored, in the order they were counted.
    pub(crate) fn unsaved(&self) -> Vec<Share> {
        self.unsaved.clone()
    }

    /// The first `count` of them are stored.
    pub(crate) fn saved(&mut self, count: usize) {
        self.unsaved.drain(..count.min(self.unsaved.len()));
    }

    /// The checkpoint needs no shares any more: certified or issued again.
    pub(crate) fn forget(&mut self, key: SlotKey) {
        self.slots.remove(&key);
        self.unsaved.retain(|share| (share.height, share.kind) != key);
    }

    /// One validator's share of a checkpoint.
    pub(crate) fn share(&self, key: SlotKey, validator: Address) -> Option<Share> {
        let signature = self.slots.get(&key)?.shares.get(&validator)?;
        Some(Share { validator, height: key.0, kind: key.1, signature: signature.to_vec().into() })
    }

    /// Shares on COMMITs that are no quorum, those of the newest first.
    pub(crate) fn incomplete_commits(&self, limit: usize) -> Vec<Share> {
        let waiting = |(key, slot): &(&SlotKey, &Slot)| key.1 == CheckpointKind::Commits && !slot.is_complete();
        let keys = self.slots.iter().rev().filter(waiting).map(|(key, _)| *key);
        keys.flat_map(|key| self.shares(key)).take(limit).collect()
    }

    /// All shares of a checkpoint.
    pub(crate) fn shares(&self, key: SlotKey) -> Vec<Share> {
        let Some(slot) = self.slots.get(&key) else { return Vec::new() };
        let share = |(validator, signature): (&Address, &Signature)| Share {
            validator: *validator,
            height: key.0,
            kind: key.1,
            signature: signature.to_vec().into(),
        };
        slot.shares.iter().map(share).collect()
    }

    /// Certificates that this validator offers now. `turn_ms` says how long it leaves a complete checkpoint to others;
    /// one that stays uncertified is offered again after `reoffer_ms`.
    pub(crate) fn take_complete(
        &mut self,
        now_ms: u64,
        reoffer_ms: u64,
        turn_ms: impl Fn(SlotKey) -> u64,
    ) -> Vec<(SlotKey, EcdsaCertificate)> {
        let mut complete = Vec::new();
        for (key, slot) in self.slots.iter_mut().filter(|(_, slot)| slot.is_complete()) {
            let offer_at_ms = *slot.offer_at_ms.get_or_insert_with(|| now_ms.saturating_add(turn_ms(*key)));
            if now_ms < offer_at_ms {
                continue;
            }
            slot.offer_at_ms = Some(now_ms.saturating_add(reoffer_ms));
            complete.extend(slot.assemble().map(|certificate| (*key, certificate)));
        }
        complete
    }

    /// Checkpoints waiting.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

impl Slot {
    fn weight(&self, signer: Address) -> u128 {
        self.set.find(signer).map_or(0, |member| u128::from(member.weight))
    }

    fn is_complete(&self) -> bool {
        self.set.is_quorum(self.shares.keys().map(|signer| self.weight(*signer)).sum())
    }

    /// A certificate of no more signatures than a quorum needs: every one is paid for on every chain.
    fn assemble(&self) -> Option<EcdsaCertificate> {
        let mut heaviest: Vec<(Address, Signature)> =
            self.shares.iter().map(|(signer, share)| (*signer, *share)).collect();
        heaviest.sort_by_key(|(signer, _)| std::cmp::Reverse(self.weight(*signer)));
        let mut signed = 0;
        let mut count = 0;
        while count < heaviest.len() && !self.set.is_quorum(signed) {
            signed += self.weight(heaviest[count].0);
            count += 1;
        }
        // `assemble` verifies the whole once more, as the contracts will.
        EcdsaCertificate::assemble(&self.set, self.digest, &heaviest[..count])
            .inspect_err(|error| tracing::error!(%error, "a quorum of counted shares gives no certificate"))
            .ok()
    }
}

/// How many others are asked first to offer a certificate: the turn passes from validator to validator with height.
pub(crate) fn turn(set: &ValidatorSet, validator: Address, key: SlotKey) -> u64 {
    let count = set.members().len() as u64;
    let place = set.members().iter().position(|member| member.address == validator);
    place.map_or(count, |place| (place as u64 + count - (key.0.0 + u64::from(key.1.byte())) % count) % count)
}

#[cfg(test)]
mod tests;
