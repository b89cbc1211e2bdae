//! The part of an ECDSA certificate that follows its set: a bitmap of who signed, lowest bit of each byte first, and one
//! 65-byte signature r ‖ s ‖ v for each set bit, ascending.

use thiserror::Error;

use crate::{Bytes32, hash::recover, valset::Members};

/// Bytes of one signature.
pub const SIGNATURE_BYTES: usize = 65;

/// Half the order of secp256k1. Of the two values of s that sign the same digest only the lower one counts.
const MAX_S: Bytes32 = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e,
    0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// Why signatures are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Bytes too few or too many, or a bit beyond the set.
    #[error("bitmap and signatures do not fit together or the set")]
    Malformed,
    /// Not a low-s signature of that member.
    #[error("member {0} did not sign this digest")]
    Signature(usize),
}

/// Who signed, and with what weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// Bit i for member i.
    pub bits: u32,
    /// Their weight.
    pub weight: u128,
}

/// Adds the signatures over `digest` to those counted `before`. A member's second signature is skipped unread, so that
/// nobody counts twice; every other must be right. The layout is judged as a whole.
pub fn add_signatures(
    digest: &Bytes32,
    members: Members<'_>,
    before: Signed,
    bytes: &[u8],
) -> Result<Signed, CertificateError> {
    let count = members.count();
    let (bitmap, mut rest) = bytes.split_at_checked(count.div_ceil(8)).ok_or(CertificateError::Malformed)?;
    let used = count % 8;
    if used != 0 && bitmap.last().is_some_and(|last| last >> used != 0) {
        return Err(CertificateError::Malformed);
    }
    let mut signed = before;
    for (at, (address, weight)) in members.iter().enumerate() {
        if (bitmap[at / 8] >> (at % 8)) & 1 == 0 {
            continue;
        }
        let (signature, after) = rest.split_first_chunk::<SIGNATURE_BYTES>().ok_or(CertificateError::Malformed)?;
        rest = after;
        if (signed.bits >> at) & 1 == 1 {
            continue;
        }
        check_signature(digest, signature, address).ok_or(CertificateError::Signature(at))?;
        signed.bits |= 1 << at;
        signed.weight += u128::from(weight);
    }
    if rest.is_empty() { Ok(signed) } else { Err(CertificateError::Malformed) }
}

fn check_signature(digest: &Bytes32, signature: &[u8; SIGNATURE_BYTES], address: &[u8; 20]) -> Option<()> {
    let (pair, v) = signature.split_first_chunk::<64>()?;
    let parity = v.first()?.checked_sub(27)?;
    if pair[32..] > MAX_S[..] {
        return None;
    }
    (recover(digest, parity, pair)? == *address).then_some(())
}
