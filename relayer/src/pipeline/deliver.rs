//! Deliver: plans what waits into transactions, stores the plan, and hands it to the chain's writer.

use async_trait::async_trait;
use futures::{StreamExt, stream};
use infrastrukt_ports::{Action, CertifiedLeaves, PortError, Remedy, SubmissionKey, SubmissionState};
use infrastrukt_types::{B256, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

use super::{
    Lane, Pause, Shared, Stage, StageError, StageName,
    draft::{self, Candidate, Draft},
    expire::{self, Overdue},
    lane, lifecycle,
    verify::{self, Verdict},
};
use crate::{
    metrics,
    store::{Change, Item, ItemKey, Place, Plan, PlanEntry, PlanKind, PlanPhase, Work},
};

/// Most items looked at in one turn.
const WINDOW_MAX: usize = 512;
/// Questions to the chain under way at once.
const CHECKS_MAX: usize = 16;
/// Transactions handed to the writer at once.
const SUBMITS_MAX: usize = 8;
/// Plans looked at in one step after a restart.
const PLANS_PAGE: usize = 256;
/// Pause before an item is asked about again of which nobody could say whether it is done.
const ASK_AGAIN_MS: u64 = 5_000;
/// Longest pause before a transaction is handed over again that the writer could not take.
const AGAIN_MAX_MS: u64 = 30_000;

/// Delivers to one chain.
pub(crate) struct Deliver {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    recovered: bool,
    /// Plans the writer could not take yet, when they are due, and how often it failed. At most `in_flight_max`.
    again: BTreeMap<SubmissionKey, (u64, u32)>,
    overdue: Overdue,
}

#[async_trait]
impl Stage for Deliver {
    fn name(&self) -> StageName {
        StageName::Deliver
    }

    fn lane(&self) -> Option<&Arc<Lane>> {
        Some(&self.lane)
    }

    fn wake(&self) -> &Notify {
        &self.lane.wake_deliver
    }

    async fn turn(&mut self) -> Result<Pause, StageError> {
        let turn = self.work().await;
        if turn.is_err() {
            // What this stage remembers may differ from the store now: begin from there, as after a restart.
            self.recovered = false;
            self.again.clear();
        }
        turn
    }
}

impl Deliver {
    pub(crate) fn new(shared: Arc<Shared>, lane: Arc<Lane>) -> Self {
        Self { shared, lane, recovered: false, again: BTreeMap::new(), overdue: Overdue::default() }
    }

    async fn work(&mut self) -> Result<Pause, StageError> {
        let idle = Pause::Idle(Duration::from_millis(self.lane.policy.batch_wait_ms));
        // The writer takes up its stored transactions before it gets new ones.
        if !self.lane.writer_ready.load(Ordering::Acquire) {
            return Ok(idle);
        }
        if !self.recovered {
            self.recover().await?;
            self.recovered = true;
        }
        self.overdue.revive(&self.shared, &self.lane).await?;
        let mut plans = self.due_again()?;
        plans.extend(self.plan().await?);
        if plans.is_empty() {
            return Ok(idle);
        }
        self.submit(plans).await?;
        Ok(Pause::None)
    }

    /// After a restart: a plan that the writer knows goes on; one it does not know was never sent, and is taken apart.
    async fn recover(&self) -> Result<(), StageError> {
        let mut from = Some(B256::ZERO);
        while let Some(start) = from {
            let (plans, next) = self.shared.book.plans(self.lane.chain, start, PLANS_PAGE)?;
            from = next;
            let mut unknown = Vec::new();
            for plan in plans.into_iter().filter(|plan| plan.phase == PlanPhase::Planned) {
                match self.lane.writer.state(plan.key).await? {
                    SubmissionState::Unknown => unknown.push(plan),
                    SubmissionState::Pending
                    | SubmissionState::Included { .. }
                    | SubmissionState::Final(_)
                    | SubmissionState::Reverted { .. } => self.mark_submitted(&plan)?,
                }
            }
            let mut change = self.shared.book.change();
            for plan in &unknown {
                lifecycle::dissolve(&mut change, self.lane.chain, plan, self.shared.clock.now_ms())?;
            }
            change.commit()?;
        }
        Ok(())
    }

    fn mark_submitted(&self, plan: &Plan) -> Result<(), StageError> {
        let mut change = self.shared.book.change();
        note_submitted(&mut change, &self.lane, plan.key)?;
        Ok(change.commit()?)
    }

    /// Plans whose hand-over is to be tried again.
    fn due_again(&mut self) -> Result<Vec<Plan>, StageError> {
        let now_ms = self.shared.clock.now_ms();
        let due: Vec<SubmissionKey> =
            self.again.iter().filter(|(_, (at, _))| *at <= now_ms).map(|(key, _)| *key).collect();
        let mut plans = Vec::new();
        for key in due {
            match self.shared.book.plan(self.lane.chain, key)? {
                Some(plan) if plan.phase == PlanPhase::Planned => plans.push(plan),
                Some(_) | None => {
                    self.again.remove(&key);
                }
            }
        }
        Ok(plans)
    }

    /// Plans as many new transactions as may be in flight, and stores them.
    async fn plan(&self) -> Result<Vec<Plan>, StageError> {
        let open = usize::try_from(self.shared.book.counts(self.lane.chain).open_plans).unwrap_or(usize::MAX);
        let slots = self.lane.policy.in_flight_max.saturating_sub(open);
        if slots == 0 {
            return Ok(Vec::new());
        }
        let items = self.ready(slots)?;
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let (items, now) = self.timed(items).await?;
        let candidates = self.verified(items, now).await?;
        let drafts = draft::drafts(candidates, &self.lane.policy, slots);
        let mut plans = Vec::with_capacity(drafts.len());
        let mut change = self.shared.book.change();
        for draft in drafts {
            plans.extend(self.store(&mut change, draft)?);
        }
        change.commit()?;
        Ok(plans)
    }

    /// Items that are due and whose epoch the chain can know.
    fn ready(&self, slots: usize) -> Result<Vec<Item>, StageError> {
        let (book, chain) = (&self.shared.book, self.lane.chain);
        let limit = slots.saturating_mul(self.lane.policy.batch_max).min(WINDOW_MAX);
        let now_ms = self.shared.clock.now_ms();
        let held_from = self.held_epoch()?;
        let mut items = Vec::new();
        for priority in 0..=2 {
            for row in book.ready(chain, priority, now_ms, limit - items.len().min(limit))? {
                let item = book.item(chain, &row.item)?;
                let held = |item: &Item| {
                    item.rotation_epoch().is_none() && held_from.is_some_and(|epoch| item.epoch.0 >= epoch)
                };
                items.extend(item.filter(|item| !held(item)));
            }
        }
        Ok(items)
    }

    /// The epoch from which on certificates wait, since the rotation into it is on its way for the first time. Once it
    /// was refused, others may have rotated already: then nothing waits, and the chain itself decides.
    fn held_epoch(&self) -> Result<Option<u64>, StageError> {
        let (book, chain) = (&self.shared.book, self.lane.chain);
        let Some(epoch) = book.open_rotation(chain) else { return Ok(None) };
        let Some(item) = book.item(chain, &ItemKey::rotation(infrastrukt_types::Epoch(epoch)))? else {
            return Ok(None);
        };
        let waits = match item.place {
            Place::InFlight { plan } => book.plan(chain, plan)?.is_some_and(|plan| plan.is_open()),
            Place::Queued { .. } => true,
            Place::Dead { .. } => false,
        };
        Ok((waits && item.attempts == 0).then_some(epoch))
    }

    /// The items that can be judged by the target's time, and that time. Where too few endpoints tell it, items near
    /// their deadline wait: neither decisions nor other messages are theirs to hold back.
    async fn timed(&self, items: Vec<Item>) -> Result<(Vec<Item>, Timestamp), StageError> {
        let error = match expire::chain_time(&self.shared, &self.lane, items.iter()).await {
            Ok(now) => return Ok((items, now)),
            Err(error) if error.is_halt() => return Err(error),
            Err(error) => error,
        };
        let (near, others): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| expire::is_near(&self.shared, item));
        let mut change = self.shared.book.change();
        for item in near {
            let verdict = self.unanswered(item, &error);
            self.apply(&mut change, verdict)?;
        }
        change.commit()?;
        Ok((others, Timestamp::default()))
    }

    /// Asks the chain about items that may be done already; the others pass untouched. An item about which nobody
    /// answers waits alone: while the hub is silent, what it certified before is carried out all the same.
    async fn verified(&self, items: Vec<Item>, now: Timestamp) -> Result<Vec<Candidate>, StageError> {
        let live_since_ms = self.shared.live_since_ms.load(Ordering::Acquire);
        let doubtful = |item: &Item| item.verify || item.enqueued_at_ms < live_since_ms;
        let (ask, sure): (Vec<Item>, Vec<Item>) = items.into_iter().partition(doubtful);
        let mut candidates: Vec<Candidate> = sure.into_iter().map(|item| Candidate::new(item, now)).collect();
        let verdicts: Vec<_> = stream::iter(ask)
            .map(|item| async move {
                let kept = item.clone();
                (kept, verify::judge(&self.shared, &self.lane, item, now).await)
            })
            .buffered(CHECKS_MAX)
            .collect()
            .await;
        let mut change = self.shared.book.change();
        for (item, verdict) in verdicts {
            let verdict = match verdict {
                Ok(verdict) => verdict,
                Err(error) if error.is_halt() => return Err(error),
                Err(error) => self.unanswered(item, &error),
            };
            candidates.extend(self.apply(&mut change, verdict)?);
        }
        change.commit()?;
        Ok(candidates)
    }

    fn unanswered(&self, item: Item, error: &StageError) -> Verdict {
        let (lane, key) = (self.lane.label(), item.key());
        metrics::retry(lane, "unanswered");
        tracing::warn!(lane, kind = key.kind.name(), id = %key.id, %error, "nobody says how it stands; asked again");
        Verdict::Wait { item, pause_ms: ASK_AGAIN_MS }
    }

    fn apply(&self, change: &mut Change<'_>, verdict: Verdict) -> Result<Option<Candidate>, StageError> {
        let chain = self.lane.chain;
        let now_ms = self.shared.clock.now_ms();
        let mut requeue = |mut item: Item, pause_ms: u64| {
            // A fact may have finished or changed the item while the chain was asked.
            let Some(known) = change.item(chain, item.key())?.filter(|known| known.place == item.place) else {
                return Ok(());
            };
            item.work = known.work;
            item.place = Place::Queued { ready_at_ms: now_ms.saturating_add(pause_ms) };
            item.verify = true;
            change.put_item(chain, item)
        };
        match verdict {
            Verdict::Go(candidate) => return Ok(Some(candidate)),
            Verdict::Wait { item, pause_ms } => requeue(item, pause_ms)?,
            Verdict::Void { item, legs } => {
                if let Work::Settle { deal, .. } = &item.work {
                    tracing::info!(lane = self.lane.label(), deal_id = %deal, ?legs, "legs were never locked and need nothing");
                    lifecycle::finish_legs(change, chain, *deal, &legs)?;
                }
            }
            Verdict::Done(item) => {
                tracing::info!(lane = self.lane.label(), kind = item.key().kind.name(), id = %item.key().id, "done by someone else");
                change.remove_item(chain, item.key())?;
            }
        }
        Ok(None)
    }

    /// Turns a draft into a stored plan, leaving out items that moved meanwhile.
    pub(super) fn store(&self, change: &mut Change<'_>, draft: Draft) -> Result<Option<Plan>, StageError> {
        let chain = self.lane.chain;
        let mut members: Vec<(PlanEntry, Item)> = Vec::with_capacity(draft.entries.len());
        for (entry, drafted) in draft.entries.into_iter().zip(draft.items) {
            let Some(mut item) = change.item(chain, entry.item)? else { continue };
            if item.place != drafted.place || item.cert != draft.cert {
                continue;
            }
            item.round = item.round.saturating_add(1);
            item.done_seen = None;
            members.push((entry, item));
        }
        let Some(round) = members.iter().map(|(_, item)| item.round).max() else { return Ok(None) };
        // Only a member keeps the certificate in the store: without one it may rightly be gone.
        let tree = self.lane.tree(&self.shared.book, draft.cert)?;
        let indices: Vec<u32> = members.iter().map(|(entry, _)| entry.index).collect();
        let digest = tree.certified.checkpoint.digest();
        let key = lane::submission_key(chain, draft.kind.byte(), digest, &indices, round);
        let mut entries = Vec::with_capacity(members.len());
        for (entry, mut item) in members {
            item.place = Place::InFlight { plan: key };
            change.put_item(chain, item)?;
            entries.push(entry);
        }
        let plan = Plan {
            key,
            kind: draft.kind,
            cert: draft.cert,
            epoch: tree.certified.checkpoint.epoch,
            entries,
            planned_at_ms: self.shared.clock.now_ms(),
            phase: PlanPhase::Planned,
        };
        change.put_plan(chain, plan.clone())?;
        Ok(Some(plan))
    }

    /// Hands plans to the writer, which stores them before it broadcasts, and stores what came of it.
    async fn submit(&mut self, plans: Vec<Plan>) -> Result<(), StageError> {
        let this = &*self;
        let results: Vec<(Plan, Result<bool, StageError>)> = stream::iter(plans)
            .map(|plan| async move {
                let result = this.hand_over(&plan).await;
                (plan, result)
            })
            .buffer_unordered(SUBMITS_MAX)
            .collect()
            .await;
        let mut failure = None;
        let mut again = std::mem::take(&mut self.again);
        let mut change = self.shared.book.change();
        for (plan, result) in results {
            let noted = self.note(&mut change, &mut again, &plan, result);
            failure = failure.or(noted.err());
        }
        change.commit()?;
        self.again = again;
        failure.map_or(Ok(()), Err)
    }

    fn note(
        &self,
        change: &mut Change<'_>,
        again: &mut BTreeMap<SubmissionKey, (u64, u32)>,
        plan: &Plan,
        result: Result<bool, StageError>,
    ) -> Result<(), StageError> {
        let now_ms = self.shared.clock.now_ms();
        match result {
            Ok(true) => {
                again.remove(&plan.key);
                let (label, kind, items) = (self.lane.label(), plan.kind.name(), plan.entries.len());
                tracing::info!(lane = label, kind, items, submission = %plan.key.0, first = %plan.entries[0].item.id, "submitted");
                Ok(note_submitted(change, &self.lane, plan.key)?)
            }
            Ok(false) => {
                again.remove(&plan.key);
                Ok(lifecycle::dissolve(change, self.lane.chain, plan, now_ms)?)
            }
            Err(StageError::Port(PortError { remedy: Remedy::Reject, message, .. })) => {
                again.remove(&plan.key);
                Ok(lifecycle::refuse(&self.shared, &self.lane, change, plan, &message)?)
            }
            Err(StageError::Port(PortError { remedy: Remedy::Retry { after }, message, .. })) => {
                let failures = again.get(&plan.key).map_or(0, |(_, failures)| *failures);
                let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                let least_ms = self.lane.policy.batch_wait_ms;
                let pause_ms = after_ms.max(self.shared.jitter.backoff_ms(failures, least_ms, AGAIN_MAX_MS));
                metrics::retry(self.lane.label(), "passing");
                tracing::warn!(lane = self.lane.label(), submission = %plan.key.0, reason = message, pause_ms, "the writer cannot take it yet");
                again.insert(plan.key, (now_ms.saturating_add(pause_ms), failures.saturating_add(1)));
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    /// False where nothing of the plan is left to do as it was planned.
    async fn hand_over(&self, plan: &Plan) -> Result<bool, StageError> {
        let Some(action) = self.action(plan)? else { return Ok(false) };
        self.lane.writer.submit(plan.key, &action).await?;
        Ok(true)
    }

    /// The plan as an action; `None` where an item was finished meanwhile.
    fn action(&self, plan: &Plan) -> Result<Option<Action>, StageError> {
        let mut works = Vec::with_capacity(plan.entries.len());
        for entry in &plan.entries {
            let item = self.shared.book.item(self.lane.chain, &entry.item)?;
            let Some(item) = item.filter(|item| item.place == Place::InFlight { plan: plan.key }) else {
                return Ok(None);
            };
            works.push((item.work, entry.legs.as_slice()));
        }
        let tree = self.lane.tree(&self.shared.book, plan.cert)?;
        let indices: Vec<u32> = plan.entries.iter().map(|entry| entry.index).collect();
        let proof = tree.outbox.prove(&indices).map_err(|error| {
            StageError::Halt(format!("leaves {indices:?} of height {} cannot be proven: {error}", plan.cert.height))
        })?;
        let certified = CertifiedLeaves {
            checkpoint: tree.certified.checkpoint.clone(),
            certificate: tree.certified.certificate.clone(),
            proof,
        };
        Ok(assemble(plan.kind, certified, works))
    }
}

fn note_submitted(
    change: &mut Change<'_>,
    lane: &Lane,
    key: SubmissionKey,
) -> Result<(), infrastrukt_ports::StoreError> {
    match change.plan(lane.chain, key)? {
        Some(mut plan) if plan.phase == PlanPhase::Planned => {
            plan.phase = PlanPhase::Submitted;
            change.put_plan(lane.chain, plan)
        }
        Some(_) | None => Ok(()),
    }
}

/// The action of a kind over these works; `None` where a leg to be settled is gone or the works are of another kind.
fn assemble(kind: PlanKind, certified: CertifiedLeaves, works: Vec<(Work, &[u8])>) -> Option<Action> {
    let mut messages = Vec::new();
    let mut settlements = Vec::new();
    let mut rotation = None;
    for (work, indices) in works {
        match work {
            Work::Deliver { message, .. } | Work::Refund { message, .. } => messages.push(message),
            Work::Settle { deal, decision, legs } => {
                let legs: Vec<_> = legs.into_iter().filter(|leg| indices.contains(&leg.index)).collect();
                settlements.push((deal, decision, legs));
            }
            Work::Rotate { epoch, valset_hash, expires_at } => rotation = Some((epoch.0, valset_hash, expires_at)),
        }
    }
    match kind {
        PlanKind::Deliver => (!messages.is_empty()).then_some(Action::Deliver { certified, messages }),
        PlanKind::Expire => messages.pop().map(|message| Action::Expire { certified, message }),
        PlanKind::Refund => messages.pop().map(|message| Action::Refund { certified, message }),
        PlanKind::Settle => {
            let whole = !settlements.is_empty() && settlements.iter().all(|(_, _, legs)| !legs.is_empty());
            whole.then_some(Action::Settle { certified, settlements })
        }
        PlanKind::Rotate => rotation.map(|(epoch, valset_hash, expires_at)| Action::Rotate {
            certified,
            epoch,
            valset_hash,
            expires_at,
        }),
    }
}
