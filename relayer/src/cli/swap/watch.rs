//! `relayer swap watch`.

use std::time::Duration;

use infrastrukt_api::DealState;
use tokio::time::Instant;

use super::{Context, Done, Outcome, output::Out, view};
use crate::{
    cli::args::WatchArgs,
    user::{
        FailureKind, UserError,
        swap::{LegStatus, SwapStatus, load_deal, status},
    },
};

/// Pause between two looks.
const POLL: Duration = Duration::from_secs(1);

pub(super) async fn run(context: &Context, args: WatchArgs) -> Outcome {
    let network = context.network()?;
    let record = load_deal(&network, args.deal, context.now()).await?;
    let start = Instant::now();
    let mut last: Option<Seen> = None;
    loop {
        let now = context.now();
        let status = status(&network, &record, now).await;
        let seen = Seen::of(&status);
        if last.as_ref() != Some(&seen) {
            show(context.out, &status, now, last.is_none())?;
            last = Some(seen);
        }
        if status.is_final {
            return Ok(ending(&status));
        }
        if let Some(after) = args.timeout.filter(|timeout| start.elapsed() > *timeout) {
            return Err(UserError::TimedOut { what: format!("the end of deal {}", args.deal), after });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// What a change is measured by: countdowns alone are none.
#[derive(PartialEq)]
struct Seen(Option<DealState>, Option<infrastrukt_types::Decision>, Vec<LegStatus>, bool);

impl Seen {
    fn of(status: &SwapStatus) -> Self {
        Self(status.state, status.decision, status.legs.clone(), status.hub_error.is_some())
    }
}

fn show(out: Out, status: &SwapStatus, now: infrastrukt_types::Timestamp, is_first: bool) -> Result<(), UserError> {
    if is_first {
        view::status(out, status, now);
    } else {
        let locks: Vec<String> = status.legs.iter().map(|leg| format!("leg {}: {}", leg.index, lock(leg))).collect();
        let state = status.state.map_or_else(|| "hub silent".into(), |state| format!("{state:?}").to_lowercase());
        out.line(format!("{state} | {} | next: {}", locks.join(", "), status.next));
    }
    out.document(status)
}

fn lock(leg: &LegStatus) -> String {
    leg.lock.map_or_else(|| "unknown".into(), |lock| view::lock_word(lock).1)
}

fn ending(status: &SwapStatus) -> Done {
    match status.state {
        Some(DealState::Fault) => Done::With(FailureKind::Unexpected),
        Some(
            DealState::Open
            | DealState::Locking
            | DealState::Decided
            | DealState::Certified
            | DealState::Stalled
            | DealState::Settling
            | DealState::Settled
            | DealState::Escaped,
        )
        | None => Done::Well,
    }
}
