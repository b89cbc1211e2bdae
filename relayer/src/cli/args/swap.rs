//! Options of `relayer swap`.

use std::time::Duration;

use clap::{Args, Subcommand};
use infrastrukt_types::{Bytes, DealId};

use super::{duration, spec};
use crate::user::{AssetSpec, LegSpec};

/// Time for locking where nobody says: enough for a person to accept.
const LOCK_WITHIN_DEFAULT: &str = "10m";

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SwapCommand {
    /// Show the deadlines that a swap would get
    Quote(TermsArgs),
    /// Register a swap and lock your part
    New(TermsArgs),
    /// Check a swap and lock your part
    Accept(AcceptArgs),
    /// Show how far a swap is
    Status(DealArgs),
    /// Show every change of a swap until it is over
    Watch(WatchArgs),
    /// Call a swap off before it is decided; every party has to sign
    ///
    /// The first party runs it and passes on the command that it prints; the last one's run cancels the swap at the hub.
    /// A leg that is locked already comes back by an ABORT certificate, within minutes and without a further command.
    Cancel(CancelArgs),
    /// Get your money back, without the hub where need be
    Refund(RefundArgs),
    /// List the swaps that were locked from here
    History(HistoryArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TermsArgs {
    /// Who you are: the name of your key
    #[arg(long = "as", value_name = "NAME")]
    pub(in crate::cli) who: String,
    /// The other party: a name of the address book
    #[arg(long, value_name = "NAME", required_unless_present = "leg", requires_all = ["give", "want"])]
    pub(in crate::cli) with: Option<String>,
    /// What you give: CHAIN/TOKEN:AMOUNT, such as eip155:56/native:1.5
    #[arg(long, value_name = "ASSET", requires = "with", value_parser = spec::<AssetSpec>)]
    pub(in crate::cli) give: Option<AssetSpec>,
    /// What you get: CHAIN/TOKEN:AMOUNT
    #[arg(long, value_name = "ASSET", requires = "with", value_parser = spec::<AssetSpec>)]
    pub(in crate::cli) want: Option<AssetSpec>,
    /// A leg of a deal of several parties: PARTY=CHAIN/TOKEN:AMOUNT>PAYEE; repeat for each, two to eight
    #[arg(long, value_name = "LEG", value_parser = spec::<LegSpec>, conflicts_with_all = ["with", "give", "want"])]
    pub(in crate::cli) leg: Vec<LegSpec>,
    /// Part of every leg for whoever settles it, in whole coins
    #[arg(long, value_name = "AMOUNT")]
    pub(in crate::cli) tip: Option<String>,
    /// Time for all parties to lock
    #[arg(long, value_name = "TIME", default_value = LOCK_WITHIN_DEFAULT, value_parser = duration)]
    pub(in crate::cli) lock_within: Duration,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AcceptArgs {
    /// The swap
    pub(in crate::cli) deal: DealId,
    /// Who you are: the name of your key
    #[arg(long = "as", value_name = "NAME")]
    pub(in crate::cli) who: String,
    /// Refuse unless this is exactly what you give, tip included
    #[arg(long, value_name = "ASSET", value_parser = spec::<AssetSpec>)]
    pub(in crate::cli) give: Option<AssetSpec>,
    /// Refuse unless this is exactly what you get, tip taken off
    #[arg(long, value_name = "ASSET", value_parser = spec::<AssetSpec>)]
    pub(in crate::cli) want: Option<AssetSpec>,
    /// Do not ask
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DealArgs {
    /// The deal
    pub(in crate::cli) deal: DealId,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct WatchArgs {
    /// The swap
    pub(in crate::cli) deal: DealId,
    /// Give up after this time
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(in crate::cli) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CancelArgs {
    /// The swap
    pub(in crate::cli) deal: DealId,
    /// Who you are: the name of your key, which locks a leg
    #[arg(long = "as", value_name = "NAME")]
    pub(in crate::cli) who: String,
    /// Signature of another party, as its `swap cancel` printed it; once for each
    #[arg(long, value_name = "HEX")]
    pub(in crate::cli) signature: Vec<Bytes>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RefundArgs {
    /// The swap
    pub(in crate::cli) deal: DealId,
    /// Who you are: the name of your key
    #[arg(long = "as", value_name = "NAME")]
    pub(in crate::cli) who: String,
    /// Wait for every step until the money is back
    #[arg(long)]
    pub(in crate::cli) wait: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    /// Only swaps of this name
    #[arg(long = "as", value_name = "NAME")]
    pub(in crate::cli) who: Option<String>,
}
