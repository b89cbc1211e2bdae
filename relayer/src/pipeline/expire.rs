//! Expire: which messages are past their deadline by the target's own time.

use infrastrukt_types::{Message, Timestamp};
use std::time::Duration;

use super::{Lane, Shared, StageError};
use crate::store::{Item, Work};

/// How far this machine's clock may be from a chain's before a deadline is judged by it alone.
const SKEW: Duration = Duration::from_secs(900);

/// True when the target delivers the message no more and only `expire` is left.
pub(super) fn is_over(message: &Message, now: Timestamp) -> bool {
    message.deadline.0 != 0 && now > message.deadline
}

/// The target's time for judging these items. The chain is asked only where a deadline is near or past: once a turn.
pub(super) async fn chain_time<'a>(
    shared: &Shared,
    lane: &Lane,
    items: impl Iterator<Item = &'a Item>,
) -> Result<Timestamp, StageError> {
    let near = shared.clock.now().plus(SKEW.as_secs());
    let due = |item: &Item| match &item.work {
        Work::Deliver { message, .. } => is_over(message, near),
        Work::Refund { .. } | Work::Settle { .. } | Work::Rotate { .. } => false,
    };
    let mut items = items;
    if items.any(due) { Ok(lane.reader.now().await?) } else { Ok(Timestamp::default()) }
}
