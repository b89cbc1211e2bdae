//! The command line: one file a command.
//!
//! Owns arguments, prompts, tables and exit codes. What commands do lies in [`crate::user`] and in the relayer itself.

pub(crate) mod admin_link;
mod args;
mod bridge;
mod chains;
mod completions;
mod config;
mod context;
mod deals;
mod dlq;
mod doctor;
pub mod exit;
mod keys;
mod logging;
mod messages;
mod output;
mod send;
pub(crate) mod start;
mod swap;

use std::process::ExitCode;

use clap::{Parser as _, error::ErrorKind};

use crate::{
    config::ConfigErrors,
    user::{FailureKind, UserError},
};
use args::{Cli, Command};
use context::Context;
use output::Out;

/// How a command ended that printed its own answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Well,
    /// The answer itself says that something is wrong.
    With(FailureKind),
}

type Outcome = Result<Done, UserError>;

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let out = Out::new(cli.global.json);
    let done = runtime().and_then(|runtime| {
        logging::start(&cli.global, cli.command.is_service());
        runtime.block_on(dispatch(cli, out))
    });
    let kind = match done {
        Ok(Done::Well) => return ExitCode::SUCCESS,
        Ok(Done::With(kind)) => kind,
        Err(error) => {
            out.failure(&error);
            error.kind()
        }
    };
    ExitCode::from(exit::code(kind))
}

fn runtime() -> Result<tokio::runtime::Runtime, UserError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| UserError::Unexpected(format!("no runtime: {error}")))
}

/// Help and version are answers; everything else clap says is a mistake of the caller.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if std::env::args_os().any(|arg| arg == "--json") {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or("the command line is wrong").trim_start_matches("error: ");
        let body = serde_json::json!({ "error": {
            "code": FailureKind::Usage.word(), "message": message, "remedy": "see `relayer --help`",
        }});
        println!("{body}");
    } else if error.print().is_err() {
        tracing::debug!("standard error is closed");
    }
    ExitCode::from(exit::code(FailureKind::Usage))
}

async fn dispatch(cli: Cli, out: Out) -> Outcome {
    let context = Context::new(cli.global, out)?;
    match cli.command {
        Command::Start(args) => start::run(&context, args).await,
        Command::Demo => {
            let result = crate::devnet::run_demo(context.named_data_dir(), out.is_json()).await;
            result.map(|()| Done::Well).map_err(foreign)
        }
        Command::Config(command) => config::run(&context, command),
        Command::Swap(command) => swap::run(&context, *command).await,
        Command::Send(args) => send::run(&context, args).await,
        Command::Bridge(args) => bridge::run(&context, args).await,
        Command::Messages(command) => messages::run(&context, command).await,
        Command::Dlq(command) => dlq::run(&context, command).await,
        Command::Deals(command) => deals::run(&context, command).await,
        Command::Chains => chains::run(&context).await,
        Command::Keys(command) => keys::run(&context, command),
        Command::Doctor => doctor::run(&context).await,
        Command::Completions(args) => completions::run(&args),
    }
}

/// What comes from other parts of the program with its own error type.
fn foreign(error: anyhow::Error) -> UserError {
    match error.downcast::<UserError>() {
        Ok(known) => known,
        Err(error) => match error.downcast::<ConfigErrors>() {
            Ok(errors) => errors.into(),
            Err(error) => UserError::Unexpected(format!("{error:#}")),
        },
    }
}

#[cfg(test)]
mod tests;
