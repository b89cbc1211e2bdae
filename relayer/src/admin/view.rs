//! From the relayer's state to what its interface shows.

use infrastrukt_api::{MessageState, MessageView};
use infrastrukt_ports::{StoreError, SubmissionState};
use infrastrukt_types::{B256, ChainId, Fact, FactKind, MessageId};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::atomic::Ordering};

use super::{
    DeadLetter, DeadLetterDetail, DeliveryJob, HubLink, JobState, LaneStatus, QueueStatus, RelayerStatus, StageStatus,
    SupplyStatus,
};
use crate::{
    dlq::{Letter, LetterId},
    health,
    pipeline::{HubInfo, Lane, Shared, StageName, lane::StageHealth, supply::SupplyReport},
    store::{Item, ItemKey, Place, Work, WorkKind},
};

/// Entries at the front of a queue among which the oldest is looked for.
const FRONT: usize = 64;
/// Pieces of evidence of one lane that are looked through for messages.
const PIECES_MAX: usize = 4_096;
/// Most bytes of an answer about observed messages before JSON doubles payloads, and what each takes beside its payload.
const OBSERVED_BYTES_MAX: usize = 2 * 1024 * 1024;
const MESSAGE_BYTES: usize = 1_024;

pub(super) fn status(shared: &Shared) -> Result<RelayerStatus, StoreError> {
    let problems = health::problems(shared);
    let lanes = shared.lanes.values().map(|lane| lane_status(shared, lane)).collect::<Result<_, _>>()?;
    Ok(RelayerStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ready: problems.is_empty(),
        problems,
        hub: HubLink {
            url: shared.hub_url.clone(),
            id: shared.hub_info().map(|info| info.id),
            taken: shared.book.taken()?,
            stages: stages(shared, shared.hub_stages()),
        },
        lanes,
        supply: supply(shared),
    })
}

fn supply(shared: &Shared) -> Vec<SupplyStatus> {
    let now_ms = shared.clock.now_ms();
    let show = |(chain, report): (ChainId, SupplyReport)| {
        Some(SupplyStatus {
            chain: shared.lanes.get(&chain)?.name.clone(),
            compared_age_s: report.compared_ms.map(|compared| now_ms.saturating_sub(compared) / 1000),
            violations: report.violations,
        })
    };
    shared.supply().into_iter().filter_map(show).collect()
}

fn stages(shared: &Shared, stages: BTreeMap<StageName, StageHealth>) -> Vec<StageStatus> {
    let now_ms = shared.clock.now_ms();
    let show = |(name, health): (StageName, StageHealth)| StageStatus {
        stage: name.name().to_owned(),
        idle_ms: health.last_ok_ms.map(|last| now_ms.saturating_sub(last)),
        error: health.error,
    };
    stages.into_iter().map(show).collect()
}

fn lane_status(shared: &Shared, lane: &Lane) -> Result<LaneStatus, StoreError> {
    let head = lane.head();
    Ok(LaneStatus {
        chain: lane.name.clone(),
        halted: lane.halted(),
        next_block: lane.scanned_next.load(Ordering::Acquire),
        final_block: head.map(|head| head.number),
        finality_lag_s: head.map(|head| shared.clock.now().0.saturating_sub(head.time.0)),
        queues: queues(shared, lane)?,
        stages: stages(shared, lane.stages()),
        dead_letters: shared.book.counts(lane.chain).dead,
        account: lane.reader.show_account(lane.writer.account()),
        balance: lane.wallet(),
        rpc_calls: lane.reader.rpc_calls(),
    })
}

/// Depth and oldest age of each of a lane's queues.
pub(crate) fn queues(shared: &Shared, lane: &Lane) -> Result<Vec<QueueStatus>, StoreError> {
    let (book, chain, now_ms) = (&shared.book, lane.chain, shared.clock.now_ms());
    let counts = book.counts(chain);
    let evidence = book.evidence_after(chain, None, 1)?.into_iter().map(|(_, record)| record.observed_at_ms).min();
    let mut waiting = Vec::new();
    for priority in 0..=2 {
        waiting.extend(book.ready(chain, priority, u64::MAX, FRONT)?.into_iter().map(|row| row.enqueued_at_ms));
    }
    let (plans, _) = book.plans(chain, B256::ZERO, FRONT)?;
    let planned = plans.iter().map(|plan| plan.planned_at_ms).min();
    let queue = |stage: StageName, depth, oldest_ms: Option<u64>| QueueStatus {
        stage: stage.name().to_owned(),
        depth,
        oldest_age_s: oldest_ms.map_or(0, |oldest| now_ms.saturating_sub(oldest) / 1000),
    };
    Ok(vec![
        queue(StageName::Submit, counts.evidence, evidence),
        queue(StageName::Deliver, counts.queued, waiting.into_iter().min()),
        queue(StageName::Confirm, counts.open_plans + counts.included_plans, planned),
    ])
}

pub(super) async fn jobs(shared: &Shared, id: MessageId) -> Result<Vec<DeliveryJob>, StoreError> {
    let mut jobs = Vec::new();
    for lane in shared.lanes.values() {
        for kind in [WorkKind::Deliver, WorkKind::Refund] {
            if let Some(item) = shared.book.item(lane.chain, &ItemKey { kind, id: id.0 })? {
                jobs.push(job(lane, item).await);
            }
        }
    }
    Ok(jobs)
}

/// Messages read in final blocks whose evidence is not proven yet: one of them, or as many as an answer holds.
pub(crate) fn observed(shared: &Shared, wanted: Option<MessageId>) -> Result<Vec<MessageView>, StoreError> {
    let Some(info) = shared.hub_info() else { return Ok(Vec::new()) };
    let (mut found, mut bytes) = (Vec::new(), 0);
    for lane in shared.lanes.values() {
        for (key, _) in shared.book.evidence_after(lane.chain, None, PIECES_MAX)? {
            let facts = shared.book.evidence_facts(lane.chain, key)?.unwrap_or_default();
            let views = facts.into_iter().filter_map(|fact| observed_message(&info, fact));
            for view in views.filter(|view| wanted.is_none_or(|wanted| wanted == view.id)) {
                bytes += MESSAGE_BYTES + view.message.payload.len();
                if bytes > OBSERVED_BYTES_MAX {
                    return Ok(found);
                }
                found.push(view);
            }
        }
    }
    Ok(found)
}

fn observed_message(info: &HubInfo, fact: Fact) -> Option<MessageView> {
    let Fact { origin, kind: FactKind::Sent { gateway, message } } = fact else { return None };
    Some(MessageView {
        id: info.message_id(gateway, &message)?,
        state: MessageState::Observed,
        message,
        origin,
        proven_at: None,
        checkpoint: None,
        expired_checkpoint: None,
    })
}

async fn job(lane: &Lane, item: Item) -> DeliveryJob {
    let (state, next_try_ms, submission) = match item.place {
        Place::Queued { ready_at_ms } => (JobState::Queued, Some(ready_at_ms), None),
        Place::InFlight { plan } => (JobState::InFlight, None, Some(plan)),
        Place::Dead { .. } => (JobState::Dead, None, None),
    };
    let tx = match submission {
        Some(key) => lane.writer.state(key).await.ok().and_then(transaction),
        None => None,
    };
    DeliveryJob {
        lane: lane.name.clone(),
        kind: item.key().kind.name().to_owned(),
        state,
        attempts: item.attempts,
        last_error: item.last_error,
        next_try_ms,
        queued_since_ms: item.enqueued_at_ms,
        submission: submission.map(|key| key.0),
        tx,
    }
}

fn transaction(state: SubmissionState) -> Option<String> {
    match state {
        SubmissionState::Unknown | SubmissionState::Pending => None,
        SubmissionState::Included { receipt, .. }
        | SubmissionState::Final(receipt)
        | SubmissionState::Reverted { receipt, .. } => Some(receipt.tx),
    }
}

pub(super) fn letter(id: &LetterId, letter: &Letter) -> DeadLetter {
    let (kind, reason, attempts, since_ms) = match letter {
        Letter::Item(item) => {
            let since_ms = match item.place {
                Place::Dead { since_ms } => since_ms,
                Place::Queued { .. } | Place::InFlight { .. } => 0,
            };
            (item.key().kind.name(), item.last_error.clone().unwrap_or_default(), item.attempts, since_ms)
        }
        Letter::Evidence(_, dead) => ("evidence", dead.reason.clone(), 0, dead.since_ms),
    };
    DeadLetter { id: id.to_string(), lane: id.lane.clone(), kind: kind.to_owned(), reason, attempts, since_ms }
}

pub(super) fn detail(shared: &Shared, id: &LetterId, dead: &Letter) -> Result<DeadLetterDetail, StoreError> {
    let lane = shared.lanes.values().find(|lane| lane.name == id.lane);
    let content = match dead {
        Letter::Item(item) => {
            let what = match &item.work {
                Work::Deliver { message, .. } | Work::Refund { message, .. } => json!({ "message": message }),
                Work::Settle { deal, decision, legs: _ } => json!({ "deal": deal, "decision": decision }),
                Work::Rotate { epoch, .. } => json!({ "epoch": epoch }),
            };
            json!({ "height": item.cert.height, "kind": item.cert.kind, "leaf_index": item.index, "work": what })
        }
        Letter::Evidence(key, _) => {
            let body = lane.map(|lane| shared.book.evidence_body(lane.chain, *key)).transpose()?.flatten();
            body.map_or(Value::Null, |body| json!({ "evidence": body }))
        }
    };
    Ok(DeadLetterDetail { letter: letter(id, dead), content })
}
