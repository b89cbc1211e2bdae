//! What the chain begins with: programs and funded keys. It is installed before the first slot, once, and recorded, so
//! that a later start with other arguments is refused rather than half obeyed.

use crate::{
    args::{Args, Fund, ProgramFile},
    folder::{Folder, FolderError},
    loader::{self, MAX_ELF_BYTES, UPGRADEABLE_LOADER},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use solana_address::Address;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};
use surfpool_core::{solana_account::Account, surfnet::svm::SurfnetSvm};

/// The most programs and keys that one chain begins with.
const MAX_ENTRIES: usize = 256;
/// Rent is owed in this epoch: never, as Agave writes it into accounts that are exempt.
const NO_RENT: u64 = u64::MAX;

/// Accounts of the first slot.
#[derive(Debug)]
pub(crate) struct Genesis {
    programs: BTreeMap<Address, Program>,
    funds: BTreeMap<Address, u64>,
}

#[derive(Debug)]
struct Program {
    elf: Vec<u8>,
    upgrade_authority: Option<Address>,
}

/// What is kept in the folder. Addresses in base58.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    programs: BTreeMap<String, ProgramRecord>,
    funds: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct ProgramRecord {
    elf_sha256: String,
    upgrade_authority: Option<String>,
}

/// The accounts of the first slot are refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GenesisError {
    /// A program's file cannot be read.
    #[error("cannot read the program {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A program is larger than an account.
    #[error("{path} has more than {limit} bytes, the most that a program account holds", limit = MAX_ELF_BYTES)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// An address stands for two things.
    #[error("{0} is given twice: give every program and every funded key once")]
    Twice(Address),
    /// Too many arguments.
    #[error("{0} programs and keys were given, and a chain begins with {limit} at most", limit = MAX_ENTRIES)]
    TooMany(usize),
    /// The runtime refuses an account.
    #[error("the runtime refuses {address}: {reason}; is its file an ELF for Solana (SBF)?")]
    Refused {
        /// The account.
        address: Address,
        /// The runtime's reason.
        reason: String,
    },
    /// The chain in the folder began otherwise.
    #[error(
        "the chain in this folder began with other programs or funds: start it with the same --program, --fund and \
         --upgrade-authority, or give an empty --data-dir. It began with: {0}"
    )]
    Changed(String),
    /// The record is not what this node writes.
    #[error("the folder's genesis.json is not readable ({0}): give an empty --data-dir")]
    Record(serde_json::Error),
    /// The record cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl Genesis {
    /// Reads what the arguments name.
    ///
    /// # Errors
    /// A file that cannot be read or is too large, an address given twice, too many entries.
    pub(crate) fn read(args: &Args) -> Result<Self, GenesisError> {
        let entries = args.programs.len() + args.funds.len();
        if entries > MAX_ENTRIES {
            return Err(GenesisError::TooMany(entries));
        }
        let mut genesis = Self { programs: BTreeMap::new(), funds: BTreeMap::new() };
        for ProgramFile { id, file } in &args.programs {
            let program = Program { elf: read_elf(file)?, upgrade_authority: args.upgrade_authority };
            if genesis.programs.insert(*id, program).is_some() {
                return Err(GenesisError::Twice(*id));
            }
        }
        for Fund { key, lamports } in &args.funds {
            if genesis.programs.contains_key(key) || genesis.funds.insert(*key, *lamports).is_some() {
                return Err(GenesisError::Twice(*key));
            }
        }
        Ok(genesis)
    }

    /// Whether the folder holds a chain that began so already.
    ///
    /// # Errors
    /// The chain in the folder began otherwise, or its record cannot be read.
    pub(crate) fn is_installed(&self, folder: &Folder) -> Result<bool, GenesisError> {
        let Some(kept) = folder.genesis_record()? else { return Ok(false) };
        let record: Record = serde_json::from_str(&kept).map_err(GenesisError::Record)?;
        if record == self.record() { Ok(true) } else { Err(GenesisError::Changed(kept)) }
    }

    /// Puts the accounts into a chain that has had no slot yet, then records that it did. A start that ends in between
    /// does it again, with the same result.
    ///
    /// # Errors
    /// The runtime refuses an account, or the record cannot be written.
    pub(crate) fn install(&self, svm: &mut SurfnetSvm, folder: &Folder) -> Result<(), GenesisError> {
        for (id, program) in &self.programs {
            let data_address = loader::data_address(id);
            let data = loader::data_content(program.upgrade_authority.as_ref(), &program.elf);
            // The runtime verifies the ELF when the program account comes, so that the data must be there by then.
            set_loader_account(svm, data_address, data, false)?;
            set_loader_account(svm, *id, loader::program_content(&data_address), true)?;
        }
        for (key, lamports) in &self.funds {
            let account = Account { lamports: *lamports, rent_epoch: NO_RENT, ..Account::default() };
            set_account(svm, *key, account)?;
        }
        let record = serde_json::to_string_pretty(&self.record()).expect("strings and numbers are always JSON");
        Ok(folder.keep_genesis_record(&record)?)
    }

    fn record(&self) -> Record {
        let program_record = |program: &Program| ProgramRecord {
            elf_sha256: format!("{:x}", Sha256::digest(&program.elf)),
            upgrade_authority: program.upgrade_authority.map(|key| key.to_string()),
        };
        Record {
            programs: self.programs.iter().map(|(id, program)| (id.to_string(), program_record(program))).collect(),
            funds: self.funds.iter().map(|(key, lamports)| (key.to_string(), *lamports)).collect(),
        }
    }
}

fn read_elf(path: &Path) -> Result<Vec<u8>, GenesisError> {
    let failed = |source| GenesisError::Read { path: path.to_owned(), source };
    let mut elf = Vec::new();
    let limit = MAX_ELF_BYTES as u64 + 1;
    File::open(path).map_err(failed)?.take(limit).read_to_end(&mut elf).map_err(failed)?;
    if elf.len() > MAX_ELF_BYTES {
        return Err(GenesisError::TooLarge { path: path.to_owned() });
    }
    Ok(elf)
}

fn set_loader_account(
    svm: &mut SurfnetSvm,
    address: Address,
    data: Vec<u8>,
    executable: bool,
) -> Result<(), GenesisError> {
    let lamports = svm.inner.minimum_balance_for_rent_exemption(data.len());
    let account = Account { lamports, data, owner: UPGRADEABLE_LOADER, executable, rent_epoch: NO_RENT };
    set_account(svm, address, account)
}

fn set_account(svm: &mut SurfnetSvm, address: Address, account: Account) -> Result<(), GenesisError> {
    svm.set_account(&address, account).map_err(|error| GenesisError::Refused { address, reason: error.to_string() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KEY: Address = Address::new_from_array([3; 32]);

    fn funded(lamports: u64) -> Genesis {
        Genesis { programs: BTreeMap::new(), funds: BTreeMap::from([(KEY, lamports)]) }
    }

    #[test]
    fn a_chain_that_began_otherwise_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert!(!funded(5).is_installed(&folder).unwrap());
        folder.keep_genesis_record(&serde_json::to_string(&funded(5).record()).unwrap()).unwrap();
        assert!(funded(5).is_installed(&folder).unwrap());
        let other = funded(6).is_installed(&folder);
        assert!(matches!(other, Err(GenesisError::Changed(_))), "{other:?}");
    }

    #[test]
    fn the_record_tells_programs_apart_by_content_and_authority() {
        let with = |elf: &[u8], upgrade_authority| {
            let program = Program { elf: elf.to_vec(), upgrade_authority };
            Genesis { programs: BTreeMap::from([(KEY, program)]), funds: BTreeMap::new() }.record()
        };
        assert_eq!(with(b"a", None), with(b"a", None));
        assert_ne!(with(b"a", None), with(b"b", None));
        assert_ne!(with(b"a", None), with(b"a", Some(KEY)));
    }

    #[test]
    fn an_address_stands_for_one_thing() {
        let fund = Fund { key: KEY, lamports: 1 };
        let args = Args {
            data_dir: PathBuf::new(),
            rpc_port: 1,
            ws_port: None,
            slot_ms: 400,
            programs: vec![],
            upgrade_authority: None,
            funds: vec![fund.clone(), fund],
            steer: false,
        };
        let twice = Genesis::read(&args);
        assert!(matches!(twice, Err(GenesisError::Twice(key)) if key == KEY), "{twice:?}");
    }
}
