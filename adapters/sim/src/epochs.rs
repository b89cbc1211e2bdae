//! The verifier contract: which validator sets may certify, and until when.

use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_types::{
    Account, Address, B256, Checkpoint, CheckpointKind, EcdsaCertificate, Epoch, HubId, Leaf, Scheme, Timestamp,
    Validator, ValidatorSet, keccak256,
};
use std::collections::BTreeMap;

use crate::Revert;

const HEAD_LEN: usize = 3;
const MEMBER_LEN: usize = 28;
const SET_TAG: &[u8] = b"INFRASTRUKT/VALSET/v1";
/// Most seconds for which a new set may be given power: a set that never expires could never be recovered from.
const EPOCH_MAX_S: u64 = 400 * 24 * 3600;

/// What the verifier knows of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochRecord {
    /// Hash of its set.
    pub valset_hash: B256,
    /// When the next epoch took over.
    pub retired_at: Option<Timestamp>,
    /// Last second at which its set can certify anything.
    pub expires_at: Timestamp,
}

/// Validator sets by epoch.
#[derive(Clone, Debug)]
pub struct Epochs {
    hub_id: HubId,
    grace_s: u64,
    members_min: usize,
    recovery_owner: Option<Account>,
    current: Epoch,
    records: BTreeMap<Epoch, EpochRecord>,
}

impl Epochs {
    /// A verifier that begins in `epoch`. A retired set's decisions count for `grace_s` more seconds.
    pub fn new(hub_id: HubId, epoch: Epoch, valset_hash: B256, expires_at: Timestamp, grace_s: u64) -> Self {
        let record = EpochRecord { valset_hash, retired_at: None, expires_at };
        let records = BTreeMap::from([(epoch, record)]);
        Self { hub_id, grace_s, members_min: 1, recovery_owner: None, current: epoch, records }
    }

    /// The same, where a set of fewer members certifies nothing and `recovery_owner` may recover an expired epoch.
    #[must_use]
    pub fn governed(mut self, members_min: usize, recovery_owner: Account) -> Self {
        (self.members_min, self.recovery_owner) = (members_min, Some(recovery_owner));
        self
    }

    /// What is known of an epoch.
    pub fn record(&self, epoch: Epoch) -> Option<&EpochRecord> {
        self.records.get(&epoch)
    }

    /// The current epoch.
    pub const fn current(&self) -> Epoch {
        self.current
    }

    /// Accepts a checkpoint for leaves that are no decisions: only the current epoch counts.
    pub fn verify(&self, certified: &CertifiedLeaves, kind: CheckpointKind, now: Timestamp) -> Result<(), Revert> {
        let checkpoint = &certified.checkpoint;
        let record = self.known(checkpoint, kind, now)?;
        if record.retired_at.is_some() {
            return Err(Revert::RetiredEpoch(checkpoint.epoch));
        }
        self.check_certificate(checkpoint, &certified.certificate)
    }

    /// Accepts a checkpoint for decisions: a retired epoch counts until its grace is over.
    pub fn verify_decision(
        &self,
        certified: &CertifiedLeaves,
        kind: CheckpointKind,
        now: Timestamp,
    ) -> Result<(), Revert> {
        let checkpoint = &certified.checkpoint;
        let record = self.known(checkpoint, kind, now)?;
        if record.retired_at.is_some_and(|retired_at| now > retired_at.plus(self.grace_s)) {
            return Err(Revert::RetiredEpoch(checkpoint.epoch));
        }
        self.check_certificate(checkpoint, &certified.certificate)
    }

    /// Takes the next epoch's set, certified by the current one.
    pub fn rotate(
        &mut self,
        certified: &CertifiedLeaves,
        epoch: Epoch,
        valset_hash: B256,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Revert> {
        let expected = self.next();
        if epoch != expected {
            return Err(Revert::NotConsecutive { given: epoch, expected });
        }
        self.verify(certified, CheckpointKind::Rotation, now)?;
        prove(certified, &[Leaf::Rotate { epoch, valset_hash, expires_at }])?;
        self.hand_over(epoch, valset_hash, expires_at, now)
    }

    /// Gives a chain that slept through its epoch a living set again; the epoch may lie further ahead than the next.
    pub fn recover(
        &mut self,
        caller: Account,
        epoch: Epoch,
        valset_hash: B256,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Revert> {
        if self.recovery_owner != Some(caller) {
            return Err(Revert::Unauthorized(caller));
        }
        let expired_at = self.current_expires_at();
        if now <= expired_at {
            return Err(Revert::EpochNotExpired(expired_at));
        }
        if epoch <= self.current {
            return Err(Revert::NotConsecutive { given: epoch, expected: self.next() });
        }
        self.hand_over(epoch, valset_hash, expires_at, now)
    }

    fn hand_over(
        &mut self,
        epoch: Epoch,
        valset_hash: B256,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Revert> {
        if expires_at > now.plus(EPOCH_MAX_S) && expires_at > self.current_expires_at() {
            return Err(Revert::InvalidExpiry(expires_at));
        }
        if valset_hash == B256::ZERO {
            return Err(Revert::WrongValidatorSet { given: B256::ZERO, expected: B256::ZERO });
        }
        if expires_at <= now {
            return Err(Revert::InvalidExpiry(expires_at));
        }
        if let Some(record) = self.records.get_mut(&self.current) {
            record.retired_at = Some(now);
        }
        self.current = epoch;
        self.records.insert(epoch, EpochRecord { valset_hash, retired_at: None, expires_at });
        Ok(())
    }

    const fn next(&self) -> Epoch {
        Epoch(self.current.0.saturating_add(1))
    }

    fn current_expires_at(&self) -> Timestamp {
        self.records.get(&self.current).expect("the current epoch is always recorded").expires_at
    }

    /// Everything about a checkpoint but its signatures and its epoch's retirement.
    fn known(&self, checkpoint: &Checkpoint, kind: CheckpointKind, now: Timestamp) -> Result<&EpochRecord, Revert> {
        if checkpoint.hub_id != self.hub_id {
            return Err(Revert::WrongHub(checkpoint.hub_id.0));
        }
        if checkpoint.kind != kind {
            return Err(Revert::WrongKind { given: checkpoint.kind.byte(), expected: kind.byte() });
        }
        if checkpoint.outbox_root == B256::ZERO {
            return Err(Revert::ZeroRoot);
        }
        let record = self.records.get(&checkpoint.epoch).ok_or(Revert::UnknownEpoch(checkpoint.epoch))?;
        if checkpoint.valset_hash != record.valset_hash {
            let (given, expected) = (checkpoint.valset_hash, record.valset_hash);
            return Err(Revert::WrongValidatorSet { given, expected });
        }
        if now > record.expires_at {
            return Err(Revert::ExpiredEpoch(checkpoint.epoch));
        }
        Ok(record)
    }

    /// The set stands in the certificate itself and is bound by its hash, as on every chain.
    fn check_certificate(&self, checkpoint: &Checkpoint, certificate: &EcdsaCertificate) -> Result<(), Revert> {
        let (count, encoded) = layout(&certificate.0)?;
        let (given, expected) = (keccak256([SET_TAG, encoded].concat()), checkpoint.valset_hash);
        if given != expected {
            return Err(Revert::WrongValidatorSet { given, expected });
        }
        if count < self.members_min {
            return Err(Revert::TooFewValidators { given: count, min: self.members_min });
        }
        Ok(certificate.verify(&parse_set(encoded)?, checkpoint.digest())?)
    }
}

/// Fails unless exactly these leaves are proven to stand in the checkpoint's outbox.
pub(crate) fn prove(certified: &CertifiedLeaves, leaves: &[Leaf]) -> Result<(), Revert> {
    let hashes: Vec<B256> = leaves.iter().map(Leaf::hash).collect();
    let computed = certified.proof.root(&hashes)?;
    let expected = certified.checkpoint.outbox_root;
    if computed == expected { Ok(()) } else { Err(Revert::RootMismatch { computed, expected }) }
}

/// The number of members and the encoding of the set, of a certificate that is long enough for both and the bitmap.
fn layout(bytes: &[u8]) -> Result<(usize, &[u8]), Revert> {
    let (head, _) = bytes.split_first_chunk::<HEAD_LEN>().ok_or(Revert::MalformedCertificate)?;
    if head[0] != Scheme::Ecdsa.byte() {
        return Err(Revert::WrongScheme(head[0]));
    }
    let count = usize::from(u16::from_be_bytes([head[1], head[2]]));
    if count == 0 {
        return Err(Revert::InvalidValidatorSet);
    }
    let (encoded, rest) = bytes.split_at_checked(HEAD_LEN + count * MEMBER_LEN).ok_or(Revert::MalformedCertificate)?;
    let bitmap = rest.get(..count.div_ceil(8)).ok_or(Revert::MalformedCertificate)?;
    let used_bits = count % 8;
    if used_bits != 0 && bitmap[bitmap.len() - 1] >> used_bits != 0 {
        return Err(Revert::MalformedCertificate);
    }
    Ok((count, encoded))
}

fn parse_set(encoded: &[u8]) -> Result<ValidatorSet, Revert> {
    let (members, _) = encoded[HEAD_LEN..].as_chunks::<MEMBER_LEN>();
    let members = members.iter().map(|member| {
        let (address, weight) = member.split_at(20);
        let weight = u64::from_be_bytes(weight.try_into().expect("28 bytes less 20 are 8"));
        Validator { address: Address::from_slice(address), weight }
    });
    // Straight from the wire and not sorted first: an unsorted set is refused.
    ValidatorSet::try_from(members.collect::<Vec<_>>()).map_err(|_| Revert::InvalidValidatorSet)
}
