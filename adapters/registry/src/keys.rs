//! The keys behind one name: a person acts under the same name on chains of every kind, with one key for each.

use infrastrukt_evm::{EcdsaSigner, Keystore, KeystoreError, SecretKey};
use infrastrukt_ports::{Signer as _, SignerError};
use infrastrukt_solana::{KeyError, SolanaKey, account};
use infrastrukt_types::{Account, B256, Bytes};
use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{Kind, parse_account, show_account};

/// Folder of the keys for Solana chains, below those for EVM chains.
const SOLANA_FOLDER: &str = "solana";

/// The encrypted key files of one directory.
#[derive(Clone, Debug)]
pub struct Keyring {
    directory: PathBuf,
}

/// One name of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    /// The name.
    pub name: String,
    /// The accounts that its files state; a file that states none is left out.
    pub accounts: BTreeMap<Kind, Account>,
}

/// The decrypted keys of one name. Wiped from memory when dropped; never shown.
#[derive(Clone, Debug)]
pub struct Keys {
    name: String,
    evm: Option<SecretKey>,
    solana: Option<SolanaKey>,
}

/// Why a key could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Its file.
    #[error(transparent)]
    File(#[from] KeystoreError),
    /// A key that the name does not have.
    #[error("`{name}` has no key for chains of kind {kind}: run `relayer keys new {name}`, with the same password")]
    Missing {
        /// The name.
        name: String,
        /// Which key.
        kind: Kind,
    },
    /// What was to be imported for Solana chains.
    #[error(transparent)]
    Solana(#[from] KeyError),
    /// It did not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

impl Keyring {
    /// Uses `directory`, which is made (mode 0700) with the first key.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Where the keys are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of a name's key of this kind.
    pub fn file(&self, kind: Kind, name: &str) -> PathBuf {
        match kind {
            Kind::Evm => self.directory.join(format!("{name}.json")),
            Kind::Solana => self.directory.join(SOLANA_FOLDER).join(format!("{name}.json")),
        }
    }

    /// True where the name has a key of this kind.
    pub fn has(&self, kind: Kind, name: &str) -> bool {
        self.file(kind, name).is_file()
    }

    /// Makes a random key of each of these kinds that the name has none of yet, all under one password.
    pub fn create(&self, kinds: &[Kind], name: &str, password: &str) -> Result<(), KeysError> {
        let missing: Vec<Kind> = kinds.iter().copied().filter(|kind| !self.has(*kind, name)).collect();
        if missing.is_empty() {
            return Err(KeystoreError::Exists(name.into()).into());
        }
        self.check_password(name, password)?;
        for kind in missing {
            match kind {
                Kind::Evm => self.evm().store(name, password, &SecretKey::random())?,
                Kind::Solana => self.store_solana(name, password, &SecretKey::random())?,
            }
        }
        Ok(())
    }

    /// Reads a key of this kind and stores it: 64 hex digits for EVM chains, the content of a file of `solana-keygen` for
    /// Solana chains.
    pub fn import(&self, kind: Kind, name: &str, password: &str, from: &mut dyn Read) -> Result<(), KeysError> {
        match kind {
            Kind::Evm => {
                let key = SecretKey::read(from)?;
                self.check_password(name, password)?;
                self.evm().store(name, password, &key)?;
            }
            Kind::Solana => {
                let key = SolanaKey::read(from)?;
                self.check_password(name, password)?;
                self.store_solana(name, password, &SecretKey::from_bytes(*key.seed())?)?;
            }
        }
        Ok(())
    }

    /// Decrypts all keys of a name.
    pub fn load(&self, name: &str, password: &str) -> Result<Keys, KeysError> {
        // An unknown name fails with the words of the first kind's store.
        let is_unknown = Kind::ALL.iter().all(|kind| !self.has(*kind, name));
        let has_evm = is_unknown || self.has(Kind::Evm, name);
        let evm = if has_evm { Some(self.evm().load(name, password)?) } else { None };
        let solana = if self.has(Kind::Solana, name) { Some(self.load_solana(name, password)?) } else { None };
        Ok(Keys { name: name.into(), evm, solana })
    }

    /// The names there are, in order.
    pub fn list(&self) -> Result<Vec<NamedKey>, KeysError> {
        let mut names: BTreeMap<String, BTreeMap<Kind, Account>> = BTreeMap::new();
        for entry in self.evm().list()? {
            let accounts = names.entry(entry.name).or_default();
            accounts.extend(entry.address.map(|address| (Kind::Evm, Account::from(address))));
        }
        let solana = self.solana();
        for entry in solana.list()? {
            let stated = solana.stated(&entry.name)?;
            let account = stated.and_then(|text| parse_account(Kind::Solana, &text).ok());
            names.entry(entry.name).or_default().extend(account.map(|account| (Kind::Solana, account)));
        }
        Ok(names.into_iter().map(|(name, accounts)| NamedKey { name, accounts }).collect())
    }

    /// The account that a name's key of this kind states, without its password.
    pub fn account(&self, kind: Kind, name: &str) -> Result<Option<Account>, KeysError> {
        let keys = self.list()?;
        Ok(keys.into_iter().find(|key| key.name == name).and_then(|key| key.accounts.get(&kind).copied()))
    }

    /// One password opens all keys of a name.
    fn check_password(&self, name: &str, password: &str) -> Result<(), KeysError> {
        if Kind::ALL.iter().any(|kind| self.has(*kind, name)) {
            self.load(name, password)?;
        }
        Ok(())
    }

    /// Puts a key for Solana chains into a file of the same form, which states its account in base58.
    pub(crate) fn store_solana(&self, name: &str, password: &str, seed: &SecretKey) -> Result<(), KeysError> {
        let stated = account(&SolanaKey::from_seed(*seed.expose()).address());
        Ok(self.solana().store_stating(name, password, seed, &show_account(Kind::Solana, stated))?)
    }

    fn load_solana(&self, name: &str, password: &str) -> Result<SolanaKey, KeysError> {
        Ok(SolanaKey::from_seed(*self.solana().load(name, password)?.expose()))
    }

    fn evm(&self) -> Keystore {
        Keystore::new(&self.directory)
    }

    fn solana(&self) -> Keystore {
        Keystore::new(self.directory.join(SOLANA_FOLDER))
    }
}

impl Keys {
    /// Keys of a name that are in memory already.
    pub fn of_evm(name: impl Into<String>, key: SecretKey) -> Self {
        Self { name: name.into(), evm: Some(key), solana: None }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account that signs on chains of this kind.
    pub fn account(&self, kind: Kind) -> Result<Account, KeysError> {
        match kind {
            Kind::Evm => Ok(self.evm()?.address().into()),
            Kind::Solana => Ok(account(&self.solana()?.address())),
        }
    }

    /// Signs a digest as an account of this kind does: `r ‖ s ‖ v` with low `s` on secp256k1, `R ‖ s` on ed25519.
    pub async fn sign(&self, kind: Kind, digest: B256) -> Result<Bytes, KeysError> {
        match kind {
            Kind::Evm => Ok(Bytes::from(EcdsaSigner::new(self.evm()?).sign(digest).await?.to_vec())),
            Kind::Solana => Ok(Bytes::from(self.solana()?.sign(digest.as_slice()).to_vec())),
        }
    }

    pub(crate) fn evm(&self) -> Result<&SecretKey, KeysError> {
        self.evm.as_ref().ok_or_else(|| self.missing(Kind::Evm))
    }

    pub(crate) fn solana(&self) -> Result<&SolanaKey, KeysError> {
        self.solana.as_ref().ok_or_else(|| self.missing(Kind::Solana))
    }

    fn missing(&self, kind: Kind) -> KeysError {
        KeysError::Missing { name: self.name.clone(), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct horse";

    #[test]
    fn a_name_has_one_key_of_each_kind() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let keyring = Keyring::new(dir.path());
        keyring.create(&Kind::ALL, "alice", PASSWORD).expect("makes them");
        let refused = keyring.create(&Kind::ALL, "alice", PASSWORD);
        assert!(matches!(refused, Err(KeysError::File(KeystoreError::Exists(_)))));
        let keys = keyring.load("alice", PASSWORD).expect("loads");
        let listed = keyring.list().expect("lists");
        for kind in Kind::ALL {
            let account = keys.account(kind).expect("is there");
            assert_eq!(listed[0].accounts.get(&kind), Some(&account));
            assert_eq!(keyring.account(kind, "alice").expect("reads"), Some(account));
        }
        let wrong = keyring.load("alice", "wrong horse");
        assert!(matches!(wrong, Err(KeysError::File(KeystoreError::Password(_)))));
        let unknown = keyring.load("bob", PASSWORD);
        assert!(matches!(unknown, Err(KeysError::File(KeystoreError::Unknown(_)))));
        assert_eq!(keyring.account(Kind::Evm, "bob").expect("reads"), None);
    }

    #[test]
    fn a_name_gets_the_keys_it_lacks_under_the_same_password() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let keyring = Keyring::new(dir.path());
        keyring.create(&[Kind::Evm], "alice", PASSWORD).expect("makes it");
        let missing = keyring.load("alice", PASSWORD).expect("loads").account(Kind::Solana);
        assert!(matches!(missing, Err(KeysError::Missing { kind: Kind::Solana, .. })));
        let before = keyring.account(Kind::Evm, "alice").expect("reads");
        assert!(keyring.create(&Kind::ALL, "alice", "another horse").is_err());
        assert!(!keyring.has(Kind::Solana, "alice"));
        keyring.create(&Kind::ALL, "alice", PASSWORD).expect("adds the other");
        assert_eq!(keyring.account(Kind::Evm, "alice").expect("reads"), before);
        assert!(keyring.load("alice", PASSWORD).expect("loads").account(Kind::Solana).is_ok());
    }

    #[tokio::test]
    async fn every_kind_signs_what_the_hub_checks() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let keyring = Keyring::new(dir.path());
        keyring.create(&Kind::ALL, "alice", PASSWORD).expect("makes them");
        let (keys, digest) = (keyring.load("alice", PASSWORD).expect("loads"), B256::repeat_byte(7));
        for kind in Kind::ALL {
            let signature = keys.sign(kind, digest).await.expect("signs");
            assert!(kind.curve().is_signed(keys.account(kind).expect("is there"), digest, &signature), "{kind}");
        }
    }
}
