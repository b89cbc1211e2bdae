//! `relayer swap`.

mod accept;
mod cancel;
mod history;
mod new;
mod refund;
mod status;
pub(super) mod view;
mod watch;

use super::{Context, Done, Outcome, args::SwapCommand, output};

pub(super) async fn run(context: &Context, command: SwapCommand) -> Outcome {
    match command {
        SwapCommand::Quote(args) => new::quote(context, args).await,
        SwapCommand::New(args) => new::new(context, args).await,
        SwapCommand::Accept(args) => accept::run(context, args).await,
        SwapCommand::Status(args) => status::run(context, args).await,
        SwapCommand::Watch(args) => watch::run(context, args).await,
        SwapCommand::Cancel(args) => cancel::run(context, args).await,
        SwapCommand::Refund(args) => refund::run(context, args).await,
        SwapCommand::History(args) => history::run(context, args).await,
    }
}
