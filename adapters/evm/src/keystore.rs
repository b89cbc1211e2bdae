//! Keys in encrypted files (Web3 secret storage, version 3, scrypt), and signing with them.

use alloy::signers::{
    SignerSync,
    k256::elliptic_curve::rand_core::{OsRng, RngCore},
    local::PrivateKeySigner,
};
use alloy_primitives::{Address, B256, hex};
use async_trait::async_trait;
use infrastrukt_ports::{Signer, SignerError};
use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Characters of a key's name at most.
const NAME_MAX: usize = 64;

/// Bytes of a key file at most.
const FILE_BYTES_MAX: u64 = 16 * 1024;

/// Key files of one directory at most.
const KEYS_MAX: usize = 1_024;

/// Characters of a typed or piped key at most: `0x`, 64 digits, some white space.
const TYPED_KEY_MAX: u64 = 256;

/// Cost of scrypt at most: what other wallets use at their strongest. More would let a file eat the machine's memory.
const SCRYPT_N_MAX: u64 = 1 << 20;

/// `r` and `p` of scrypt at most.
const SCRYPT_RP_MAX: u64 = 16;

/// Shortest password that encrypts a new file.
const PASSWORD_MIN: usize = 8;

/// A secp256k1 key. Wiped from memory when dropped; never shown.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

/// Why a key could not be made, stored or used.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// Would leave the directory or surprise a shell.
    #[error("`{0}` cannot name a key: use 1 to 64 of a-z, A-Z, 0-9, - and _, not - first")]
    Name(String),
    /// Never overwritten.
    #[error("there is a key `{0}` already: choose another name, or move its file away first")]
    Exists(String),
    /// Not there.
    #[error("there is no key `{0}`: `keys list` shows which there are")]
    Unknown(String),
    /// Zero, too large or not hex.
    #[error("this is no private key: 64 hex digits, with or without 0x, within the curve's order")]
    NotAKey,
    /// Does not decrypt.
    #[error("the password of `{0}` is wrong, or its file is damaged")]
    Password(String),
    /// Too short to resist guessing.
    #[error("the password is too short: use at least {PASSWORD_MIN} characters")]
    WeakPassword,
    /// Not a version 3 file, or one that would cost too much.
    #[error("the file of `{0}` is no Web3 keystore of version 3 with bounded scrypt parameters")]
    Format(String),
    /// Anyone on the machine could read it.
    #[error("the file of `{0}` can be read by others (mode {1:o}): run chmod 600 on it")]
    Exposed(String, u32),
    /// More files than are listed.
    #[error("the directory holds more than {KEYS_MAX} files: it is no key directory")]
    TooMany,
    /// Disk.
    #[error("the key directory cannot be used: {0}")]
    Io(#[from] io::Error),
}

/// A key that is on file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// Its name.
    pub name: String,
    /// Its address, where the file tells it. Not proven before the key is loaded.
    pub address: Option<Address>,
}

/// A directory of encrypted keys, readable by its owner only.
#[derive(Clone, Debug)]
pub struct Keystore {
    directory: PathBuf,
}

impl SecretKey {
    /// Takes raw bytes; refuses what is no key of the curve.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeystoreError> {
        let bytes = Zeroizing::new(bytes);
        PrivateKeySigner::from_slice(&*bytes).map_err(|_| KeystoreError::NotAKey)?;
        Ok(Self(bytes))
    }

    /// A new random key.
    pub fn random() -> Self {
        loop {
            let mut bytes = Zeroizing::new([0u8; 32]);
            OsRng.fill_bytes(&mut *bytes);
            // All but one of 2^128 values are keys.
            if PrivateKeySigner::from_slice(&*bytes).is_ok() {
                return Self(bytes);
            }
        }
    }

    /// Reads 64 hex digits, such as piped to standard input.
    pub fn read(from: &mut dyn Read) -> Result<Self, KeystoreError> {
        let mut text = Zeroizing::new(Vec::new());
        from.take(TYPED_KEY_MAX).read_to_end(&mut text)?;
        let digits = text.trim_ascii();
        let digits = digits.strip_prefix(b"0x").unwrap_or(digits);
        let mut bytes = Zeroizing::new([0u8; 32]);
        hex::decode_to_slice(digits, &mut *bytes).map_err(|_| KeystoreError::NotAKey)?;
        Self::from_bytes(*bytes)
    }

    /// The key's address.
    pub fn address(&self) -> Address {
        self.signer().address()
    }

    /// The secret itself, for whoever makes a key of another curve of it.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn signer(&self) -> PrivateKeySigner {
        PrivateKeySigner::from_slice(&*self.0).expect("every constructor refuses what is no key")
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(redacted)")
    }
}

impl Keystore {
    /// Uses `directory`, which is made (mode 0700) with the first key.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Where the keys are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes a random key and stores it.
    pub fn create(&self, name: &str, password: &str) -> Result<SecretKey, KeystoreError> {
        let key = SecretKey::random();
        self.store(name, password, &key)?;
        Ok(key)
    }

    /// Reads a key and stores it.
    pub fn import(&self, name: &str, password: &str, from: &mut dyn Read) -> Result<SecretKey, KeystoreError> {
        let key = SecretKey::read(from)?;
        self.store(name, password, &key)?;
        Ok(key)
    }

    /// Stores a key under a name that is not taken.
    pub fn store(&self, name: &str, password: &str, key: &SecretKey) -> Result<(), KeystoreError> {
        self.store_stating(name, password, key, &hex::encode(key.address()))
    }

    /// The same with the account that the file states in the open: the secret may be that of a key of another curve, since
    /// all but one of 2^128 secrets fit both.
    pub fn store_stating(
        &self,
        name: &str,
        password: &str,
        key: &SecretKey,
        account: &str,
    ) -> Result<(), KeystoreError> {
        let path = self.path(name)?;
        if password.chars().count() < PASSWORD_MIN {
            return Err(KeystoreError::WeakPassword);
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        if path.exists() {
            return Err(KeystoreError::Exists(name.into()));
        }
        let contents = self.encrypt(name, password, key, account)?;
        let mut file = match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(KeystoreError::Exists(name.into()));
            }
            other => other?,
        };
        file.write_all(contents.as_bytes())?;
        file.sync_all()?;
        Ok(())
    }

    /// Decrypts a key.
    pub fn load(&self, name: &str, password: &str) -> Result<SecretKey, KeystoreError> {
        let path = self.path(name)?;
        if !path.exists() {
            return Err(KeystoreError::Unknown(name.into()));
        }
        check_mode(name, &path)?;
        check_format(name, &read_bounded(&path)?)?;
        let signer =
            PrivateKeySigner::decrypt_keystore(&path, password).map_err(|_| KeystoreError::Password(name.into()))?;
        SecretKey::from_bytes(signer.to_bytes().0)
    }

    /// The keys there are, by name.
    pub fn list(&self) -> Result<Vec<KeyEntry>, KeystoreError> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut keys = Vec::new();
        for (count, entry) in entries.enumerate() {
            if count == KEYS_MAX {
                return Err(KeystoreError::TooMany);
            }
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else { continue };
            if check_name(name).is_ok() {
                keys.push(KeyEntry { name: name.into(), address: stated_address(&path) });
            }
        }
        keys.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(keys)
    }

    /// The account that a key's file states, word for word. Not proven before the key is loaded.
    pub fn stated(&self, name: &str) -> Result<Option<String>, KeystoreError> {
        Ok(stated_account(&self.path(name)?))
    }

    fn path(&self, name: &str) -> Result<PathBuf, KeystoreError> {
        check_name(name)?;
        Ok(self.directory.join(format!("{name}.json")))
    }

    /// The encrypted file's text, with the account added as other wallets do. The library writes to a file of its own
    /// choice of mode, so it works inside a directory that only we can enter.
    fn encrypt(&self, name: &str, password: &str, key: &SecretKey, account: &str) -> Result<String, KeystoreError> {
        let private = self.directory.join(format!(".{name}-{:016x}", OsRng.next_u64()));
        fs::DirBuilder::new().mode(0o700).create(&private)?;
        let encrypted =
            PrivateKeySigner::encrypt_keystore(&private, &mut OsRng, key.0.as_slice(), password, Some("key"));
        let contents = encrypted
            .map_err(|error| KeystoreError::Io(io::Error::other(error)))
            .and_then(|_| Ok(fs::read_to_string(private.join("key"))?));
        fs::remove_dir_all(&private)?;
        let mut file: serde_json::Value =
            serde_json::from_str(&contents?).map_err(|_| KeystoreError::Format(name.into()))?;
        file["address"] = account.into();
        Ok(file.to_string())
    }
}

fn check_name(name: &str) -> Result<(), KeystoreError> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    let fits = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('-');
    if fits { Ok(()) } else { Err(KeystoreError::Name(name.chars().take(NAME_MAX).collect())) }
}

fn check_mode(name: &str, path: &Path) -> Result<(), KeystoreError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeystoreError::Exposed(name.into(), mode)) }
}

fn read_bounded(path: &Path) -> Result<String, KeystoreError> {
    let mut text = String::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// The decryption trusts these parameters with memory, time and slice bounds, so they are checked before.
fn check_format(name: &str, text: &str) -> Result<(), KeystoreError> {
    let file: serde_json::Value = serde_json::from_str(text).map_err(|_| KeystoreError::Format(name.into()))?;
    let crypto = file.get("crypto").or_else(|| file.get("Crypto")).unwrap_or(&serde_json::Value::Null);
    let params = &crypto["kdfparams"];
    let within = |field: &str, max: u64| params[field].as_u64().is_some_and(|value| (1..=max).contains(&value));
    let hex_len = |value: &serde_json::Value| value.as_str().map(str::len);
    let fits = file["version"] == 3
        && crypto["kdf"] == "scrypt"
        && params["dklen"] == 32
        && within("n", SCRYPT_N_MAX)
        && within("r", SCRYPT_RP_MAX)
        && within("p", SCRYPT_RP_MAX)
        && hex_len(&crypto["ciphertext"]) == Some(64)
        && hex_len(&crypto["cipherparams"]["iv"]) == Some(32);
    if fits { Ok(()) } else { Err(KeystoreError::Format(name.into())) }
}

fn stated_account(path: &Path) -> Option<String> {
    let file: serde_json::Value = serde_json::from_str(&read_bounded(path).ok()?).ok()?;
    file["address"].as_str().map(Into::into)
}

fn stated_address(path: &Path) -> Option<Address> {
    stated_account(path)?.parse().ok()
}

/// Signs digests with a key held in this process.
#[derive(Debug)]
pub struct EcdsaSigner(PrivateKeySigner);

impl EcdsaSigner {
    /// Signs with `key`.
    pub fn new(key: &SecretKey) -> Self {
        Self(key.signer())
    }
}

#[async_trait]
impl Signer for EcdsaSigner {
    fn address(&self) -> Address {
        self.0.address()
    }

    async fn sign(&self, digest: B256) -> Result<[u8; 65], SignerError> {
        let address = self.0.address();
        let signature = self.0.sign_hash_sync(&digest);
        signature
            .map(|signature| signature.as_bytes())
            .map_err(|error| SignerError { address, reason: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    #[test]
    fn keys_survive_their_file() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let keystore = Keystore::new(directory.path().join("keys"));
        assert!(keystore.list().expect("lists nothing").is_empty());
        let imported = keystore.import("alice", "correct horse", &mut KEY.as_bytes()).expect("imports");
        assert_eq!(imported.address().to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assert_eq!(keystore.load("alice", "correct horse").expect("loads").address(), imported.address());
        assert!(matches!(keystore.load("alice", "wrong horse"), Err(KeystoreError::Password(_))));
        assert!(matches!(keystore.load("bob", "correct horse"), Err(KeystoreError::Unknown(_))));
        assert!(matches!(keystore.create("alice", "correct horse"), Err(KeystoreError::Exists(_))));
        let listed = KeyEntry { name: "alice".into(), address: Some(imported.address()) };
        assert_eq!(keystore.list().expect("lists"), [listed]);

        let path = keystore.directory().join("alice.json");
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(keystore.directory())), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("is ours");
        assert!(matches!(keystore.load("alice", "correct horse"), Err(KeystoreError::Exposed(_, 0o644))));
    }

    #[test]
    fn a_file_states_the_account_of_another_curve() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (keystore, key) = (Keystore::new(directory.path()), SecretKey::random());
        keystore.store_stating("alice", "correct horse", &key, "of another curve").expect("stores");
        assert_eq!(keystore.stated("alice").expect("reads").as_deref(), Some("of another curve"));
        assert_eq!(keystore.stated("bob").expect("reads"), None);
        assert_eq!(keystore.list().expect("lists"), [KeyEntry { name: "alice".into(), address: None }]);
        assert_eq!(keystore.load("alice", "correct horse").expect("loads").expose(), key.expose());
    }

    #[test]
    fn hostile_names_keys_and_files_are_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let keystore = Keystore::new(directory.path());
        for name in ["", "../alice", "a/b", "-rf", "a b", ".hidden", &"x".repeat(65)] {
            assert!(matches!(keystore.create(name, "correct horse"), Err(KeystoreError::Name(_))), "{name}");
        }
        for key in ["", "0x12", &"00".repeat(32), &"ff".repeat(32), &"g".repeat(64)] {
            assert!(matches!(SecretKey::read(&mut key.as_bytes()), Err(KeystoreError::NotAKey)), "{key}");
        }
        assert!(matches!(keystore.create("alice", "short"), Err(KeystoreError::WeakPassword)));
        keystore.create("alice", "correct horse").expect("creates");
        let path = directory.path().join("alice.json");
        let text = fs::read_to_string(&path).expect("is there");
        for (from, to) in [("\"dklen\":32", "\"dklen\":1"), ("\"n\":8192", "\"n\":1073741824")] {
            fs::write(&path, text.replace(from, to)).expect("is ours");
            assert!(matches!(keystore.load("alice", "correct horse"), Err(KeystoreError::Format(_))), "{from}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let key = SecretKey::read(&mut KEY.as_bytes()).expect("reads");
        assert_eq!(format!("{key:?}"), "SecretKey(redacted)");
        assert!(!format!("{:?}", EcdsaSigner::new(&key)).contains("ac0974"));
    }

    #[tokio::test]
    async fn signatures_pass_the_contracts_rules() {
        let key = SecretKey::read(&mut KEY.as_bytes()).expect("reads");
        let digest = B256::repeat_byte(7);
        let signature = EcdsaSigner::new(&key).sign(digest).await.expect("signs");
        assert!(matches!(signature[64], 27 | 28));
        let parsed = alloy_primitives::Signature::from_raw_array(&signature).expect("is a signature");
        assert!(parsed.normalize_s().is_none());
        assert_eq!(parsed.recover_address_from_prehash(&digest).expect("recovers"), key.address());
    }
}
