//! The command line.

mod genesis;
mod keys;
mod members;
mod rotation;
mod start;
mod status;

use clap::{Parser, Subcommand, ValueEnum};
use infrastrukt_hub::config::Overrides;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// The node broke while it ran.
pub(crate) const CODE_BROKE: u8 = 1;
/// Configuration, genesis or key refused.
pub(crate) const CODE_REFUSED: u8 = 3;
/// The hub does not answer.
pub(crate) const CODE_UNREACHABLE: u8 = 4;

/// Where a hub with the default configuration is reached.
const DEFAULT_URL: &str = "http://127.0.0.1:8645";

/// Runs an INFRASTRUKT hub node
#[derive(Parser)]
#[command(
    name = "hub",
    version,
    about,
    after_help = "Exit codes: 0 success, 1 the node broke while it ran, \
    2 wrong command line, 3 configuration, genesis or key refused, 4 the hub does not answer."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How log lines are written
    #[arg(long, global = true, env = "INFRASTRUKT_HUB_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
    /// Which log lines are written, such as info or infrastrukt_hub=debug
    #[arg(long, global = true, env = "INFRASTRUKT_HUB_LOG", default_value = "info")]
    log: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Run the node until it is interrupted
    Start(ConfigArgs),
    /// Look at configuration files
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make a genesis
    #[command(subcommand)]
    Genesis(GenesisCommand),
    /// Choose the validators of the next epoch
    #[command(subcommand)]
    Rotation(RotationCommand),
    /// Ask a running hub how it is
    Status(status::StatusArgs),
    /// Make validator keys
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check a configuration with everything it names, without running it
    Validate(ConfigArgs),
}

#[derive(Subcommand)]
enum GenesisCommand {
    /// Write the identity, whose hash the contracts carry: before they are deployed
    Identity(genesis::IdentityArgs),
    /// Write a genesis from an identity, or from validators, and from chain files: after the contracts are deployed
    New(genesis::NewArgs),
}

#[derive(Subcommand)]
enum RotationCommand {
    /// Show the current epoch and what is proposed for the next one
    Show(rotation::ShowArgs),
    /// Vote for the next set with the key of every validator that a configuration hosts
    Vote(rotation::VoteArgs),
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Make a random key and store it encrypted
    New(keys::NewArgs),
}

#[derive(clap::Args)]
pub(crate) struct ConfigArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
}

/// What went wrong, and the exit code that says so.
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) error: anyhow::Error,
}

impl Failure {
    pub(crate) fn new(code: u8, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into() }
    }

    pub(crate) fn refused(error: impl Into<anyhow::Error>) -> Self {
        Self::new(CODE_REFUSED, error)
    }
}

/// Carries out a command.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    log_to_stderr(&cli)?;
    match cli.command {
        Command::Start(args) => start::start(&args).await,
        Command::Config(ConfigCommand::Validate(args)) => start::validate(&args),
        Command::Genesis(GenesisCommand::Identity(args)) => genesis::identity(&args),
        Command::Genesis(GenesisCommand::New(args)) => genesis::new(&args),
        Command::Rotation(RotationCommand::Show(args)) => rotation::show(&args).await,
        Command::Rotation(RotationCommand::Vote(args)) => rotation::vote(&args).await,
        Command::Status(args) => status::status(&args).await,
        Command::Keys(KeysCommand::New(args)) => keys::new(&args),
    }
}

fn log_to_stderr(cli: &Cli) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&cli.log).map_err(Failure::refused)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr);
    match cli.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
