//! Keys of the devnet: published ones for users and the relayer, new ones for the validators.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt as _,
};

use infrastrukt_registry::devnet;
use infrastrukt_types::{Validator, ValidatorSet};
use zeroize::Zeroizing;

use super::{DevnetError, Layout};

/// Users by name and index of their published key.
pub(super) const USERS: [(&str, u32); 3] = [("alice", 0), ("bob", 1), ("carol", 2)];
/// The relayer's published key.
const RELAYER: (&str, u32) = ("relayer", 3);
/// Validators of the devnet's hub: one of four may fail.
pub(super) const VALIDATORS: usize = 4;

/// The password of an earlier run, or a new random one that only this user can read.
fn password(layout: &Layout) -> Result<Zeroizing<String>, DevnetError> {
    let path = layout.password();
    match fs::read_to_string(&path) {
        Ok(text) => return Ok(Zeroizing::new(text.trim_end().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(DevnetError::file(path)(error)),
    }
    let password = Zeroizing::new(format!("{:032x}", rand::random::<u128>()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(DevnetError::file(&path))?;
    file.write_all(password.as_bytes()).and_then(|()| file.sync_all()).map_err(DevnetError::file(&path))?;
    Ok(password)
}

fn failed(name: &str, error: &dyn std::fmt::Display) -> DevnetError {
    DevnetError::Key { name: name.into(), reason: error.to_string() }
}

/// Makes all keys that are missing; returns the validators' set.
pub(super) fn ensure(layout: &Layout) -> Result<ValidatorSet, DevnetError> {
    let (users, hub) = (layout.keystore(), layout.hub_keystore());
    for dir in [layout.dir(), &users, &hub] {
        fs::create_dir_all(dir).map_err(DevnetError::file(dir))?;
    }
    let password = password(layout)?;
    for (name, index) in USERS.into_iter().chain([RELAYER]) {
        devnet::ensure_user(&users, name, &password, index).map_err(|error| failed(name, &error))?;
    }
    let mut members = Vec::new();
    for index in 0..VALIDATORS {
        let name = format!("validator-{index}");
        let account = devnet::ensure_validator(&hub, &name, &password).map_err(|error| failed(&name, &error))?;
        members.push(Validator { address: account.to_evm().map_err(|error| failed(&name, &error))?, weight: 1 });
    }
    ValidatorSet::new(members).map_err(|error| DevnetError::Damaged { path: hub, reason: error.to_string() })
}
