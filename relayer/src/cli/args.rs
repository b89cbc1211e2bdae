//! Every command and option.

mod swap;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use infrastrukt_api::{DealState, MessageState};
use infrastrukt_registry::Kind;
use infrastrukt_types::{Bytes, Caip2, MessageId};

use super::exit;
use crate::user::UserError;
pub(super) use swap::{AcceptArgs, CancelArgs, DealArgs, HistoryArgs, RefundArgs, SwapCommand, TermsArgs, WatchArgs};

/// Carries messages, tokens and atomic swaps between chains.
#[derive(Debug, Parser)]
#[command(name = "relayer", version, about, after_help = exit::HELP, propagate_version = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(super) struct Global {
    /// Print exactly one JSON document on standard output (`watch`: one line a change)
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Where configuration and state are [default: ~/.infrastrukt]
    #[arg(long, global = true, value_name = "DIR", env = "INFRASTRUKT_DATA_DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Configuration file [default: DIR/config.toml]
    #[arg(long, global = true, value_name = "FILE", env = "INFRASTRUKT_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Address of the hub, in place of the configured one
    #[arg(long, global = true, value_name = "URL", env = "INFRASTRUKT_HUB_URL", hide_env_values = true)]
    pub(super) hub: Option<String>,
    /// File with the password of the keys that are used
    #[arg(long, global = true, value_name = "FILE", env = "INFRASTRUKT_PASSWORD_FILE")]
    pub(super) password_file: Option<PathBuf>,
    /// How logs are written to standard error
    #[arg(long, global = true, value_name = "FORMAT", env = "INFRASTRUKT_LOG_FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
    /// Log more; twice for debugging, three times for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the relayer until it is told to end
    Start(StartArgs),
    /// Show a devnet with messages, tokens, deals that commit and one that aborts
    Demo,
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Swap atomically between chains
    #[command(subcommand)]
    Swap(Box<SwapCommand>),
    /// Send a message to another chain
    Send(SendArgs),
    /// Move tokens to another chain
    Bridge(BridgeArgs),
    /// Look at messages
    #[command(subcommand)]
    Messages(MessagesCommand),
    /// Look at messages that the relayer gave up
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Look at deals
    #[command(subcommand)]
    Deals(DealsCommand),
    /// List the chains and how they are
    Chains,
    /// Make, import and list encrypted keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Check endpoints, contracts, balances, clocks, the hub and the relayer
    Doctor,
    /// Print a shell's completions
    Completions(CompletionsArgs),
}

impl Command {
    /// Services log what they do; other commands log only what is wrong.
    pub(super) const fn is_service(&self) -> bool {
        match self {
            Self::Start(_) => true,
            Self::Demo
            | Self::Config(_)
            | Self::Swap(_)
            | Self::Send(_)
            | Self::Bridge(_)
            | Self::Messages(_)
            | Self::Dlq(_)
            | Self::Deals(_)
            | Self::Chains
            | Self::Keys(_)
            | Self::Doctor
            | Self::Completions(_) => false,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct StartArgs {
    /// Start development chains and a hub as well, all in this data directory
    #[arg(long)]
    pub(super) devnet: bool,
    /// Start development chains of this kind only; a data directory keeps to what it began with
    #[arg(long, value_name = "KIND", value_parser = kind, requires = "devnet")]
    pub(super) only: Option<Kind>,
    /// Name of the relayer's key
    #[arg(long, value_name = "NAME", env = "INFRASTRUKT_RELAYER_KEY")]
    pub(super) key: Option<String>,
    /// Where the admin interface listens; it has no authentication
    #[arg(long, value_name = "ADDR", env = "INFRASTRUKT_ADMIN_LISTEN")]
    pub(super) admin_listen: Option<SocketAddr>,
    /// Where metrics and health are served
    #[arg(long, value_name = "ADDR", env = "INFRASTRUKT_HEALTH_LISTEN")]
    pub(super) health_listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration and report everything that is wrong with it
    Validate,
    /// Show the configuration in force, secrets left out
    Show,
}

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// Who you are: the name of your key
    #[arg(long = "as", value_name = "NAME")]
    pub(super) who: String,
    /// Chain to send from
    #[arg(long, value_name = "CHAIN")]
    pub(super) from: Caip2,
    /// Chain to send to
    #[arg(long, value_name = "CHAIN")]
    pub(super) to: Caip2,
    /// What to send, as 0x…
    #[arg(long, value_name = "HEX")]
    pub(super) payload: Bytes,
    /// Contract or account that receives it [default: the chain's inbox, else your own account there]
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) recipient: Option<String>,
    /// Gas (compute units on Solana) for its handler
    #[arg(long, value_name = "GAS", default_value_t = crate::user::GAS_LIMIT_DEFAULT)]
    pub(super) gas_limit: u64,
    /// Time within which it may be delivered [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) deadline: Option<Duration>,
}

#[derive(Debug, Args)]
pub(super) struct BridgeArgs {
    /// Who you are: the name of your key
    #[arg(long = "as", value_name = "NAME")]
    pub(super) who: String,
    /// Chain to move from
    #[arg(long, value_name = "CHAIN")]
    pub(super) from: Caip2,
    /// Chain to move to
    #[arg(long, value_name = "CHAIN")]
    pub(super) to: Caip2,
    /// `native`, a symbol, or the token's address on the chain it leaves
    #[arg(long, value_name = "TOKEN")]
    pub(super) token: String,
    /// Amount in whole coins
    #[arg(long, value_name = "AMOUNT")]
    pub(super) amount: String,
    /// Who receives it [default: your own account there]
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) recipient: Option<String>,
    /// Time within which it may arrive before it is refunded, at most 30d [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) deadline: Option<Duration>,
    /// Who is refunded on the chain it leaves [default: your own account there]
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) refund_to: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum MessagesCommand {
    /// List messages, newest first
    List(MessagesArgs),
    /// Show a message, with everything needed to deliver it by hand
    Show {
        /// The message
        id: MessageId,
    },
    /// Have the relayer try a message again that it gave up
    Retry {
        /// The message
        id: MessageId,
    },
}

#[derive(Debug, Args)]
pub(super) struct MessagesArgs {
    /// Only from this chain
    #[arg(long, value_name = "CHAIN")]
    pub(super) from: Option<Caip2>,
    /// Only to this chain
    #[arg(long, value_name = "CHAIN")]
    pub(super) to: Option<Caip2>,
    /// Only in this state: observed, proven, certified, delivered, expired or refunded
    #[arg(long, value_name = "STATE", value_parser = state::<MessageState>)]
    pub(super) state: Option<MessageState>,
    /// At most this many
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub(super) limit: u32,
}

#[derive(Debug, Subcommand)]
pub(super) enum DlqCommand {
    /// List dead letters
    List,
    /// Show a dead letter
    Show {
        /// Its id, as listed
        id: String,
    },
    /// Try a dead letter again
    Redrive {
        /// Its id, as listed
        id: String,
    },
    /// Forget a dead letter; anyone can still deliver the message by hand
    Drop {
        /// Its id, as listed
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum DealsCommand {
    /// List deals, newest first
    List(DealsArgs),
    /// Show a deal, with everything needed to settle it by hand
    Show(DealArgs),
}

#[derive(Debug, Args)]
pub(super) struct DealsArgs {
    /// Only in this state: open, locking, decided, certified, stalled, settling, settled, escaped or fault
    #[arg(long, value_name = "STATE", value_parser = state::<DealState>)]
    pub(super) state: Option<DealState>,
    /// Only with this party: a name of the address book or CHAIN:ADDRESS
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// At most this many
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub(super) limit: u32,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a new key for each kind of chain; their password is asked for, or read from --password-file
    New {
        /// Its name
        name: String,
    },
    /// Store a key that is read from standard input, or asked for on a terminal
    Import {
        /// Its name
        name: String,
        /// Kind of chains that it is for [default: that of the first configured chain]
        #[arg(long, value_name = "KIND", value_parser = kind)]
        kind: Option<Kind>,
    },
    /// List the keys with their accounts
    List,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

fn kind(text: &str) -> Result<Kind, String> {
    let known = || Kind::ALL.map(Kind::word).join(", ");
    Kind::of_word(text).ok_or_else(|| format!("`{text}` is no kind of chain; use one of {}", known()))
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::user::duration(text).map_err(with_remedy)
}

/// Reads an asset or a leg, with its own words about a mistake.
fn spec<T: std::str::FromStr<Err = UserError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(with_remedy)
}

/// Reads a state by the word that JSON answers use for it.
fn state<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    let word = serde_json::Value::String(text.to_ascii_lowercase());
    serde_json::from_value(word).map_err(|error| error.to_string())
}

fn with_remedy(error: UserError) -> String {
    format!("{error}; {}", error.remedy())
}
