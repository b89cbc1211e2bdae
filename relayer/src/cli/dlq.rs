//! `relayer dlq`.

use serde_json::json;

use super::{Context, Done, Outcome, admin_link::AdminLink, args::DlqCommand, output::Tone, swap::view};
use crate::{
    admin::{DeadLetter, RelayerApiClient as _},
    user::UserError,
};
use infrastrukt_types::Timestamp;

/// Most dead letters of one listing.
const LISTED_MAX: usize = 10_000;

pub(super) async fn run(context: &Context, command: DlqCommand) -> Outcome {
    let link = AdminLink::open(context)?;
    match command {
        DlqCommand::List => list(context, &link).await,
        DlqCommand::Show { id } => show(context, &link, id).await,
        DlqCommand::Redrive { id } => {
            let id = link.call(link.api().dlq_redrive(id)).await?;
            context.out.toned(Tone::Good, format!("{id} is tried again"));
            context.out.document(&json!({ "id": id, "redriven": true }))?;
            Ok(Done::Well)
        }
        DlqCommand::Drop { id } => {
            let id = link.call(link.api().dlq_drop(id)).await?;
            context.out.toned(Tone::Warn, format!("{id} is given up for good by this relayer"));
            context.out.document(&json!({ "id": id, "dropped": true }))?;
            Ok(Done::Well)
        }
    }
}

async fn list(context: &Context, link: &AdminLink) -> Outcome {
    let letters = all(link).await?;
    let rows = letters.iter().map(|letter| {
        let since = view::countdown(Timestamp(letter.since_ms / 1000), context.now());
        vec![letter.id.clone(), since, letter.attempts.to_string(), letter.reason.clone()]
    });
    context.out.table(&["dead letter", "since", "tries", "reason"], rows.collect());
    context.out.document(&letters)?;
    Ok(Done::Well)
}

/// All pages, up to [`LISTED_MAX`].
async fn all(link: &AdminLink) -> Result<Vec<DeadLetter>, UserError> {
    let mut letters: Vec<DeadLetter> = Vec::new();
    while letters.len() < LISTED_MAX {
        let after = letters.last().map(|letter| letter.id.clone());
        let page = link.call(link.api().dlq_list(after, None)).await?;
        if page.is_empty() {
            break;
        }
        letters.extend(page);
    }
    Ok(letters)
}

async fn show(context: &Context, link: &AdminLink, id: String) -> Outcome {
    let detail = link.call(link.api().dlq_show(id)).await?;
    let letter = &detail.letter;
    context.out.toned(Tone::Bad, format!("{}: {}", letter.id, letter.reason));
    let since = view::countdown(Timestamp(letter.since_ms / 1000), context.now());
    context.out.line(format!("after {} tries, {since}", letter.attempts));
    let content = serde_json::to_string_pretty(&detail.content)
        .map_err(|error| UserError::Unexpected(format!("a dead letter does not encode: {error}")))?;
    context.out.line(content);
    context.out.document(&detail)?;
    Ok(Done::Well)
}
