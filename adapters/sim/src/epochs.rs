//! The verifier contract: which validator sets may certify, and until when.

use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_types::{
    Address, B256, Checkpoint, CheckpointKind, EcdsaCertificate, Epoch, HubId, Leaf, Scheme, Timestamp, Validator,
    ValidatorSet,
};
use std::collections::BTreeMap;

use crate::Revert;

const MEMBER_LEN: usize = 28;

#[derive(Clone, Copy, Debug)]
struct Record {
    valset_hash: B256,
    retired_at: Option<Timestamp>,
    expires_at: Timestamp,
}

/// Validator sets by epoch.
#[derive(Clone, Debug)]
pub struct Epochs {
    hub_id: HubId,
    grace_s: u64,
    current: Epoch,
    records: BTreeMap<Epoch, Record>,
}

impl Epochs {
    /// A verifier that begins in `epoch`. A retired set's decisions count for `grace_s` more seconds.
    pub fn new(hub_id: HubId, epoch: Epoch, valset_hash: B256, expires_at: Timestamp, grace_s: u64) -> Self {
        let record = Record { valset_hash, retired_at: None, expires_at };
        Self { hub_id, grace_s, current: epoch, records: BTreeMap::from([(epoch, record)]) }
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
        check_certificate(checkpoint, &certified.certificate)
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
        check_certificate(checkpoint, &certified.certificate)
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
        let expected = Epoch(self.current.0.saturating_add(1));
        if epoch != expected {
            return Err(Revert::NotConsecutive { given: epoch, expected });
        }
        self.verify(certified, CheckpointKind::Rotation, now)?;
        prove(certified, &[Leaf::Rotate { epoch, valset_hash, expires_at }])?;
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
        self.records.insert(epoch, Record { valset_hash, retired_at: None, expires_at });
        Ok(())
    }

    /// Everything about a checkpoint but its signatures and its epoch's retirement.
    fn known(&self, checkpoint: &Checkpoint, kind: CheckpointKind, now: Timestamp) -> Result<&Record, Revert> {
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
}

/// Fails unless exactly these leaves are proven to stand in the checkpoint's outbox.
pub(crate) fn prove(certified: &CertifiedLeaves, leaves: &[Leaf]) -> Result<(), Revert> {
    let hashes: Vec<B256> = leaves.iter().map(Leaf::hash).collect();
    let computed = certified.proof.root(&hashes)?;
    let expected = certified.checkpoint.outbox_root;
    if computed == expected { Ok(()) } else { Err(Revert::RootMismatch { computed, expected }) }
}

/// The set stands in the certificate itself and is bound by its hash, as on every chain.
fn check_certificate(checkpoint: &Checkpoint, certificate: &EcdsaCertificate) -> Result<(), Revert> {
    let set = parse_set(&certificate.0).ok_or(Revert::MalformedCertificate)?;
    let (given, expected) = (set.hash(Scheme::Ecdsa), checkpoint.valset_hash);
    if given != expected {
        return Err(Revert::WrongValidatorSet { given, expected });
    }
    Ok(certificate.verify(&set, checkpoint.digest())?)
}

fn parse_set(bytes: &[u8]) -> Option<ValidatorSet> {
    let (head, rest) = bytes.split_first_chunk::<3>()?;
    if head[0] != Scheme::Ecdsa.byte() {
        return None;
    }
    let count = usize::from(u16::from_be_bytes([head[1], head[2]]));
    let members = rest.get(..count * MEMBER_LEN)?.chunks_exact(MEMBER_LEN).map(|member| {
        let (address, weight) = member.split_at(20);
        let weight = u64::from_be_bytes(weight.try_into().expect("28 bytes less 20 are 8"));
        Validator { address: Address::from_slice(address), weight }
    });
    // Straight from the wire and not sorted first: an unsorted set is refused.
    ValidatorSet::try_from(members.collect::<Vec<_>>()).ok()
}
