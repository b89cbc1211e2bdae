//! `relayer swap accept`.

use serde_json::json;

use super::{Context, Done, Outcome, view};
use crate::{
    cli::args::AcceptArgs,
    user::{
        UserError,
        swap::{Acceptance, Expectation, ShownDeal, ShownLeg, lock_legs, review, show_deal},
    },
};

pub(super) async fn run(context: &Context, args: AcceptArgs) -> Outcome {
    let network = context.network()?;
    let expectation = Expectation { give: args.give, want: args.want };
    let acceptance = review(&network, args.deal, &args.who, &expectation, context.now()).await?;
    let shown = show_deal(&network, &acceptance.record.deal).await;
    view::deal(context.out, &shown, context.now());
    let (gives, gets) = terms(&acceptance, &shown);
    context.out.line(format!("you give {gives}"));
    context.out.line(format!("you get  {gets}"));
    if !args.yes && !context.out.is_json() && !context.confirm("Lock now?")? {
        return Err(UserError::refused("you did not agree", "nothing was locked"));
    }
    let wallet = context.wallet(&network, &args.who)?;
    let step = context.out.step("waiting for the lock to get into a block");
    let locked = lock_legs(&network, &wallet, acceptance.record, &acceptance.own).await?;
    drop(step);
    view::locked(context.out, &locked);
    context.out.line(format!("see it through with: relayer swap watch {}", args.deal));
    context
        .out
        .document(&json!({ "deal_id": args.deal, "locked": locked, "gives": gives, "gets": gets, "shown": shown }))?;
    Ok(Done::Well)
}

/// What the party gives and gets, in words: it locks the whole amount, and gets what the tip leaves of the others'.
fn terms(acceptance: &Acceptance, shown: &ShownDeal) -> (String, String) {
    let list = |words: Vec<String>| words.join(" and ");
    let word = |amount: &str, leg: &ShownLeg| format!("{amount} {} on {}", leg.token, leg.chain);
    let own = |leg: &&ShownLeg| acceptance.own.iter().any(|own| own.index == leg.index);
    let gives = shown.legs.iter().filter(own).map(|leg| word(&leg.amount, leg)).collect();
    let received = |leg: &&ShownLeg| acceptance.receives.contains(&leg.index);
    let gets = shown.legs.iter().filter(received).map(|leg| word(&leg.net, leg)).collect();
    (list(gives), list(gets))
}
