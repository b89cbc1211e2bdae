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
    /// Shares that came before this validator had executed their block, the oldest first, by signer.
    early: BTreeMap<Address, VecDeque<Share>>,
}

impl SharePool {
    /// Begins to collect for a checkpoint; shares that came early are counted now.
    pub(crate) fn begin(&mut self, key: SlotKey, digest: B256, set: &Arc<ValidatorSet>) {
        if self.slots.contains_key(&key) {
            return;
        }
        if self.slots.len() >= SLOTS_MAX {
            // The oldest are the ones that were issued again since.
            self.slots.pop_first();
        }
        self.slots.insert(key, Slot { digest, set: set.clone(), shares: BTreeMap::new(), offer_at_ms: None });
        for share in self.take_early(key) {
            if let Err(refusal) = self.add(share) {
                tracing::warn!(%refusal, height = %key.0, kind = ?key.1, "a share is not counted");
            }
        }
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
        let Some(slot) = self.slots.get_mut(&(share.height, share.kind)) else { return Ok(()) };
        let signature: Signature =
            share.signature.as_ref().try_into().map_err(|_| ShareRefusal::Length(share.validator))?;
        if slot.shares.contains_key(&share.validator) {
            return Ok(());
        }
        if slot.set.find(share.validator).is_none() {
            return Err(CertificateError::UnknownSigner(share.validator).into());
        }
        verify_share(share.validator, slot.digest, &signature)?;
        slot.shares.insert(share.validator, signature);
        Ok(())
    }

    /// The checkpoint needs no shares any more: certified or issued again.
    pub(crate) fn forget(&mut self, key: SlotKey) {
        self.slots.remove(&key);
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
