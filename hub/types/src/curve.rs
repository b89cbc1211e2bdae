//! The curve that the accounts of a family of chains sign on, and the check of such a signature.

use alloy_primitives::B256;
use ed25519_dalek::{Signature, VerifyingKey};

use crate::{Account, Caip2, verify_share};

/// A curve that accounts sign on. Validators sign on secp256k1, whatever the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    /// Accounts are 20-byte hashes of keys; a signature is `r ‖ s ‖ v`, 65 bytes with low `s` and `v` 27 or 28.
    Secp256k1,
    /// Accounts are the keys themselves, 32 bytes; a signature is `R ‖ s`, 64 bytes (RFC 8032).
    Ed25519,
}

impl Curve {
    /// True where `account` signed `digest`. An account that no key stands behind, such as one that a program owns, signs
    /// nothing; neither does a key of small order, which would fit any message.
    pub fn is_signed(self, account: Account, digest: B256, signature: &[u8]) -> bool {
        match self {
            Self::Secp256k1 => is_signed_secp256k1(account, digest, signature),
            Self::Ed25519 => is_signed_ed25519(account, digest, signature),
        }
    }
}

fn is_signed_secp256k1(account: Account, digest: B256, signature: &[u8]) -> bool {
    let (Ok(signer), Ok(signature)) = (account.to_evm(), <&[u8; 65]>::try_from(signature)) else { return false };
    verify_share(signer, digest, signature).is_ok()
}

fn is_signed_ed25519(account: Account, digest: B256, signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_bytes(&account.0.0), Signature::from_slice(signature)) else {
        return false;
    };
    key.verify_strict(digest.as_slice(), &signature).is_ok()
}

impl Caip2 {
    /// The curve that accounts of this chain sign on; `None` for families whose signatures nobody here can check.
    pub fn curve(&self) -> Option<Curve> {
        match self.namespace() {
            "eip155" => Some(Curve::Secp256k1),
            "solana" => Some(Curve::Ed25519),
            _unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use ed25519_dalek::{Signer as _, SigningKey};

    const DIGEST: B256 = B256::repeat_byte(0x5a);

    fn account(key: &SigningKey) -> Account {
        Account(B256::new(key.verifying_key().to_bytes()))
    }

    fn signature(key: &SigningKey, digest: B256) -> Vec<u8> {
        key.sign(digest.as_slice()).to_bytes().to_vec()
    }

    #[test]
    fn a_chains_name_tells_its_curve() {
        let curve = |text: &str| text.parse::<Caip2>().expect("a chain's name").curve();
        assert_eq!(curve("eip155:56"), Some(Curve::Secp256k1));
        assert_eq!(curve("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"), Some(Curve::Ed25519));
        assert_eq!(curve("cosmos:cosmoshub-4"), None);
    }

    #[test]
    fn an_ed25519_account_signs_for_itself_only() {
        let [key, other] = [[7; 32], [8; 32]].map(|seed| SigningKey::from_bytes(&seed));
        let good = signature(&key, DIGEST);
        assert!(Curve::Ed25519.is_signed(account(&key), DIGEST, &good));
        assert!(!Curve::Ed25519.is_signed(account(&other), DIGEST, &good));
        assert!(!Curve::Ed25519.is_signed(account(&key), B256::repeat_byte(0x5b), &good));
        assert!(!Curve::Ed25519.is_signed(account(&key), DIGEST, &good[..63]));
        assert!(!Curve::Secp256k1.is_signed(account(&key), DIGEST, &good));
        let mut bent = good;
        bent[0] ^= 1;
        assert!(!Curve::Ed25519.is_signed(account(&key), DIGEST, &bent));
    }

    #[test]
    fn a_key_that_fits_every_message_signs_nothing() {
        // The neutral element as key and as `R`, and `s` zero: a check that is not strict takes it for any message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!Curve::Ed25519.is_signed(Account(B256::new(neutral)), DIGEST, &signature));
    }

    #[test]
    fn an_account_without_a_key_signs_nothing() {
        // `y = 2` is on no point of the curve.
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        assert!(VerifyingKey::from_bytes(&off_curve).is_err());
        assert!(!Curve::Ed25519.is_signed(Account(B256::new(off_curve)), DIGEST, &[0; 64]));
    }
}
