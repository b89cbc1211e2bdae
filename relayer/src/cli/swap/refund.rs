//! `relayer swap refund`.

use std::time::Duration;

use serde_json::json;

use super::{Context, Done, Outcome, output::Tone, view};
use crate::{
    cli::args::RefundArgs,
    user::{
        UserError,
        swap::{RefundStep, RefundedLeg, load_deal, refund},
    },
};

/// Pause between two tries of `--wait`.
const POLL: Duration = Duration::from_secs(2);

pub(super) async fn run(context: &Context, args: RefundArgs) -> Outcome {
    let network = context.network()?;
    let record = load_deal(&network, args.deal, context.now()).await?;
    let wallet = context.wallet(&network, &args.who)?;
    let step = context.out.step("getting the money back");
    let legs = loop {
        let legs = refund(&network, &wallet, &record).await?;
        if !args.wait || legs.iter().all(|leg| leg.step.is_done()) {
            break legs;
        }
        tokio::time::sleep(POLL).await;
    };
    drop(step);
    // Nothing was done and something is to be done later: programs see that as a failure that may be tried again.
    let is_early = legs.iter().all(|leg| leg.tx.is_none()) && legs.iter().any(|leg| !leg.step.is_done());
    if let Some(at) = legs.iter().filter_map(|leg| leg.next_at).min().filter(|_| is_early) {
        let wait_s = at.0.saturating_sub(context.now().0);
        return Err(UserError::NotYet { what: "the next step of the refund", at, wait_s });
    }
    for leg in &legs {
        show(context, leg);
    }
    let is_done = legs.iter().all(|leg| leg.step.is_done());
    context.out.document(&json!({ "deal_id": args.deal, "done": is_done, "legs": legs }))?;
    Ok(Done::Well)
}

fn show(context: &Context, leg: &RefundedLeg) {
    let (tone, word) = match leg.step {
        RefundStep::NotLocked => (Tone::Plain, "was never locked"),
        RefundStep::PaidBefore => (Tone::Plain, "was paid out before"),
        RefundStep::Settled => (Tone::Good, "is refunded by the hub's certificate"),
        RefundStep::EscapeRequested => (Tone::Warn, "has its timer running"),
        RefundStep::Escaped => (Tone::Good, "is refunded by the timer"),
        RefundStep::Waiting => (Tone::Warn, "must wait"),
    };
    let tx = leg.tx.as_ref().map_or_else(String::new, |tx| format!(" ({tx})"));
    let next = leg
        .next_at
        .map_or_else(String::new, |at| format!("; run the same command again {}", view::countdown(at, context.now())));
    context.out.toned(tone, format!("leg {} on {} {word}{tx}{next}", leg.index, leg.chain));
}
