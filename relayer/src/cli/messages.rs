//! `relayer messages`.

use infrastrukt_api::{HubApiClient as _, MessageFilter, MessageState, MessageView};
use infrastrukt_ports::ManualCall;
use infrastrukt_types::MessageId;
use serde_json::{Value, json};

use super::{
    Context, Done, Outcome,
    admin_link::AdminLink,
    args::{MessagesArgs, MessagesCommand},
    output::Tone,
};
use crate::{
    admin::{DeliveryJob, RelayerApiClient as _},
    user::{Network, UserError, message_action, sent},
};

/// Payload bytes that people are shown.
const PAYLOAD_SHOWN: usize = 32;
/// Pages of the hub's list that one command reads.
const PAGES_MAX: usize = 20;
/// Most messages listed that the hub does not know yet.
const OBSERVED_MAX: usize = 200;

pub(super) async fn run(context: &Context, command: MessagesCommand) -> Outcome {
    match command {
        MessagesCommand::List(args) => list(context, args).await,
        MessagesCommand::Show { id } => show(context, id).await,
        MessagesCommand::Retry { id } => retry(context, id).await,
    }
}

async fn list(context: &Context, args: MessagesArgs) -> Outcome {
    let network = context.network()?;
    let id = |name| network.chain_named(name).map(|chain| chain.file.id);
    let filter = MessageFilter {
        source: args.from.as_ref().map(id).transpose()?,
        target: args.to.as_ref().map(id).transpose()?,
        state: args.state,
        limit: Some(args.limit),
        before: None,
    };
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let known = known(&network, filter.clone(), limit).await?;
    let mut views = only_observed(context, &network, &filter, &known).await?;
    views.extend(known);
    views.truncate(limit);
    let rows = views.iter().map(|view| {
        let message = &view.message;
        let row = vec![
            word(view.state),
            view.id.to_string(),
            network.chain_name(message.source),
            network.chain_name(message.target),
            message.nonce.to_string(),
            format!("{} bytes", message.payload.len()),
        ];
        (tone(view.state), row)
    });
    context.out.toned_table(&["state", "message", "from", "to", "nonce", "payload"], rows.collect());
    context.out.document(&views)?;
    Ok(Done::Well)
}

/// What the hub knows, page by page: a page may be empty although older messages match.
async fn known(network: &Network, mut filter: MessageFilter, limit: usize) -> Result<Vec<MessageView>, UserError> {
    let mut views = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = network.hub.call(network.hub.api().messages(filter.clone())).await?;
        views.extend(page.items);
        filter.before = page.next;
        if filter.before.is_none() || views.len() >= limit {
            break;
        }
    }
    Ok(views)
}

/// What a relayer on this machine has read in final blocks, and the hub does not know yet. Nothing without a relayer.
async fn observed(context: &Context, id: Option<MessageId>) -> Vec<MessageView> {
    let Ok(link) = AdminLink::open(context) else { return Vec::new() };
    link.call(link.api().observed(id)).await.unwrap_or_default()
}

/// The observed messages that a filter asks for, at most as many as it says. Evidence is kept until all of its facts are
/// proven, so the hub is asked about each message first.
async fn only_observed(
    context: &Context,
    network: &Network,
    filter: &MessageFilter,
    known: &[MessageView],
) -> Result<Vec<MessageView>, UserError> {
    if filter.state.is_some_and(|state| state != MessageState::Observed) {
        return Ok(Vec::new());
    }
    let is_wanted = |view: &MessageView| {
        filter.source.is_none_or(|source| source == view.message.source)
            && filter.target.is_none_or(|target| target == view.message.target)
            && known.iter().all(|known| known.id != view.id)
    };
    let limit = filter.limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.map_or(OBSERVED_MAX, |limit| limit.min(OBSERVED_MAX));
    let mut views = Vec::new();
    for view in observed(context, None).await.into_iter().filter(is_wanted).take(limit) {
        if network.hub.call(network.hub.api().message(view.id)).await?.is_none() {
            views.push(view);
        }
    }
    Ok(views)
}

async fn show(context: &Context, id: MessageId) -> Outcome {
    let network = context.network()?;
    let view = match network.hub.call(network.hub.api().message(id)).await? {
        Some(view) => view,
        None => match observed(context, Some(id)).await.pop() {
            Some(view) => view,
            None => return on_its_way(context, &network, id),
        },
    };
    let manual = manual(&network, &view).await;
    let jobs = jobs(context, id).await.unwrap_or_default();
    people(context, &network, &view);
    match &manual {
        Ok(Some((chain, call))) if view.state != MessageState::Delivered => {
            context.out.line(format!("by hand on {chain}:\n  {}", call.command));
        }
        Ok(_) => {}
        Err(error) => context.out.toned(Tone::Warn, format!("no call can be shown: {error}")),
    }
    for job in &jobs {
        let error = job.last_error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        context.out.line(format!("the relayer's {} on {} is {:?}{error}", job.kind, job.lane, job.state));
    }
    context.out.document(&document(&view, manual, &jobs))?;
    Ok(Done::Well)
}

/// Sent from here, and not final yet, as far as anybody here can tell.
fn on_its_way(context: &Context, network: &Network, id: MessageId) -> Outcome {
    let sent = sent(network, id)?.ok_or_else(|| unknown(id))?;
    context.out.line(format!("sent in {} (block {}); the hub sees it once that block is final", sent.tx, sent.block));
    context.out.document(&json!({ "id": id, "state": "sent", "tx": sent.tx, "block": sent.block, "manual": null }))?;
    Ok(Done::Well)
}

async fn retry(context: &Context, id: MessageId) -> Outcome {
    let link = AdminLink::open(context)?;
    let moved = link.call(link.api().retry(id)).await?;
    if moved == 0 {
        return Err(UserError::NotFound {
            what: "work of this relayer for message",
            id: id.to_string(),
            remedy: "nothing waits: see `relayer messages show`, which also tells how to deliver it by hand",
        });
    }
    context.out.toned(Tone::Good, format!("the relayer tries message {id} again"));
    context.out.document(&json!({ "id": id, "retried": moved }))?;
    Ok(Done::Well)
}

/// What a relayer on this machine still has to do for the message.
async fn jobs(context: &Context, id: MessageId) -> Result<Vec<DeliveryJob>, UserError> {
    let link = AdminLink::open(context)?;
    link.call(link.api().message_delivery(id)).await
}

/// The call that carries the message on, or that carried it.
async fn manual(network: &Network, view: &MessageView) -> Result<Option<(String, ManualCall)>, UserError> {
    match view.state {
        MessageState::Certified | MessageState::Expired | MessageState::Delivered => {}
        MessageState::Observed | MessageState::Proven | MessageState::Refunded => return Ok(None),
    }
    // After its delivery the call that made it is still shown: it was in time.
    let now = match view.state {
        MessageState::Delivered => view.message.timestamp,
        MessageState::Observed
        | MessageState::Proven
        | MessageState::Certified
        | MessageState::Expired
        | MessageState::Refunded => network.chain(view.message.target)?.now().await?,
    };
    let Some((chain, action)) = message_action(&network.hub, view, now).await? else { return Ok(None) };
    let chain = network.chain(chain)?;
    let call = chain.reader().manual_call(&action).map_err(UserError::chain(chain.name()))?;
    Ok(Some((chain.name(), call)))
}

fn document(
    view: &MessageView,
    manual: Result<Option<(String, ManualCall)>, UserError>,
    jobs: &[DeliveryJob],
) -> Value {
    let mut document = json!({
        "id": view.id,
        "state": view.state,
        "message": view.message,
        "origin": view.origin,
        "proven_at": view.proven_at,
        "checkpoint": view.checkpoint,
        "expired_checkpoint": view.expired_checkpoint,
        "manual": null,
        "relayer": jobs,
    });
    match manual {
        Ok(Some((chain, call))) => document["manual"] = manual_json(&chain, &call),
        Ok(None) => {}
        Err(error) => document["manual_error"] = json!(error.to_string()),
    }
    document
}

/// Everything that a call by hand needs.
pub(super) fn manual_json(chain: &str, call: &ManualCall) -> Value {
    json!({
        "chain": chain,
        "to": call.to,
        "function": call.function,
        "data": call.data,
        "value": call.value,
        "command": call.command,
    })
}

fn people(context: &Context, network: &Network, view: &MessageView) {
    let message = &view.message;
    let mut payload = message.payload.slice(..message.payload.len().min(PAYLOAD_SHOWN)).to_string();
    if message.payload.len() > PAYLOAD_SHOWN {
        payload.push_str(&format!("… ({} bytes)", message.payload.len()));
    }
    let deadline = if message.deadline.0 == 0 { "never expires".into() } else { message.deadline.to_string() };
    context.out.toned(tone(view.state), format!("{} {}", word(view.state), view.id));
    let rows = [
        (
            "from",
            format!("{} {}", network.chain_name(message.source), network.show_account(message.sender, message.source)),
        ),
        (
            "to",
            format!(
                "{} {}",
                network.chain_name(message.target),
                network.show_account(message.recipient, message.target)
            ),
        ),
        ("nonce", message.nonce.to_string()),
        ("gas limit", message.gas_limit.to_string()),
        ("deadline", deadline),
        ("payload", payload),
        ("block", format!("{} {}", view.origin.block_number, view.origin.block_hash)),
    ];
    context.out.table(&["", ""], rows.into_iter().map(|(key, value)| vec![key.into(), value]).collect());
}

fn unknown(id: MessageId) -> UserError {
    UserError::NotFound {
        what: "message",
        id: id.to_string(),
        remedy: "check the id; a message appears once its block is final and a relayer has shown it to the hub",
    }
}

fn word(state: MessageState) -> String {
    format!("{state:?}").to_lowercase()
}

const fn tone(state: MessageState) -> Tone {
    match state {
        MessageState::Observed | MessageState::Proven | MessageState::Certified => Tone::Plain,
        MessageState::Delivered => Tone::Good,
        MessageState::Expired | MessageState::Refunded => Tone::Warn,
    }
}
