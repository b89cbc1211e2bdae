//! What becomes of items: the rules by which a fact, a failure or a finished transaction moves them.

use infrastrukt_ports::StoreError;
use infrastrukt_types::{B256, ChainId, DealId, Epoch, FactKind};

use super::{Lane, Shared};
use crate::{
    metrics,
    store::{Change, Item, ItemKey, Place, Plan, PlanKind, Work, WorkKind},
};

/// What facts added up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
    }
}

/// Applies a final fact of `chain` to the items that wait for it.
pub(crate) fn apply_fact(
    change: &mut Change<'_>,
    chain: ChainId,
    fact: &FactKind,
    now_ms: u64,
) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    let finish = |change: &mut Change<'_>, kind: WorkKind, id: B256| change.remove_item(chain, ItemKey { kind, id });
    match fact {
        FactKind::Sent { .. } => tally.sent = 1,
        FactKind::Delivered(id) => {
            finish(change, WorkKind::Deliver, id.0)?;
            tally.delivered = 1;
        }
        FactKind::Expired(id) => finish(change, WorkKind::Deliver, id.0)?,
        FactKind::Refunded(id) => finish(change, WorkKind::Refund, id.0)?,
        FactKind::Locked { deal, .. } => wake_settlement(change, chain, *deal, now_ms)?,
        FactKind::Settled { deal, index, .. } | FactKind::Escaped { deal, index, .. } => {
            finish_legs(change, chain, *deal, &[*index])?;
        }
    }
    Ok(tally)
}

/// Takes legs that need nothing more out of a settlement; the last one ends it.
pub(crate) fn finish_legs(
    change: &mut Change<'_>,
    chain: ChainId,
    deal: DealId,
    indices: &[u8],
) -> Result<(), StoreError> {
    let key = ItemKey { kind: WorkKind::Settle, id: deal.0 };
    let Some(mut item) = change.item(chain, key)? else { return Ok(()) };
    let Work::Settle { legs, .. } = &mut item.work else { return Ok(()) };
    legs.retain(|leg| !indices.contains(&leg.index));
    if legs.is_empty() { change.remove_item(chain, key) } else { change.put_item(chain, item) }
}

/// A leg was locked late: its settlement need not wait for the slow timer.
fn wake_settlement(change: &mut Change<'_>, chain: ChainId, deal: DealId, now_ms: u64) -> Result<(), StoreError> {
    let Some(mut item) = change.item(chain, ItemKey { kind: WorkKind::Settle, id: deal.0 })? else { return Ok(()) };
    if let Place::Queued { ready_at_ms } = item.place {
        item.place = Place::Queued { ready_at_ms: ready_at_ms.min(now_ms) };
        change.put_item(chain, item)?;
    }
    Ok(())
}

/// The items of a plan that still are in it. Others were finished by facts or moved since.
pub(crate) fn members(change: &mut Change<'_>, chain: ChainId, plan: &Plan) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::with_capacity(plan.entries.len());
    for entry in &plan.entries {
        items.extend(change.item(chain, entry.item)?.filter(|item| item.place == Place::InFlight { plan: plan.key }));
    }
    Ok(items)
}

/// Takes a plan apart without blaming anyone; its items go back to the queue and are checked before the next try.
pub(crate) fn dissolve(change: &mut Change<'_>, chain: ChainId, plan: &Plan, now_ms: u64) -> Result<(), StoreError> {
    for mut item in members(change, chain, plan)? {
        item.place = Place::Queued { ready_at_ms: now_ms };
        item.verify = true;
        change.put_item(chain, item)?;
    }
    change.remove_plan(chain, plan.key)
}

/// A plan cannot succeed or reverted. A single item is blamed; a batch is halved until the offender is alone.
pub(crate) fn refuse(
    shared: &Shared,
    lane: &Lane,
    change: &mut Change<'_>,
    plan: &Plan,
    reason: &str,
) -> Result<(), StoreError> {
    let now_ms = shared.clock.now_ms();
    let items = members(change, lane.chain, plan)?;
    change.remove_plan(lane.chain, plan.key)?;
    let half = u32::try_from(plan.entries.len() / 2).unwrap_or(u32::MAX);
    for mut item in items {
        if half == 0 {
            blame(shared, lane, change, item, reason, now_ms)?;
        } else {
            item.place = Place::Queued { ready_at_ms: now_ms };
            item.verify = true;
            item.group_max = half;
            item.note(reason);
            change.put_item(lane.chain, item)?;
        }
    }
    if half > 0 {
        metrics::retry(lane.label(), "split");
        tracing::warn!(lane = lane.label(), submission = %plan.key.0, items = plan.entries.len(), reason, "batch refused; halving it");
    }
    Ok(())
}

/// Counts a deterministic failure of one item: back-off, or a dead letter after too many.
pub(crate) fn blame(
    shared: &Shared,
    lane: &Lane,
    change: &mut Change<'_>,
    mut item: Item,
    reason: &str,
    now_ms: u64,
) -> Result<(), StoreError> {
    item.attempts = item.attempts.saturating_add(1);
    item.note(reason);
    item.verify = true;
    let policy = &lane.policy;
    // A chain that has not rotated yet refuses everything of the new epoch: that is no fault of the message.
    let held = change.open_rotation(lane.chain).is_some_and(|epoch| epoch <= item.epoch.0);
    let room = change.counts(lane.chain).dead < shared.limits.dead_letters_max;
    let dies = item.attempts >= policy.retries_max && item.key().kind.may_die() && !held && room;
    let pause_ms = shared.jitter.backoff_ms(item.attempts - 1, policy.backoff_min_ms, policy.backoff_max_ms);
    let (label, kind, attempts) = (lane.label(), item.key().kind.name(), item.attempts);
    metrics::retry(label, "failed");
    item.place = if dies {
        tracing::error!(lane = label, kind, attempts, id = %item.key().id, reason, "dead letter; redrive it with `relayer dlq`");
        Place::Dead { since_ms: now_ms }
    } else {
        tracing::warn!(lane = label, kind, attempts, id = %item.key().id, reason, pause_ms, "failed; will be tried again");
        Place::Queued { ready_at_ms: now_ms.saturating_add(pause_ms) }
    };
    change.put_item(lane.chain, item)
}

/// A plan executed in a final block whose facts are in the book: what is still in it did not succeed.
pub(crate) fn executed(
    shared: &Shared,
    lane: &Lane,
    change: &mut Change<'_>,
    plan: &Plan,
    tx: &str,
) -> Result<(), StoreError> {
    let now_ms = shared.clock.now_ms();
    rotated(change, lane.chain, plan)?;
    for item in members(change, lane.chain, plan)? {
        let reason = match plan.kind {
            PlanKind::Deliver => format!("delivered in transaction {tx}, but the recipient's handler failed"),
            PlanKind::Expire | PlanKind::Refund | PlanKind::Settle => {
                format!("transaction {tx} executed without effect on it")
            }
            PlanKind::Rotate => continue,
        };
        blame(shared, lane, change, item, &reason, now_ms)?;
    }
    change.remove_plan(lane.chain, plan.key)
}

/// The chain accepted this plan's certificate: it knows its epoch, so every rotation up to there is done.
fn rotated(change: &mut Change<'_>, chain: ChainId, plan: &Plan) -> Result<(), StoreError> {
    if plan.kind == PlanKind::Rotate {
        for entry in &plan.entries {
            change.remove_item(chain, entry.item)?;
        }
    }
    while let Some(epoch) = change.open_rotation(chain).filter(|epoch| *epoch <= plan.epoch.0) {
        let key = ItemKey::rotation(Epoch(epoch));
        if change.item(chain, key)?.is_none() {
            break;
        }
        change.remove_item(chain, key)?;
    }
    Ok(())
}
