//! Who made a signature.
//!
//! A process that hosts several validators meets the same signature several times: each checks it for itself, when it is
//! handed around, when a certificate is put together, when the block that holds it is executed. Recovering a signer is
//! the dearest thing the hub does, and a pure function, so that the last results are remembered where there is `std`.

use alloy_primitives::{Address, B256, Signature};

pub(crate) type SignatureBytes = [u8; 65];

/// The address whose key signed `digest`; `None` where no key can have. Form and malleability are the caller's to check.
pub(crate) fn recover(digest: B256, signature: &SignatureBytes) -> Option<Address> {
    memory::remembered(digest, signature, || {
        let parsed = Signature::from_raw_array(signature).ok()?;
        parsed.recover_address_from_prehash(&digest).ok()
    })
}

#[cfg(feature = "std")]
mod memory {
    extern crate std;

    use super::{Address, B256, SignatureBytes};
    use alloc::vec::Vec;
    use std::sync::{Mutex, PoisonError};

    /// Results remembered, about half a megabyte. Each has one place, and a newer one takes it.
    const PLACES: usize = 4_096;

    struct Known {
        digest: B256,
        signature: SignatureBytes,
        signer: Address,
    }

    static KNOWN: Mutex<Vec<Option<Known>>> = Mutex::new(Vec::new());

    /// Whoever chooses digest and signature chooses the place as well, and gains nothing: what is found there counts only
    /// where both are the same, byte for byte.
    fn place(digest: B256, signature: &SignatureBytes) -> usize {
        ((usize::from(digest[0] ^ signature[0]) << 8) | usize::from(digest[1] ^ signature[1])) % PLACES
    }

    pub(super) fn remembered(
        digest: B256,
        signature: &SignatureBytes,
        recover: impl FnOnce() -> Option<Address>,
    ) -> Option<Address> {
        let place = place(digest, signature);
        if let Some(Some(known)) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(place)
            && known.digest == digest
            && known.signature == *signature
        {
            return Some(known.signer);
        }
        let signer = recover()?;
        let mut all = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            all.resize_with(PLACES, || None);
        }
        all[place] = Some(Known { digest, signature: *signature, signer });
        Some(signer)
    }
}

#[cfg(not(feature = "std"))]
mod memory {
    use super::{Address, B256, SignatureBytes};

    pub(super) fn remembered(
        _: B256,
        _: &SignatureBytes,
        recover: impl FnOnce() -> Option<Address>,
    ) -> Option<Address> {
        recover()
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use core::cell::Cell;

    #[test]
    fn a_signer_is_recovered_once_and_never_taken_for_another() {
        let (digest, signature, signer) = (B256::repeat_byte(0xa1), [0xb2; 65], Address::repeat_byte(1));
        let asked = Cell::new(0);
        let look = |digest, signature: &SignatureBytes, found| {
            memory::remembered(digest, signature, || {
                asked.set(asked.get() + 1);
                found
            })
        };
        assert_eq!(look(digest, &signature, Some(signer)), Some(signer));
        assert_eq!(look(digest, &signature, None), Some(signer));
        assert_eq!(asked.get(), 1);

        // The same place, but another signature: its last byte is not part of the place.
        let mut other = signature;
        other[64] ^= 1;
        let stranger = Address::repeat_byte(2);
        assert_eq!(look(digest, &other, None), None, "a failure is not remembered");
        assert_eq!(look(digest, &other, Some(stranger)), Some(stranger));
        assert_eq!(look(digest, &signature, Some(signer)), Some(signer));
        assert_eq!(asked.get(), 4, "the newer one took the place");
    }
}
