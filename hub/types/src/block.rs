//! Blocks of the hub's log and the entries they order.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    Account, CertificateError, CheckpointKind, Curve, Deal, DealId, EcdsaCertificate, Epoch, Fact, Height, HubId,
    Scheme, Timestamp, ValidatorSet, certificate::verify_share, codec, packed::Packed,
};

/// A decided block: consensus orders it, every validator executes it alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// From 1, without gaps.
    pub height: Height,
    /// Hub time: never decreasing. Blocks may share a second, their heights say which is first.
    pub time: Timestamp,
    /// Hash of the block before; zero for the first.
    pub parent: B256,
    /// What it orders.
    pub txs: Vec<HubTx>,
}

/// An entry of the log. Invalid entries are skipped by execution, never fatal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HubTx {
    /// A validator's vote on facts it verified itself.
    Attest(Attestation),
    /// A deal, before anyone locks.
    RegisterDeal(Deal),
    /// All depositors agree to abort.
    CancelDeal(DealCancel),
    /// A quorum's signatures on the checkpoint of `height` and `kind`.
    Certify {
        /// Height of the checkpoint.
        height: Height,
        /// Kind of the checkpoint.
        kind: CheckpointKind,
        /// The certificate.
        certificate: EcdsaCertificate,
    },
    /// A validator's vote for the next set.
    Rotate(RotationVote),
}

/// A validator's signed statement that it verified these facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Who verified.
    pub validator: Address,
    /// What it verified.
    pub facts: Vec<Fact>,
    /// `r ‖ s ‖ v` over [`Attestation::digest`].
    pub signature: Bytes,
}

/// A cancel signed by every depositor over (hub id, deal id).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DealCancel {
    /// The deal.
    pub deal: DealId,
    /// One signature for each leg in order, over [`DealCancel::digest`], in the notation of the leg's chain.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<alloc::string::String>"))]
    pub signatures: Vec<Bytes>,
}

/// A validator's vote for the set of the next epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RotationVote {
    /// Who votes.
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub validator: Address,
    /// The epoch that begins.
    pub epoch: Epoch,
    /// Its set.
    pub set: ValidatorSet,
    /// When the set loses all power.
    pub expires_at: Timestamp,
    /// `r ‖ s ‖ v` over [`RotationVote::digest`].
    #[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))]
    pub signature: Bytes,
}

impl Block {
    /// What the next block names as its parent.
    pub fn hash(&self) -> B256 {
        Packed::tagged("INFRASTRUKT/BLOCK/v1").bytes(codec::encode(self)).keccak()
    }
}

fn check(signer: Address, digest: B256, signature: &Bytes) -> Result<(), CertificateError> {
    let bytes = signature.as_ref().try_into().map_err(|_| CertificateError::Signature(signer))?;
    verify_share(signer, digest, bytes)
}

impl Attestation {
    /// What the validator signs.
    pub fn digest(hub: HubId, facts: &[Fact]) -> B256 {
        let head = Packed::tagged("INFRASTRUKT/ATTEST/v1").bytes(hub);
        facts.iter().fold(head, |packed, fact| packed.bytes(fact.id())).keccak()
    }

    /// Checks the signature.
    pub fn verify(&self, hub: HubId) -> Result<(), CertificateError> {
        check(self.validator, Self::digest(hub, &self.facts), &self.signature)
    }
}

impl DealCancel {
    /// What every depositor signs.
    pub fn digest(hub: HubId, deal: DealId) -> B256 {
        Packed::tagged("INFRASTRUKT/CANCEL/v1").bytes(hub).bytes(deal).keccak()
    }

    /// True where the depositor, whose chain's accounts sign on `curve`, made this signature.
    pub fn is_signed(hub: HubId, deal: DealId, curve: Curve, depositor: Account, signature: &Bytes) -> bool {
        curve.is_signed(depositor, Self::digest(hub, deal), signature)
    }
}

impl RotationVote {
    /// What the validator signs.
    pub fn digest(hub: HubId, epoch: Epoch, set: &ValidatorSet, expires_at: Timestamp) -> B256 {
        Packed::tagged("INFRASTRUKT/ROTATE/v1")
            .bytes(hub)
            .u64(epoch.0)
            .bytes(set.hash(Scheme::Ecdsa))
            .u64(expires_at.0)
            .keccak()
    }

    /// Checks the signature.
    pub fn verify(&self, hub: HubId) -> Result<(), CertificateError> {
        check(self.validator, Self::digest(hub, self.epoch, &self.set, self.expires_at), &self.signature)
    }
}
