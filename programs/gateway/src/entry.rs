//! Where an instruction begins. Anchor's own entry would log an error's name and text as well, which the IDL has by its
//! number, and the runtime logs that.

use anchor_lang::{
    error::{Error, ErrorOrigin},
    prelude::*,
    solana_program::{entrypoint, entrypoint::ProgramResult, log::sol_log},
};

use crate::try_entry;

entrypoint!(enter);

fn enter<'info>(program: &'info Pubkey, accounts: &'info [AccountInfo<'info>], data: &'info [u8]) -> ProgramResult {
    try_entry(program, accounts, data).map_err(|error| {
        log_account(&error);
        error.into()
    })
}

/// Which account an error is about.
fn log_account(error: &Error) {
    let origin = match error {
        Error::AnchorError(error) => &error.error_origin,
        Error::ProgramError(error) => &error.error_origin,
    };
    if let Some(ErrorOrigin::AccountName(name)) = origin {
        sol_log("refused account:");
        sol_log(name);
    }
}
