//! `relayer swap history`.

use infrastrukt_api::HubApiClient as _;
use serde_json::json;

use super::{Context, Done, Outcome, view};
use crate::{
    cli::args::HistoryArgs,
    user::{DealRecord, Network, swap::show_deal},
};

/// Most swaps for which the hub is asked about their state.
const SHOWN_MAX: usize = 100;

pub(super) async fn run(context: &Context, args: HistoryArgs) -> Outcome {
    let network = context.network()?;
    let mut records = network.deals.list()?;
    if let Some(who) = &args.who {
        records.retain(|record| record.parties.iter().any(|party| party == who));
    }
    records.truncate(SHOWN_MAX);
    let mut rows = Vec::with_capacity(records.len());
    let mut documents = Vec::with_capacity(records.len());
    for record in &records {
        let state = state(&network, record).await;
        let shown = show_deal(&network, &record.deal).await;
        let legs = shown
            .legs
            .iter()
            .map(|leg| format!("{} {} on {}: {} → {}", leg.amount, leg.token, leg.chain, leg.from, leg.to));
        rows.push(vec![
            view::countdown(record.kept_at, context.now()),
            record.deal_id.to_string(),
            record.parties.join(", "),
            state.clone().unwrap_or("unknown".into()),
            legs.collect::<Vec<_>>().join("\n"),
        ]);
        documents.push(json!({
            "deal_id": record.deal_id, "parties": record.parties, "kept_at": record.kept_at, "state": state, "deal": shown,
        }));
    }
    context.out.table(&["when", "deal", "locked by", "state", "legs"], rows);
    context.out.document(&documents)?;
    Ok(Done::Well)
}

/// The hub's word; nothing where it does not answer.
async fn state(network: &Network, record: &DealRecord) -> Option<String> {
    let view = network.hub.call(network.hub.api().deal(record.deal_id)).await.ok().flatten()?;
    serde_json::to_value(view.state).ok()?.as_str().map(str::to_owned)
}
