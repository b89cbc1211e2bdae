//! `relayer keys`.

use std::io::{IsTerminal as _, stdin};

use infrastrukt_registry::{KeysError, Kind, NamedKey, show_account};
use infrastrukt_types::Account;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Context, Done, Outcome, args::KeysCommand, output::Tone};
use crate::{config::Config, user::UserError};

/// How a key is shown whose file does not state its account.
const NOT_STATED: &str = "not stated";

pub(super) fn run(context: &Context, command: KeysCommand) -> Outcome {
    let config = context.config()?;
    match command {
        KeysCommand::New { name } => {
            let password = new_password(context, &config)?;
            config.keyring().create(&config.kinds(), &name, &password).map_err(failure)?;
            announce(context, &config, &name, "made")
        }
        KeysCommand::Import { name, kind } => {
            import(context, &config, kind.or(config.kinds().first().copied()).unwrap_or(Kind::Evm), &name)?;
            announce(context, &config, &name, "imported")
        }
        KeysCommand::List => list(context, &config),
    }
}

fn failure(error: KeysError) -> UserError {
    UserError::Keystore(error.to_string())
}

/// The key comes through standard input or a prompt, never through an argument that every user of the machine can see.
fn import(context: &Context, config: &Config, kind: Kind, name: &str) -> Result<(), UserError> {
    let keyring = config.keyring();
    if stdin().is_terminal() {
        let typed = rpassword::prompt_password(format!("Private key of `{name}`: ")).map(Zeroizing::new);
        let typed = typed.map_err(UserError::file("/dev/tty"))?;
        let password = new_password(context, config)?;
        keyring.import(kind, name, &password, &mut typed.as_bytes()).map_err(failure)?;
    } else {
        // Standard input holds the key, so that the password has to come from a file.
        let Some(file) = &config.keystore.password_file else {
            let remedy = "pass --password-file FILE, or run it on a terminal";
            return Err(UserError::refused("standard input holds the key, and no file holds the password", remedy));
        };
        let password = super::context::read_password(file)?;
        keyring.import(kind, name, &password, &mut stdin().lock()).map_err(failure)?;
    }
    Ok(())
}

/// A password from the file, else typed twice.
fn new_password(context: &Context, config: &Config) -> Result<Zeroizing<String>, UserError> {
    let file = config.keystore.password_file.as_deref();
    let password = context.password(file, "New password: ")?;
    if file.is_none() && *context.password(None, "The same again: ")? != *password {
        return Err(UserError::refused("the two passwords differ", "type the same one twice"));
    }
    Ok(password)
}

fn announce(context: &Context, config: &Config, name: &str, how: &str) -> Outcome {
    let keyring = config.keyring();
    let known = keyring.list().map_err(failure)?.into_iter().find(|key| key.name == name);
    let Some(key) = known else { return Err(UserError::Unexpected(format!("the key {name} is {how} and not listed"))) };
    context.out.toned(Tone::Good, format!("key {name} is {how}: {}", accounts(&key).join(", ")));
    for kind in Kind::ALL.into_iter().filter(|kind| keyring.has(*kind, name)) {
        context.out.line(format!("keep a copy of {}", keyring.file(kind, name).display()));
    }
    context.out.document(&document(&key))?;
    Ok(Done::Well)
}

fn list(context: &Context, config: &Config) -> Outcome {
    let keys = config.keyring().list().map_err(failure)?;
    let rows = keys.iter().flat_map(|key| accounts(key).into_iter().map(|account| vec![key.name.clone(), account]));
    context.out.table(&["key", "account"], rows.collect());
    let documents: Vec<Value> = keys.iter().map(document).collect();
    context.out.document(&documents)?;
    Ok(Done::Well)
}

/// The accounts of a name, one for each kind of chain.
fn accounts(key: &NamedKey) -> Vec<String> {
    if key.accounts.is_empty() {
        return vec![NOT_STATED.into()];
    }
    key.accounts.iter().map(|(kind, account)| show_account(*kind, *account)).collect()
}

/// `account` is that of the first kind, `accounts` has all of them.
fn document(key: &NamedKey) -> Value {
    let shown = |(kind, account): (&Kind, &Account)| (kind.to_string(), Value::from(show_account(*kind, *account)));
    let accounts: serde_json::Map<String, Value> = key.accounts.iter().map(shown).collect();
    let first = key.accounts.iter().next().map(|(kind, account)| show_account(*kind, *account));
    json!({ "name": key.name, "account": first, "accounts": accounts })
}
