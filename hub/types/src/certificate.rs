//! Certificates: a quorum of validators' signatures on a checkpoint digest.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::{Scheme, ValidatorSet, recover::recover};

const SIGNATURE_LEN: usize = 65;

/// Half the order of secp256k1: `s` above it is the malleable twin (EIP-2).
const S_MAX: [u8; 32] = alloy_primitives::hex!("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// A certificate of the ECDSA scheme, in its wire encoding:
/// the set, a bitmap of signers (LSB first), and `r ‖ s ‖ v` of each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct EcdsaCertificate(#[cfg_attr(feature = "schema", schemars(with = "alloc::string::String"))] pub Bytes);

/// Why a certificate or one of its signatures is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Does not open with the expected set.
    #[error("the certificate is not of this validator set: fetch one of the current epoch")]
    WrongSet,
    /// Length does not fit, or a bit beyond the set is on.
    #[error("the certificate is malformed: its length or signer bitmap does not fit the set")]
    Malformed,
    /// High s, v other than 27 or 28, not recoverable, or of another key.
    #[error("the signature of validator {0} is invalid")]
    Signature(Address),
    /// Not above two thirds.
    #[error("signed weight {signed} of {total} is no quorum: more than two thirds are needed")]
    BelowQuorum {
        /// Weight that signed.
        signed: u128,
        /// Weight of the set.
        total: u128,
    },
    /// The signer is not in the set.
    #[error("{0} is not in the validator set of this epoch")]
    UnknownSigner(Address),
}

impl EcdsaCertificate {
    /// Assembles the shares that are there, whatever their order; refuses foreign, invalid and too few ones.
    pub fn assemble(
        set: &ValidatorSet,
        digest: B256,
        shares: &[(Address, [u8; SIGNATURE_LEN])],
    ) -> Result<Self, CertificateError> {
        if let Some((stranger, _)) = shares.iter().find(|(signer, _)| set.find(*signer).is_none()) {
            return Err(CertificateError::UnknownSigner(*stranger));
        }
        let mut bytes = set.encode(Scheme::Ecdsa);
        let mut bitmap = alloc::vec![0u8; set.members().len().div_ceil(8)];
        let mut signatures = Vec::new();
        for (index, member) in set.members().iter().enumerate() {
            if let Some((_, signature)) = shares.iter().find(|(signer, _)| *signer == member.address) {
                bitmap[index / 8] |= 1 << (index % 8);
                signatures.extend_from_slice(signature);
            }
        }
        bytes.extend(bitmap);
        bytes.extend(signatures);
        let certificate = Self(bytes.into());
        certificate.verify(set, digest).map(|()| certificate)
    }

    /// Checks that a quorum of `set` signed `digest`.
    pub fn verify(&self, set: &ValidatorSet, digest: B256) -> Result<(), CertificateError> {
        let rest = self.0.strip_prefix(set.encode(Scheme::Ecdsa).as_slice()).ok_or(CertificateError::WrongSet)?;
        let (bitmap, mut signatures) =
            rest.split_at_checked(set.members().len().div_ceil(8)).ok_or(CertificateError::Malformed)?;
        let bit = |index: usize| bitmap[index / 8] >> (index % 8) & 1 == 1;
        if (set.members().len()..bitmap.len() * 8).any(bit) {
            return Err(CertificateError::Malformed);
        }
        let mut signed = 0u128;
        for (_, member) in set.members().iter().enumerate().filter(|(index, _)| bit(*index)) {
            let (signature, rest) =
                signatures.split_first_chunk::<SIGNATURE_LEN>().ok_or(CertificateError::Malformed)?;
            verify_share(member.address, digest, signature)?;
            signed += u128::from(member.weight);
            signatures = rest;
        }
        if !signatures.is_empty() {
            return Err(CertificateError::Malformed);
        }
        if !set.is_quorum(signed) {
            return Err(CertificateError::BelowQuorum { signed, total: set.total() });
        }
        Ok(())
    }
}

/// Checks one signature by the rules the contracts apply: low s, v 27 or 28, recovered key equals `signer`.
pub fn verify_share(signer: Address, digest: B256, signature: &[u8; SIGNATURE_LEN]) -> Result<(), CertificateError> {
    let invalid = CertificateError::Signature(signer);
    if signature[32..64] > S_MAX[..] || !matches!(signature[64], 27 | 28) {
        return Err(invalid);
    }
    if recover(digest, signature) == Some(signer) { Ok(()) } else { Err(invalid) }
}
