//! The data folder: one process at a time, the database, and the record of what the chain began with.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

const LOCK: &str = "node.lock";
const DATABASE: &str = "ledger.sqlite";
const GENESIS: &str = "genesis.json";
const GENESIS_DRAFT: &str = "genesis.json.draft";

/// A data folder that this process alone uses.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Path of the database as surfpool wants it.
    database: String,
    /// Held until the process ends.
    _lock: File,
}

/// The data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// A file operation failed.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another node runs on it.
    #[error("{0} is in use by another node: stop that one, or give another --data-dir")]
    InUse(PathBuf),
    /// Surfpool takes the path as part of a URL in text.
    #[error("{0:?} has characters that a database URL cannot hold: give a --data-dir of plain UTF-8 without ?, # or %")]
    Name(PathBuf),
}

impl Folder {
    /// Makes the folder if it is missing and takes it for this process.
    ///
    /// # Errors
    /// The folder is in use, cannot be written, or has a name that surfpool cannot take.
    pub(crate) fn open(path: &Path) -> Result<Self, FolderError> {
        fs::create_dir_all(path).map_err(failed("make", path))?;
        let path = path.canonicalize().map_err(failed("find", path))?;
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(failed("make", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::InUse(path)),
            Err(TryLockError::Error(source)) => return Err(failed("lock", &lock_path)(source)),
        }
        let database = path.join(DATABASE);
        let database = match database.to_str() {
            Some(text) if !text.contains(['?', '#', '%']) => text.to_owned(),
            Some(_) | None => return Err(FolderError::Name(path)),
        };
        Ok(Self { path, database, _lock: lock })
    }

    /// Path of the database.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// The record of what the chain began with; none before the first start.
    ///
    /// # Errors
    /// The record is there and cannot be read.
    pub(crate) fn genesis_record(&self) -> Result<Option<String>, FolderError> {
        let path = self.path.join(GENESIS);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed("read", &path)(source)),
        }
    }

    /// Keeps the record of what the chain began with, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn keep_genesis_record(&self, record: &str) -> Result<(), FolderError> {
        let (draft, path) = (self.path.join(GENESIS_DRAFT), self.path.join(GENESIS));
        fs::write(&draft, record).map_err(failed("write", &draft))?;
        fs::rename(&draft, &path).map_err(failed("write", &path))
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError + use<> {
    let path = path.to_owned();
    move |source| FolderError::Io { action, path, source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_process_alone_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::open(dir.path()).unwrap();
        let second = Folder::open(dir.path());
        assert!(matches!(second, Err(FolderError::InUse(_))), "{second:?}");
        drop(first);
        Folder::open(dir.path()).unwrap();
    }

    #[test]
    fn the_record_outlives_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert_eq!(folder.genesis_record().unwrap(), None);
        folder.keep_genesis_record("{}").unwrap();
        drop(folder);
        assert_eq!(Folder::open(dir.path()).unwrap().genesis_record().unwrap().as_deref(), Some("{}"));
    }

    #[test]
    fn a_name_that_no_database_url_can_hold_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("a?b"));
        assert!(matches!(folder, Err(FolderError::Name(_))), "{folder:?}");
    }
}
