//! `relayer keys`.

use std::io::{IsTerminal as _, stdin};

use infrastrukt_registry::KeystoreError;
use infrastrukt_types::Account;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Context, Done, Outcome, args::KeysCommand, output::Tone};
use crate::{config::Config, user::UserError};

pub(super) fn run(context: &Context, command: KeysCommand) -> Outcome {
    let config = context.config()?;
    match command {
        KeysCommand::New { name } => {
            let password = new_password(context, &config)?;
            config.keystore().create(&name, &password).map_err(failure)?;
            announce(context, &config, &name, "made")
        }
        KeysCommand::Import { name } => {
            import(context, &config, &name)?;
            announce(context, &config, &name, "imported")
        }
        KeysCommand::List => list(context, &config),
    }
}

/// The account that a key's file states, without its password; `None` where there is no such key.
pub(super) fn account(config: &Config, name: &str) -> Result<Option<Account>, UserError> {
    let keys = config.keystore().list().map_err(failure)?;
    Ok(keys.into_iter().find(|key| key.name == name).and_then(|key| key.address).map(Account::from))
}

fn failure(error: KeystoreError) -> UserError {
    UserError::Keystore(error.to_string())
}

/// The key comes through standard input or a prompt, never through an argument that every user of the machine can see.
fn import(context: &Context, config: &Config, name: &str) -> Result<(), UserError> {
    let keystore = config.keystore();
    if stdin().is_terminal() {
        let typed = rpassword::prompt_password(format!("Private key of `{name}`: ")).map(Zeroizing::new);
        let typed = typed.map_err(UserError::file("/dev/tty"))?;
        let password = new_password(context, config)?;
        keystore.import(name, &password, &mut typed.as_bytes()).map_err(failure)?;
    } else {
        // Standard input holds the key, so that the password has to come from a file.
        let Some(file) = &config.keystore.password_file else {
            let remedy = "pass --password-file FILE, or run it on a terminal";
            return Err(UserError::refused("standard input holds the key, and no file holds the password", remedy));
        };
        let password = super::context::read_password(file)?;
        keystore.import(name, &password, &mut stdin().lock()).map_err(failure)?;
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
    let account = account(config, name)?;
    let shown = account.map_or_else(String::new, show);
    context.out.toned(Tone::Good, format!("key {name} is {how}: {shown}"));
    context.out.line(format!("keep a copy of {}", config.keystore.dir.join(format!("{name}.json")).display()));
    context.out.document(&json!({ "name": name, "account": shown }))?;
    Ok(Done::Well)
}

fn list(context: &Context, config: &Config) -> Outcome {
    let keys = config.keystore().list().map_err(failure)?;
    let shown = |address: Option<_>| address.map(|address| show(Account::from(address)));
    let rows = keys.iter().map(|key| vec![key.name.clone(), shown(key.address).unwrap_or("not stated".into())]);
    context.out.table(&["key", "account"], rows.collect());
    let documents: Vec<_> = keys.iter().map(|key| json!({ "name": key.name, "account": shown(key.address) })).collect();
    context.out.document(&documents)?;
    Ok(Done::Well)
}

/// Keys are of the curve that every supported family of chains with 20-byte accounts uses.
fn show(account: Account) -> String {
    account.to_evm().map_or_else(|_| account.to_string(), |address| address.to_string())
}
