//! Deals that were locked from this machine, kept so that a refund needs nobody else.
//!
//! A deal is written here, synced, before its first lock leaves the process: without its terms no escape is possible.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use infrastrukt_types::{Deal, DealId, HubId, Timestamp};
use serde::{Deserialize, Serialize};

use super::UserError;

/// Most deals that are listed.
pub const DEALS_LISTED_MAX: usize = 1_000;

/// A deal as its party keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealRecord {
    /// Its id.
    pub deal_id: DealId,
    /// The hub that decides it.
    pub hub_id: HubId,
    /// Its terms.
    pub deal: Deal,
    /// Names under which this machine locked legs of it.
    pub parties: Vec<String>,
    /// When it was first kept.
    pub kept_at: Timestamp,
}

impl DealRecord {
    /// Reads what the file at `path` holds, and checks its id against its own terms.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, UserError> {
        let damaged = |reason: String| UserError::Damaged { path: path.into(), reason };
        let record: Self = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        let actual = record.deal.id(record.hub_id);
        if record.deal_id != actual {
            return Err(damaged(format!("its terms hash to {actual}")));
        }
        Ok(record)
    }
}

/// The folder of kept deals.
#[derive(Clone, Debug)]
pub struct DealFolder(PathBuf);

impl DealFolder {
    /// The folder inside a data directory.
    pub fn new(data_dir: &Path) -> Self {
        Self(data_dir.join("deals"))
    }

    fn path(&self, id: DealId) -> PathBuf {
        self.0.join(format!("{id}.json"))
    }

    /// The deal with this id, checked against its own terms.
    pub fn load(&self, id: DealId) -> Result<Option<DealRecord>, UserError> {
        let path = self.path(id);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(UserError::file(path)(error)),
        };
        let record = DealRecord::parse(&path, &bytes)?;
        if record.deal_id != id {
            return Err(UserError::Damaged { path, reason: format!("it holds deal {}", record.deal_id) });
        }
        Ok(Some(record))
    }

    /// Keeps a deal for one more party; returns once it is on disk.
    pub fn keep(&self, mut record: DealRecord, party: &str) -> Result<DealRecord, UserError> {
        if let Some(known) = self.load(record.deal_id)? {
            record = known;
        }
        if !record.parties.iter().any(|known| known == party) {
            record.parties.push(party.into());
        }
        let json = serde_json::to_vec_pretty(&record)
            .map_err(|error| UserError::Unexpected(format!("a deal does not encode: {error}")))?;
        write_synced(&self.path(record.deal_id), &json)?;
        Ok(record)
    }

    /// The newest kept deals, at most [`DEALS_LISTED_MAX`]. Files that are no deals are skipped.
    pub fn list(&self) -> Result<Vec<DealRecord>, UserError> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(UserError::file(&self.0)(error)),
        };
        let mut records = Vec::new();
        for entry in entries {
            let name = entry.map_err(UserError::file(&self.0))?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|id| id.parse().ok());
            if let Some(id) = id {
                records.extend(self.load(id)?);
            }
        }
        records.sort_by_key(|record| std::cmp::Reverse(record.kept_at));
        records.truncate(DEALS_LISTED_MAX);
        Ok(records)
    }
}

/// Writes a file so that a crash leaves either the old content or the new one.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), UserError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let attempt = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    attempt().map_err(UserError::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{B256, Leg};

    fn record() -> DealRecord {
        let leg = Leg {
            chain: infrastrukt_types::ChainId(56),
            escrow: Default::default(),
            token: Default::default(),
            amount: Default::default(),
            depositor: Default::default(),
            on_commit: Default::default(),
            on_abort: Default::default(),
            escape_at: Timestamp(9),
            escape_window: 1,
            tip: Default::default(),
        };
        let deal = Deal {
            nonce: B256::repeat_byte(7),
            lock_by: Timestamp(1),
            decide_by: Timestamp(2),
            sign_by: Timestamp(3),
            legs: vec![leg.clone(), leg],
        };
        let hub_id = HubId(B256::repeat_byte(1));
        DealRecord { deal_id: deal.id(hub_id), hub_id, deal, parties: Vec::new(), kept_at: Timestamp(5) }
    }

    #[test]
    fn keeps_and_lists() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = DealFolder::new(dir.path());
        let id = record().deal_id;
        assert_eq!(folder.load(id).expect("readable"), None);
        assert!(folder.list().expect("readable").is_empty());
        folder.keep(record(), "alice").expect("kept");
        let kept = folder.keep(record(), "bob").expect("kept");
        assert_eq!(kept.parties, ["alice", "bob"]);
        assert_eq!(folder.list().expect("readable"), [kept]);
    }

    #[test]
    fn changed_terms_are_damage() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = DealFolder::new(dir.path());
        let mut changed = folder.keep(record(), "alice").expect("kept");
        changed.deal.lock_by = Timestamp(8);
        let json = serde_json::to_vec(&changed).expect("encodes");
        write_synced(&folder.path(changed.deal_id), &json).expect("written");
        assert!(matches!(folder.load(changed.deal_id), Err(UserError::Damaged { .. })));
    }
}
