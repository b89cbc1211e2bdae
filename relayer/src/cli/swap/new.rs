//! `relayer swap quote` and `relayer swap new`.

use infrastrukt_types::{Deal, LegRef};
use serde_json::json;

use super::{Context, Done, Outcome, output::Tone, view};
use crate::{
    cli::args::TermsArgs,
    config::is_name,
    user::{
        DealRecord, Network, UserError,
        swap::{Proposal, ShownDeal, lock_legs, own_legs, quote as quote_deal, register, require_funds, show_deal},
    },
};

/// How a party is written that the address book does not know.
const NAME: &str = "NAME";

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
    let others = others(&shown, &own);
    for other in &others {
        let name = if is_name(other) { other } else { NAME };
        context.out.line(format!("{other} runs: relayer swap accept {deal_id} --as {name}"));
    }
    let document = json!({
        "deal_id": deal_id, "locked": locked, "deal": deal, "shown": shown, "others": others,
    });
    context.out.document(&document)?;
    Ok(Done::Well)
}

/// Everybody else who locks a leg, each once, in the order of the legs.
fn others(shown: &ShownDeal, own: &[LegRef]) -> Vec<String> {
    let mut others: Vec<String> = Vec::new();
    for leg in shown.legs.iter().filter(|leg| own.iter().all(|own| own.index != leg.index)) {
        if !others.contains(&leg.from) {
            others.push(leg.from.clone());
        }
    }
    others
}

fn proposal(args: TermsArgs) -> Result<Proposal, UserError> {
    let legs = match (args.with, args.give, args.want) {
        (Some(with), Some(give), Some(want)) => Proposal::swap(&args.who, &with, give, want),
        (_, _, _) => args.leg,
    };
    Ok(Proposal { legs, tip: args.tip, lock_within_s: args.lock_within.as_secs() })
}

async fn show(context: &Context, network: &Network, deal: &Deal) -> ShownDeal {
    let shown = show_deal(network, deal).await;
    view::deal(context.out, &shown, context.now());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::swap::ShownLeg;
    use infrastrukt_types::{Account, Amount, ChainId, Leg, Timestamp};

    fn shown(index: u8, from: &str) -> ShownLeg {
        let text = String::new;
        ShownLeg {
            index,
            chain: text(),
            token: text(),
            amount: text(),
            tip: text(),
            net: text(),
            from: from.into(),
            to: text(),
            refund_to: text(),
            escape_at: Timestamp(9),
            escape_window_s: 9,
        }
    }

    fn own(index: u8) -> LegRef {
        let leg = Leg {
            chain: ChainId(1),
            escrow: Account::ZERO,
            token: Account::ZERO,
            amount: Amount(5),
            depositor: Account::ZERO,
            on_commit: Account::ZERO,
            on_abort: Account::ZERO,
            escape_at: Timestamp(9),
            escape_window: 9,
            tip: Amount::ZERO,
        };
        LegRef { index, lock_by: Timestamp(1), leg }
    }

    #[test]
    fn everybody_else_is_told_once_what_to_run() {
        let parties = ["alice", "bob", "alice", "carol", "bob"];
        let legs = (0u8..).zip(parties).map(|(index, party)| shown(index, party)).collect();
        let deal = ShownDeal { lock_by: Timestamp(1), decide_by: Timestamp(2), sign_by: Timestamp(3), legs };
        assert_eq!(others(&deal, &[own(0), own(2)]), ["bob", "carol"]);
        assert_eq!(others(&deal, &[]), ["alice", "bob", "carol"]);
    }
}
