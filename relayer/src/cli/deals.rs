//! `relayer deals`.

use std::collections::BTreeMap;

use infrastrukt_api::{DealFilter, DealState, DealView, HubApiClient as _};
use infrastrukt_ports::LockStatus;
use infrastrukt_types::{Account, ChainId, DealId, LegRef};
use serde_json::{Value, json};

use super::{
    Context, Done, Outcome,
    args::{DealArgs, DealsArgs, DealsCommand},
    messages::manual_json,
    output::Tone,
    swap::view,
};
use crate::user::{Network, UserError, settle_action, swap::show_deal};

/// Pages of the hub's list that one command reads.
const PAGES_MAX: usize = 20;

pub(super) async fn run(context: &Context, command: DealsCommand) -> Outcome {
    match command {
        DealsCommand::List(args) => list(context, args).await,
        DealsCommand::Show(args) => show(context, args).await,
    }
}

async fn list(context: &Context, args: DealsArgs) -> Outcome {
    let network = context.network()?;
    let account = match &args.account {
        Some(who) => Some(any_account(&network, who)?),
        None => None,
    };
    let filter = DealFilter { state: args.state, account, limit: Some(args.limit), before: None };
    let views = matching(&network, filter, usize::try_from(args.limit).unwrap_or(usize::MAX)).await?;
    let mut rows = Vec::with_capacity(views.len());
    for view in &views {
        let decision = view.decision.map_or_else(String::new, |decision| format!("{decision:?}").to_uppercase());
        let chains: Vec<String> = view.deal.legs.iter().map(|leg| network.chain_name(leg.chain)).collect();
        let when = view::countdown(view.registered_at, context.now());
        rows.push((tone(view.state), vec![word(view.state), view.id.to_string(), decision, chains.join(", "), when]));
    }
    context.out.toned_table(&["state", "deal", "decision", "legs on", "registered"], rows);
    context.out.document(&views)?;
    Ok(Done::Well)
}

/// What the hub knows, page by page: a page may be empty although older deals match.
async fn matching(network: &Network, mut filter: DealFilter, limit: usize) -> Result<Vec<DealView>, UserError> {
    let mut views = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = network.hub.call(network.hub.api().deals(filter.clone())).await?;
        views.extend(page.items);
        filter.before = page.next;
        if filter.before.is_none() || views.len() >= limit {
            break;
        }
    }
    views.truncate(limit);
    Ok(views)
}

/// A name has an account on every chain; the hub looks for one of them, and accounts of one key are alike on all EVM
/// chains. The first chain that knows the name decides.
fn any_account(network: &Network, who: &str) -> Result<Account, UserError> {
    let mut last = UserError::UnknownAccount { name: who.into(), chain: "any chain".into() };
    for chain in network.chains() {
        match network.account(who, chain) {
            Ok(account) => return Ok(account),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn show(context: &Context, args: DealArgs) -> Outcome {
    let network = context.network()?;
    let id = args.deal;
    let view = network.hub.call(network.hub.api().deal(id)).await?.ok_or_else(|| unknown(id))?;
    let shown = show_deal(&network, &view.deal).await;
    let (manual, errors) = manual(&network, &view).await;
    let decision = view.decision.map_or_else(String::new, |decision| format!(" ({decision:?})").to_uppercase());
    context.out.toned(tone(view.state), format!("{}{decision} {id}", word(view.state)));
    view::deal(context.out, &shown, context.now());
    let legs = view.legs.iter().zip(&shown.legs).map(|(leg, shown)| {
        vec![
            shown.index.to_string(),
            shown.chain.clone(),
            format!("{:?}", leg.state).to_lowercase(),
            leg.lock_key.to_string(),
        ]
    });
    context.out.table(&["leg", "chain", "state", "lock key"], legs.collect());
    for error in &errors {
        context.out.toned(Tone::Warn, error);
    }
    if let Some(fault) = &view.fault {
        context.out.toned(Tone::Bad, fault);
    }
    context.out.document(&document(&network, &view, &shown, manual, &errors))?;
    Ok(Done::Well)
}

fn document(
    network: &Network,
    view: &DealView,
    shown: &crate::user::swap::ShownDeal,
    manual: Vec<Value>,
    errors: &[String],
) -> Value {
    let legs: Vec<Value> = view
        .legs
        .iter()
        .zip(&view.deal.legs)
        .enumerate()
        .map(|(index, (progress, leg))| {
            json!({
                "index": index,
                "chain": network.chain_name(leg.chain),
                "state": progress.state,
                "lock_key": progress.lock_key,
                "escape_at": leg.escape_at,
                "escape_window_s": leg.escape_window,
            })
        })
        .collect();
    json!({
        "id": view.id,
        "state": view.state,
        "decision": view.decision,
        "deadlines": {
            "lock_by": view.deal.lock_by, "decide_by": view.deal.decide_by, "sign_by": view.deal.sign_by,
        },
        "legs": legs,
        "deal": view.deal,
        "shown": shown,
        "registered_at": view.registered_at,
        "decided_at": view.decided_at,
        "checkpoint": view.checkpoint,
        "fault": view.fault,
        "manual": manual,
        "manual_errors": errors,
    })
}

/// One call for each chain on which legs can be settled now.
async fn manual(network: &Network, view: &DealView) -> (Vec<Value>, Vec<String>) {
    let mut by_chain: BTreeMap<ChainId, Vec<LegRef>> = BTreeMap::new();
    for leg in view.deal.leg_refs() {
        by_chain.entry(leg.leg.chain).or_default().push(leg);
    }
    let (mut calls, mut errors) = (Vec::new(), Vec::new());
    for (chain, legs) in by_chain {
        match manual_on(network, view, chain, legs).await {
            Ok(call) => calls.extend(call),
            Err(error) => errors.push(error.to_string()),
        }
    }
    (calls, errors)
}

async fn manual_on(
    network: &Network,
    view: &DealView,
    chain: ChainId,
    legs: Vec<LegRef>,
) -> Result<Option<Value>, UserError> {
    if view.checkpoint.is_none() {
        return Ok(None);
    }
    let chain = network.chain(chain)?;
    let reader = chain.reader();
    let mut open = Vec::new();
    for leg in legs {
        let status = reader.lock_status(leg.lock_key(view.id)).await.map_err(UserError::chain(chain.name()))?;
        match status {
            LockStatus::Locked { .. } => open.push(leg),
            LockStatus::None | LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped => {}
        }
    }
    if open.is_empty() {
        return Ok(None);
    }
    let Some(action) = settle_action(&network.hub, view, open).await? else { return Ok(None) };
    let call = reader.manual_call(&action).map_err(UserError::chain(chain.name()))?;
    Ok(Some(manual_json(&chain.name(), &call)))
}

fn unknown(id: DealId) -> UserError {
    UserError::NotFound { what: "deal", id: id.to_string(), remedy: "check the id, and that hub.url names its hub" }
}

fn word(state: DealState) -> String {
    format!("{state:?}").to_lowercase()
}

const fn tone(state: DealState) -> Tone {
    match state {
        DealState::Open | DealState::Locking | DealState::Decided | DealState::Certified | DealState::Settling => {
            Tone::Plain
        }
        DealState::Settled => Tone::Good,
        DealState::Stalled | DealState::Escaped => Tone::Warn,
        DealState::Fault => Tone::Bad,
    }
}
