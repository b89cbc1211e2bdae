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
    let mut items = items;
    if items.any(|item| is_near(shared, item)) { Ok(lane.reader.now().await?) } else { Ok(Timestamp::default()) }
}

/// True where this machine's clock cannot say that the deadline is still ahead.
pub(super) fn is_near(shared: &Shared, item: &Item) -> bool {
    let near = shared.clock.now().plus(SKEW.as_secs());
    match &item.work {
        Work::Deliver { message, .. } => is_over(message, near),
        Work::Refund { .. } | Work::Settle { .. } | Work::Rotate { .. } => false,
    }
}

/// Dead letters looked at in one turn.
const DEAD_PAGE: usize = 256;
/// How often dead letters are gone through.
const DEAD_EVERY_MS: u64 = 30_000;
/// Milliseconds after which a refund that failed is tried once more: its sender may be able to take it by then.
const REFUND_AGAIN_MS: u64 = 3_600_000;
/// Failed refunds tried once more in one pass over the dead letters, so that a heap of them holds up no messages.
const REFUNDS_MAX: usize = 32;

/// Goes through the dead letters from time to time. A message that nobody could deliver is given back to its sender
/// once its deadline has passed, and only a relayer's `expire` on the target begins that. A refund that failed is not
/// the end: a bridge gives back what its limit allows, which refills.
#[derive(Default)]
pub(super) struct Overdue {
    after: Option<ItemKey>,
    next_at_ms: u64,
    /// Refunds tried once more in this pass.
    refunds: usize,
}

impl Overdue {
    /// Queues those of the next page of dead letters that begin anew.
    pub(super) async fn revive(&mut self, shared: &Shared, lane: &Lane) -> Result<(), StageError> {
        let now_ms = shared.clock.now_ms();
        if now_ms < self.next_at_ms || shared.book.counts(lane.chain).dead == 0 {
            return Ok(());
        }
        let page = shared.book.dead_items(lane.chain, self.after, DEAD_PAGE)?;
        let now = match chain_time(shared, lane, page.iter()).await {
            Ok(now) => now,
            Err(error) if error.is_halt() => return Err(error),
            Err(error) => {
                tracing::warn!(lane = lane.label(), %error, "dead letters are looked at later");
                self.next_at_ms = now_ms.saturating_add(DEAD_EVERY_MS);
                return Ok(());
            }
        };
        let mut change = shared.book.change();
        for dead in &page {
            let Some(attempts) = self.attempts(lane, dead, now, now_ms) else { continue };
            // Read again under the lock: a person may have redriven or dropped it meanwhile.
            let Some(mut item) = change.item(lane.chain, dead.key())?.filter(|item| item.place == dead.place) else {
                continue;
            };
            let kind = item.key().kind.name();
            tracing::info!(lane = lane.label(), kind, id = %item.key().id, "a dead letter begins anew by itself");
            item.place = Place::Queued { ready_at_ms: now_ms };
            (item.attempts, item.verify, item.group_max) = (attempts, true, 1);
            change.put_item(lane.chain, item)?;
        }
        change.commit()?;
        self.after = page.last().filter(|_| page.len() == DEAD_PAGE).map(Item::key);
        if self.after.is_none() {
            (self.next_at_ms, self.refunds) = (now_ms.saturating_add(DEAD_EVERY_MS), 0);
        }
        Ok(())
    }

    /// The failures with which a dead letter begins anew; `None` where it stays dead.
    fn attempts(&mut self, lane: &Lane, item: &Item, now: Timestamp, now_ms: u64) -> Option<u32> {
        if is_overdue(item, now) {
            return Some(0);
        }
        let is_due = is_refund_due(item, now_ms) && self.refunds < REFUNDS_MAX;
        self.refunds += usize::from(is_due);
        // One more failure, and it is dead again.
        is_due.then(|| lane.policy.retries_max.saturating_sub(1))
    }
}

fn is_overdue(item: &Item, now: Timestamp) -> bool {
    match &item.work {
        Work::Deliver { message, .. } => is_over(message, now),
        Work::Refund { .. } | Work::Settle { .. } | Work::Rotate { .. } => false,
    }
}

fn is_refund_due(item: &Item, now_ms: u64) -> bool {
    match (&item.work, item.place) {
        (Work::Refund { .. }, Place::Dead { since_ms }) => now_ms.saturating_sub(since_ms) >= REFUND_AGAIN_MS,
        (Work::Refund { .. }, Place::Queued { .. } | Place::InFlight { .. })
        | (Work::Deliver { .. } | Work::Settle { .. } | Work::Rotate { .. }, _) => false,
    }
}
