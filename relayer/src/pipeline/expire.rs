//! Expire: which messages are past their deadline by the target's own time, dead letters among them.

use infrastrukt_types::{Message, Timestamp};
use std::time::Duration;

use super::{Lane, Shared, StageError};
use crate::store::{Item, ItemKey, Place, Work};

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

/// Dead letters looked at in one turn.
const DEAD_PAGE: usize = 256;
/// How often dead letters are gone through.
const DEAD_EVERY_MS: u64 = 30_000;

/// Goes through the dead letters from time to time. One that nobody could deliver is given back to its sender once its
/// deadline has passed, and only a relayer's `expire` on the target begins that.
#[derive(Default)]
pub(super) struct Overdue {
    after: Option<ItemKey>,
    next_at_ms: u64,
}

impl Overdue {
    /// Queues the overdue among the next page of dead letters.
    pub(super) async fn revive(&mut self, shared: &Shared, lane: &Lane) -> Result<(), StageError> {
        let now_ms = shared.clock.now_ms();
        if now_ms < self.next_at_ms || shared.book.counts(lane.chain).dead == 0 {
            return Ok(());
        }
        let page = shared.book.dead_items(lane.chain, self.after, DEAD_PAGE)?;
        let now = chain_time(shared, lane, page.iter()).await?;
        let mut change = shared.book.change();
        for dead in page.iter().filter(|item| is_overdue(item, now)) {
            // Read again under the lock: a person may have redriven or dropped it meanwhile.
            let Some(mut item) = change.item(lane.chain, dead.key())?.filter(|item| item.place == dead.place) else {
                continue;
            };
            tracing::info!(lane = lane.label(), id = %item.key().id, "a dead letter is past its deadline: it is expired");
            item.place = Place::Queued { ready_at_ms: now_ms };
            (item.attempts, item.verify, item.group_max) = (0, true, 1);
            change.put_item(lane.chain, item)?;
        }
        change.commit()?;
        self.after = page.last().filter(|_| page.len() == DEAD_PAGE).map(Item::key);
        if self.after.is_none() {
            self.next_at_ms = now_ms.saturating_add(DEAD_EVERY_MS);
        }
        Ok(())
    }
}

fn is_overdue(item: &Item, now: Timestamp) -> bool {
    match &item.work {
        Work::Deliver { message, .. } => is_over(message, now),
        Work::Refund { .. } | Work::Settle { .. } | Work::Rotate { .. } => false,
    }
}
