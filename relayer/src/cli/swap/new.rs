//! `relayer swap quote` and `relayer swap new`.

use infrastrukt_types::Deal;
use serde_json::json;

use super::{Context, Done, Outcome, output::Tone, view};
use crate::{
    cli::args::TermsArgs,
    user::{
        DealRecord, Network, UserError,
        swap::{Proposal, lock_legs, own_legs, quote as quote_deal, register, require_funds, show_deal},
    },
};

pub(super) async fn quote(context: &Context, args: TermsArgs) -> Outcome {
    let network = context.network()?;
    let proposal = proposal(args)?;
    let (_, deal) = quote_deal(&network, &proposal).await?;
    let shown = show(context, &network, &deal).await;
    context.out.document(&json!({ "deal": deal, "shown": shown }))?;
    Ok(Done::Well)
}

pub(super) async fn new(context: &Context, args: TermsArgs) -> Outcome {
    let network = context.network()?;
    let who = args.who.clone();
    let proposal = proposal(args)?;
    let wallet = context.wallet(&network, &who)?;
    let (hub_id, deal) = quote_deal(&network, &proposal).await?;
    let shown = show(context, &network, &deal).await;
    let own = own_legs(&network, &deal, &who)?;
    if own.is_empty() {
        let remedy = "use --as with a party of one of the legs";
        return Err(UserError::refused(format!("{who} locks nothing in this deal"), remedy));
    }
    require_funds(&network, &wallet, &own).await?;
    let step = context.out.step("the hub records the deal");
    let deal_id = register(&network, hub_id, &deal).await?;
    drop(step);
    let parties = Vec::new();
    let record = DealRecord { deal_id, hub_id, deal: deal.clone(), parties, kept_at: context.now() };
    let step = context.out.step("waiting for the lock to get into a block");
    let locked = lock_legs(&network, &wallet, record, &own)
        .await
        .map_err(|error| UserError::NotLocked { deal: deal_id, source: Box::new(error) })?;
    drop(step);
    view::locked(context.out, &locked);
    context.out.toned(Tone::Good, format!("deal {deal_id}"));
    context.out.line(format!("the other party runs: relayer swap accept {deal_id} --as NAME"));
    context.out.document(&json!({ "deal_id": deal_id, "locked": locked, "deal": deal, "shown": shown }))?;
    Ok(Done::Well)
}

fn proposal(args: TermsArgs) -> Result<Proposal, UserError> {
    let legs = match (args.with, args.give, args.want) {
        (Some(with), Some(give), Some(want)) => Proposal::swap(&args.who, &with, give, want),
        (_, _, _) => args.leg,
    };
    Ok(Proposal { legs, tip: args.tip, lock_within_s: args.lock_within.as_secs() })
}

async fn show(context: &Context, network: &Network, deal: &Deal) -> crate::user::swap::ShownDeal {
    let shown = show_deal(network, deal).await;
    view::deal(context.out, &shown, context.now());
    shown
}
