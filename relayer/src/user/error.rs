//! Why a user's command failed, and what the user can do about it.

use std::{path::PathBuf, time::Duration};

use infrastrukt_ports::{PortError, Remedy, StoreError};
use infrastrukt_types::{AmountError, CaipError, DealId, Timestamp};

use crate::config::ConfigErrors;

/// What kind of failure it is: the exit code and the first word of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// Something that should not happen.
    Unexpected,
    /// The command line is wrong.
    Usage,
    /// The configuration is wrong.
    Config,
    /// A rule forbids it.
    Refused,
    /// What was named is not there.
    NotFound,
    /// It may work later.
    Unavailable,
    /// It did not happen in time, and may still happen.
    TimedOut,
    /// The chain refused or reverted it.
    Reverted,
}

/// A failure of a user's command.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// A word of the command line is not what its place needs.
    #[error("`{text}` is not {what}")]
    Malformed {
        /// What was given.
        text: String,
        /// What it should have been.
        what: &'static str,
        /// How to write it.
        example: &'static str,
    },
    /// Not an amount of this token.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// Not a chain or account name.
    #[error(transparent)]
    Caip(#[from] CaipError),
    /// A chain that is not configured.
    #[error("chain `{text}` is not configured")]
    UnknownChain {
        /// What was given.
        text: String,
        /// What would have been known.
        known: String,
    },
    /// A name that is in neither address book nor keystore.
    #[error("`{name}` has no account on {chain}")]
    UnknownAccount {
        /// What was given.
        name: String,
        /// Where it was looked for.
        chain: String,
    },
    /// A token that is no address and no known symbol.
    #[error("`{token}` is no token on {chain}")]
    UnknownToken {
        /// What was given.
        token: String,
        /// Where it was looked for.
        chain: String,
    },
    /// Something named by its id is not there.
    #[error("{what} {id} is not known")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// What was given.
        id: String,
        /// Where else it may be.
        remedy: &'static str,
    },
    /// A rule forbids it.
    #[error("{reason}")]
    Refused {
        /// Which rule, with the offending value.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The signing key is not that of the account that must act.
    #[error("the key `{name}` is of account {actual}, but {expected} must sign")]
    WrongKey {
        /// Name of the key.
        name: String,
        /// Its account.
        actual: String,
        /// The account that must sign.
        expected: String,
    },
    /// The account holds too little.
    #[error("{account} has {have} {symbol} on {chain}, but {need} are needed")]
    InsufficientFunds {
        /// Whose.
        account: String,
        /// Where.
        chain: String,
        /// What of.
        symbol: String,
        /// What there is, in whole coins.
        have: String,
        /// What is needed, in whole coins.
        need: String,
    },
    /// The deal's terms do not lead to its id.
    #[error("the terms shown for deal {asked} hash to {actual}")]
    DealMismatch {
        /// The id that was asked for.
        asked: DealId,
        /// The id that the terms lead to.
        actual: DealId,
    },
    /// The timer does not allow it yet.
    #[error("{what} is possible from {at} on, in {wait_s} seconds")]
    NotYet {
        /// What was wanted.
        what: &'static str,
        /// When, in chain time.
        at: Timestamp,
        /// How long that is from now.
        wait_s: u64,
    },
    /// The hub does not answer.
    #[error("the hub at {url} does not answer: {reason}")]
    HubDown {
        /// Its address, without secrets.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The hub answers, but does not serve now.
    #[error("the hub cannot serve this now: {0}")]
    HubBusy(String),
    /// The hub refuses the request.
    #[error("the hub refuses: {0}")]
    HubRefused(String),
    /// The relayer's admin interface does not answer.
    #[error("the relayer does not answer: {0}")]
    RelayerDown(String),
    /// The relayer refuses the request.
    #[error("the relayer refuses: {0}")]
    RelayerRefused(String),
    /// A chain could not be read or asked.
    #[error("{chain}: {source}")]
    Chain {
        /// Which.
        chain: String,
        /// What happened.
        source: PortError,
    },
    /// The chain says beforehand that the transaction would fail.
    #[error("{chain} refuses the {action}: {reason}")]
    WouldRevert {
        /// Where.
        chain: String,
        /// Which action.
        action: &'static str,
        /// The contract's typed error.
        reason: String,
    },
    /// The transaction is on the chain and failed.
    #[error("the {action} reverted on {chain} in {tx}: {reason}")]
    Reverted {
        /// Where.
        chain: String,
        /// Which action.
        action: &'static str,
        /// The transaction.
        tx: String,
        /// The contract's typed error.
        reason: String,
    },
    /// It did not happen in time.
    #[error("{what} did not happen within {} seconds", after.as_secs())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
    },
    /// A key or keystore failed.
    #[error("{0}")]
    Keystore(String),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// A file of ours holds something else.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// How.
        reason: String,
    },
    /// It failed after the deal was registered: locking it can be continued.
    #[error("deal {deal} is registered, but not locked: {source}")]
    NotLocked {
        /// The deal.
        deal: DealId,
        /// What failed.
        source: Box<UserError>,
    },
    /// A state that must never occur, with what is known of it.
    #[error("{0}")]
    Unexpected(String),
}

impl UserError {
    /// A failure of reading a chain.
    pub fn chain(chain: impl ToString) -> impl FnOnce(PortError) -> Self {
        let chain = chain.to_string();
        move |source| Self::Chain { chain, source }
    }

    /// A rule that forbids it.
    pub fn refused(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into(), remedy: remedy.into() }
    }

    /// A failure at a file.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// The kind of failure.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Config(_) => FailureKind::Config,
            Self::Malformed { .. } | Self::Amount(_) | Self::Caip(_) => FailureKind::Usage,
            Self::UnknownChain { .. }
            | Self::UnknownAccount { .. }
            | Self::UnknownToken { .. }
            | Self::NotFound { .. } => FailureKind::NotFound,
            Self::Refused { .. }
            | Self::WrongKey { .. }
            | Self::InsufficientFunds { .. }
            | Self::DealMismatch { .. }
            | Self::HubRefused(_)
            | Self::RelayerRefused(_)
            | Self::Keystore(_) => FailureKind::Refused,
            Self::NotYet { .. }
            | Self::HubDown { .. }
            | Self::HubBusy(_)
            | Self::RelayerDown(_)
            | Self::Store(StoreError::Io(_)) => FailureKind::Unavailable,
            Self::Chain { source, .. } => match source.remedy {
                Remedy::Retry { .. } | Remedy::Rewind { .. } => FailureKind::Unavailable,
                Remedy::Reject => FailureKind::Refused,
                Remedy::Halt => FailureKind::Unexpected,
            },
            Self::WouldRevert { .. } | Self::Reverted { .. } => FailureKind::Reverted,
            Self::TimedOut { .. } => FailureKind::TimedOut,
            Self::NotLocked { source, .. } => source.kind(),
            Self::Store(StoreError::Codec(_) | StoreError::UnknownColumn(_))
            | Self::File { .. }
            | Self::Damaged { .. }
            | Self::Unexpected(_) => FailureKind::Unexpected,
        }
    }

    /// What the user can do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Config(_) => "correct the configuration; `relayer config validate` checks it".into(),
            Self::Malformed { example, .. } => format!("write {example}"),
            Self::Amount(_) => "write the amount in whole coins, such as 1.5".into(),
            Self::Caip(_) => "write a chain as `relayer chains` lists it, an account as CHAIN:ADDRESS".into(),
            Self::UnknownChain { known, .. } => {
                format!("use one of {known}, or add the chain's file to the configuration")
            }
            Self::UnknownAccount { .. } => {
                "add it under [accounts] in the configuration, or write it as CHAIN:ADDRESS".into()
            }
            Self::UnknownToken { .. } => "write `native`, the token's address, or add its symbol under [tokens]".into(),
            Self::NotFound { remedy, .. } => (*remedy).into(),
            Self::Refused { remedy, .. } => remedy.clone(),
            Self::WrongKey { .. } => {
                "use --as with the name of the depositor's key, or correct the address book".into()
            }
            Self::InsufficientFunds { .. } => "fund the account first; fees come on top".into(),
            Self::DealMismatch { .. } => {
                "do not lock: ask the other party for the deal's id again, and use another hub node".into()
            }
            Self::NotYet { .. } => "run the same command again then; --wait waits for it".into(),
            Self::HubDown { .. } => "check hub.url and that the hub runs; `swap refund` works without it".into(),
            Self::HubBusy(_) => "try again in a minute; `relayer doctor` shows what is wrong".into(),
            Self::HubRefused(_) => "change what the text names".into(),
            Self::RelayerDown(_) => "start it with `relayer start` and the same --data-dir".into(),
            Self::RelayerRefused(_) => "change what the text names".into(),
            Self::Chain { source, .. } => match source.remedy {
                Remedy::Retry { .. } | Remedy::Rewind { .. } => {
                    "try again; `relayer doctor` checks the endpoints".into()
                }
                Remedy::Reject => "change what the text names".into(),
                Remedy::Halt => "stop using this chain and report it: its data contradicts itself".into(),
            },
            Self::WouldRevert { .. } => "nothing was spent; change what the contract's error names".into(),
            Self::Reverted { .. } => "look the transaction up; change what the contract's error names".into(),
            Self::TimedOut { .. } => {
                "it may still happen: the same command again goes on where this one stopped".into()
            }
            Self::Keystore(_) => "check the key's name with `relayer keys list` and its password".into(),
            Self::Store(_) => "let the other command of the same account finish, then try again".into(),
            Self::File { .. } => "check path, permissions and free space".into(),
            Self::Damaged { .. } => "restore the file from a backup, or move it away".into(),
            Self::NotLocked { deal, source } => {
                format!("{}; then go on with `relayer swap accept {deal} --as NAME`", source.remedy())
            }
            Self::Unexpected(_) => "report it with the output of `relayer doctor --json`".into(),
        }
    }
}

impl FailureKind {
    /// The word in JSON answers; it never changes its meaning.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unexpected => "unexpected",
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Reverted => "reverted",
        }
    }
}
