//! The genesis, and its identity alone, as files: JSON, checked when read and when written.

use infrastrukt_protocol::{Genesis, GenesisError, Identity};
use serde::{Serialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};

/// Largest file that is read; a full genesis is far smaller.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The genesis cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GenesisFileError {
    /// The file cannot be read or written.
    #[error("{}: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Not a genesis.
    #[error("{}:{}: {source}", file.display(), source.line())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Where and what.
        source: serde_json::Error,
    },
    /// A genesis that breaks a rule.
    #[error("{}: {source}", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// The rule.
        source: GenesisError,
    },
}

/// Reads a genesis and checks every bound.
pub fn read(file: &Path) -> Result<Genesis, GenesisFileError> {
    let genesis: Genesis = parse(file)?;
    genesis.validate().map_err(|source| GenesisFileError::Refused { file: file.to_path_buf(), source })?;
    Ok(genesis)
}

/// Reads the identity that contracts were deployed with.
pub fn read_identity(file: &Path) -> Result<Identity, GenesisFileError> {
    let identity: Identity = parse(file)?;
    identity.validate().map_err(|source| GenesisFileError::Refused { file: file.to_path_buf(), source })?;
    Ok(identity)
}

/// Writes a genesis that passes the checks; never over a file that is there, since a hub may run on it.
pub fn write(file: &Path, genesis: &Genesis) -> Result<(), GenesisFileError> {
    genesis.validate().map_err(|source| GenesisFileError::Refused { file: file.to_path_buf(), source })?;
    create(file, genesis)
}

/// Writes an identity that passes the checks; never over a file that is there, since contracts may carry its hash.
pub fn write_identity(file: &Path, identity: &Identity) -> Result<(), GenesisFileError> {
    identity.validate().map_err(|source| GenesisFileError::Refused { file: file.to_path_buf(), source })?;
    create(file, identity)
}

fn parse<T: DeserializeOwned>(file: &Path) -> Result<T, GenesisFileError> {
    let unreadable = |reason: String| GenesisFileError::File { file: file.to_path_buf(), reason };
    let length = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?.len();
    if length > FILE_BYTES_MAX {
        return Err(unreadable(format!("{length} bytes are more than a genesis has")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_str(&text).map_err(|source| GenesisFileError::Syntax { file: file.to_path_buf(), source })
}

fn create<T: Serialize>(file: &Path, value: &T) -> Result<(), GenesisFileError> {
    let failed = |reason: String| GenesisFileError::File { file: file.to_path_buf(), reason };
    let text = serde_json::to_string_pretty(value).map_err(|error| failed(error.to_string()))?;
    let mut options = std::fs::OpenOptions::new();
    let mut target = options.write(true).create_new(true).open(file).map_err(|error| failed(error.to_string()))?;
    std::io::Write::write_all(&mut target, format!("{text}\n").as_bytes()).map_err(|error| failed(error.to_string()))
}
