//! `relayer swap status`.

use super::{Context, Done, Outcome, view};
use crate::{
    cli::args::DealArgs,
    user::swap::{load_deal, status},
};

pub(super) async fn run(context: &Context, args: DealArgs) -> Outcome {
    let network = context.network()?;
    let now = context.now();
    let record = load_deal(&network, args.deal, now).await?;
    let status = status(&network, &record, now).await;
    view::status(context.out, &status, now);
    context.out.document(&status)?;
    Ok(Done::Well)
}
