//! The hub.
//!
//! Exit codes: 0 success · 1 a part of the node broke while it ran · 2 wrong command line · 3 configuration, genesis or
//! key refused · 4 the hub does not answer.

mod cli;

use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let command = cli::Cli::parse();
    match cli::run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {:#}", failure.error);
            ExitCode::from(failure.code)
        }
    }
}
