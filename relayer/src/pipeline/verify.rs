//! Verify: asks the chain, and the hub, what became of an item before it is tried (again). Never on the path of a first
//! try.

use infrastrukt_api::MessageState;
use infrastrukt_types::{Epoch, Message, MessageId, Timestamp};

use super::{Lane, Shared, StageError, settle};
use crate::store::{Item, PlanKind, Work};

use super::draft::Candidate;

/// Pause before something that the head shows as done is looked at again: it is over once that is final.
const DONE_AGAIN_MS: u64 = 5_000;
/// Pause before a message is looked at again that its chain shows as consumed or refunded, and the hub does not.
const UNPROVEN_MS: u64 = 30_000;
/// Pause before a leg is looked at again that is not locked but may still be.
const LATE_LOCK_MS: u64 = 30_000;

/// What the chain says about an item.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// To be planned.
    Go(Candidate),
    /// To be looked at again, with what was seen.
    Wait { item: Item, pause_ms: u64 },
    /// Legs that can never be locked need nothing; the rest waits or is planned next time.
    Void { item: Item, legs: Vec<u8> },
    /// Over.
    Done(Item),
}

/// Judges one item.
pub(super) async fn judge(shared: &Shared, lane: &Lane, item: Item, now: Timestamp) -> Result<Verdict, StageError> {
    match item.work.clone() {
        Work::Deliver { id, message } => deliver(shared, lane, item, id, &message, now).await,
        Work::Refund { id, message } => refund(shared, lane, item, id, &message, now).await,
        Work::Settle { deal, legs, .. } => {
            let legs = settle::legs(shared, lane, deal, &legs).await?;
            if !legs.open.is_empty() {
                return Ok(Verdict::Go(Candidate { item: seen(item, None), kind: PlanKind::Settle, legs: legs.open }));
            }
            if !legs.void.is_empty() {
                return Ok(Verdict::Void { item, legs: legs.void });
            }
            if !legs.waiting.is_empty() {
                return Ok(Verdict::Wait { item: seen(item, None), pause_ms: LATE_LOCK_MS });
            }
            done_at_head(lane, item).await
        }
        Work::Rotate { epoch, expires_at, .. } if shared.clock.now() > expires_at => {
            tracing::error!(lane = lane.label(), epoch = epoch.0, "the epoch expired before the chain learnt of it");
            Ok(Verdict::Done(item))
        }
        Work::Rotate { epoch, .. } => rotate(lane, item, epoch, now).await,
    }
}

/// Where the head shows a message as consumed, the hub learns of it by proof: until the hub says so too, the message is
/// kept, so that no endpoints alone can make us give it up.
async fn deliver(
    shared: &Shared,
    lane: &Lane,
    item: Item,
    id: MessageId,
    message: &Message,
    now: Timestamp,
) -> Result<Verdict, StageError> {
    if !lane.reader.is_consumed(message.source, message.nonce).await? {
        return Ok(Verdict::Go(Candidate::new(seen(item, None), now)));
    }
    match done_at_head(lane, item).await? {
        Verdict::Done(item) if !is_proven_over(shared, id).await? => Ok(Verdict::Wait { item, pause_ms: UNPROVEN_MS }),
        verdict @ (Verdict::Go(_) | Verdict::Wait { .. } | Verdict::Void { .. } | Verdict::Done(_)) => Ok(verdict),
    }
}

async fn is_proven_over(shared: &Shared, id: MessageId) -> Result<bool, StageError> {
    let state = shared.hub.message(id).await?.map(|view| view.state);
    Ok(state.is_some_and(|state| state >= MessageState::Delivered))
}

/// The hub shows a refund once it is proven, its chain shows it at once: a transaction in between would only fail, and
/// the message count as one that cannot be given back.
async fn refund(
    shared: &Shared,
    lane: &Lane,
    item: Item,
    id: MessageId,
    message: &Message,
    now: Timestamp,
) -> Result<Verdict, StageError> {
    let state = shared.hub.message(id).await?.map(|view| view.state);
    if state == Some(MessageState::Refunded) {
        return Ok(Verdict::Done(item));
    }
    if !lane.reader.is_refunded(message.target, message.nonce).await? {
        return Ok(Verdict::Go(Candidate::new(seen(item, None), now)));
    }
    match done_at_head(lane, item).await? {
        Verdict::Done(item) => Ok(Verdict::Wait { item, pause_ms: UNPROVEN_MS }),
        verdict @ (Verdict::Go(_) | Verdict::Wait { .. } | Verdict::Void { .. }) => Ok(verdict),
    }
}

/// A chain that is in this epoch, or in a later one, has nothing left to learn: somebody else rotated it, or recovered
/// it.
async fn rotate(lane: &Lane, item: Item, epoch: Epoch, now: Timestamp) -> Result<Verdict, StageError> {
    if lane.reader.epoch().await? < epoch {
        return Ok(Verdict::Go(Candidate::new(seen(item, None), now)));
    }
    done_at_head(lane, item).await
}

/// Someone else did it, as of the head. The head may change: it is over when a second look, after the time of the first
/// one became final and its facts were read, shows the same.
async fn done_at_head(lane: &Lane, item: Item) -> Result<Verdict, StageError> {
    match item.done_seen {
        Some(time) if lane.is_final(time) => Ok(Verdict::Done(item)),
        Some(_) => Ok(Verdict::Wait { item, pause_ms: DONE_AGAIN_MS }),
        None => {
            let time = lane.reader.now().await?;
            Ok(Verdict::Wait { item: seen(item, Some(time)), pause_ms: DONE_AGAIN_MS })
        }
    }
}

fn seen(mut item: Item, done_seen: Option<Timestamp>) -> Item {
    item.done_seen = done_seen;
    item
}
