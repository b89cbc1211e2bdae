//! Ed25519 keys: from the key files of Solana's own tools, or from 32 secret bytes that another keystore holds.

use serde::Deserialize;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};
use zeroize::Zeroizing;

/// Bytes of a key file at most: 64 numbers of three digits, commas and white space.
const FILE_BYTES_MAX: u64 = 1_024;

/// A secret key and the address that follows from it. Wiped from memory when dropped; never shown.
#[derive(Clone)]
pub struct SolanaKey(Zeroizing<[u8; 32]>);

/// Why a key could not be read, made or stored. No error repeats any of the file.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Disk.
    #[error("the key file cannot be used: {0}")]
    Io(#[from] io::Error),
    /// Anyone on the machine could read it.
    #[error("the key file can be read by others (mode {0:o}): run chmod 600 on it")]
    Exposed(u32),
    /// Not a JSON list of 64 bytes whose second half follows from the first.
    #[error("this is no key file of Solana: it holds a list of 64 bytes, of which the last 32 are the address")]
    NotAKey,
}

/// The numbers of a key file, wiped when dropped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Numbers(Vec<u8>);

impl Drop for Numbers {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl SolanaKey {
    /// The key of 32 secret bytes; every value is one.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(Zeroizing::new(seed))
    }

    /// The 32 secret bytes, for another keystore.
    pub fn seed(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads the content of a key file as `solana-keygen` writes it.
    pub fn read(from: &mut dyn Read) -> Result<Self, KeyError> {
        let mut text = Zeroizing::new(Vec::new());
        from.take(FILE_BYTES_MAX).read_to_end(&mut text)?;
        let numbers: Numbers = serde_json::from_slice(&text).map_err(|_| KeyError::NotAKey)?;
        // The library refuses an address that does not follow from the secret.
        Keypair::try_from(numbers.0.as_slice()).map_err(|_| KeyError::NotAKey)?;
        let seed = numbers.0.first_chunk::<32>().ok_or(KeyError::NotAKey)?;
        Ok(Self::from_seed(*seed))
    }

    /// Reads a key file as `solana-keygen` writes it, readable by its owner only.
    pub fn read_file(path: &Path) -> Result<Self, KeyError> {
        let mut file = fs::File::open(path)?;
        let mode = file.metadata()?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed(mode));
        }
        Self::read(&mut file)
    }

    /// Writes a key file for Solana's own tools, readable by its owner only. Never overwrites one.
    pub fn write_file(&self, path: &Path) -> Result<(), KeyError> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let bytes = Zeroizing::new(self.keypair().to_bytes());
        let text = Zeroizing::new(serde_json::to_string(bytes.as_slice()).map_err(|_| KeyError::NotAKey)?);
        file.write_all(text.as_bytes())?;
        Ok(file.sync_all()?)
    }

    /// The key's address.
    pub fn address(&self) -> Pubkey {
        self.keypair().pubkey()
    }

    /// `R ‖ s` over the message itself.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.keypair().sign_message(message).into()
    }

    fn keypair(&self) -> Keypair {
        Keypair::new_from_array(*self.0)
    }
}

impl fmt::Debug for SolanaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SolanaKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_files_are_those_of_solanas_tools() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("key.json");
        let key = SolanaKey::from_seed([5; 32]);
        key.write_file(&path).expect("writes");
        assert!(matches!(key.write_file(&path), Err(KeyError::Io(_))), "overwrites");
        let text = fs::read_to_string(&path).expect("reads");
        assert!(text.starts_with("[5,5,5,"), "{text}");
        assert_eq!(SolanaKey::read_file(&path).expect("reads").address(), key.address());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changes");
        assert!(matches!(SolanaKey::read_file(&path), Err(KeyError::Exposed(0o644))));
        assert!(!format!("{key:?}").contains('5'));
    }

    #[test]
    fn files_that_hold_no_key_are_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let bytes = SolanaKey::from_seed([5; 32]).keypair().to_bytes();
        let mut other = bytes;
        other[40] ^= 1;
        let lists = [serde_json::to_string(&other[..]), serde_json::to_string(&bytes[..63])];
        for (index, text) in lists.into_iter().map(|text| text.expect("is JSON")).chain(["{}".into()]).enumerate() {
            let path = dir.path().join(index.to_string());
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).expect("opens");
            file.write_all(text.as_bytes()).expect("writes");
            assert!(matches!(SolanaKey::read_file(&path), Err(KeyError::NotAKey)), "{index}");
        }
    }
}
