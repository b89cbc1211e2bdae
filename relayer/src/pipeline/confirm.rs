//! Confirm: keeps the writer at work and follows every transaction until it is final.

use async_trait::async_trait;
use futures::{StreamExt, stream};
use infrastrukt_ports::{PortError, SubmissionState};
use infrastrukt_types::B256;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

use super::{Lane, Pause, Shared, Stage, StageError, StageName, lifecycle};
use crate::store::{Change, Plan, PlanPhase};

/// Plans looked at in one step.
const PAGE: usize = 128;
/// Steps of one turn; the next turn goes on where it ended.
const PAGES_MAX: usize = 16;
/// Questions to the writer under way at once.
const ASKS_MAX: usize = 16;

/// Confirms the transactions of one chain.
pub(crate) struct Confirm {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    from: B256,
}

#[async_trait]
impl Stage for Confirm {
    fn name(&self) -> StageName {
        StageName::Confirm
    }

    fn lane(&self) -> Option<&Arc<Lane>> {
        Some(&self.lane)
    }

    fn wake(&self) -> &Notify {
        &self.lane.paced
    }

    async fn turn(&mut self) -> Result<Pause, StageError> {
        let report = self.lane.writer.tick().await?;
        if !self.lane.writer_ready.swap(true, Ordering::AcqRel) {
            tracing::info!(lane = self.lane.label(), open = report.open, "writer took up its transactions");
            self.lane.wake_deliver.notify_one();
        }
        for _ in 0..PAGES_MAX {
            let (plans, next) = self.shared.book.plans(self.lane.chain, self.from, PAGE)?;
            self.page(plans).await?;
            self.from = next.unwrap_or(B256::ZERO);
            if next.is_none() {
                break;
            }
        }
        Ok(Pause::Idle(Duration::from_millis(self.lane.policy.confirm_ms)))
    }
}

impl Confirm {
    pub(crate) fn new(shared: Arc<Shared>, lane: Arc<Lane>) -> Self {
        Self { shared, lane, from: B256::ZERO }
    }

    async fn page(&self, plans: Vec<Plan>) -> Result<(), StageError> {
        let scanned = self.lane.scanned_next.load(Ordering::Acquire);
        // A block that is not read yet cannot finish a plan, and the writer re-checks it by itself until then.
        let due = plans.into_iter().filter(|plan| match plan.phase {
            PlanPhase::Planned | PlanPhase::Submitted => true,
            PlanPhase::Included { block } => block < scanned,
        });
        let states: Vec<(Plan, Result<SubmissionState, PortError>)> = stream::iter(due)
            .map(|plan| async move {
                let state = self.lane.writer.state(plan.key).await;
                (plan, state)
            })
            .buffer_unordered(ASKS_MAX)
            .collect()
            .await;
        let mut failure = None;
        let mut freed = false;
        let mut change = self.shared.book.change();
        for (plan, state) in states {
            match state {
                Ok(state) => freed |= self.follow(&mut change, plan.key, state, scanned)?,
                Err(error) => failure = Some(error),
            }
        }
        change.commit()?;
        if freed {
            self.lane.wake_deliver.notify_one();
        }
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Moves one plan; true where that may let others be planned.
    fn follow(
        &self,
        change: &mut Change<'_>,
        key: infrastrukt_ports::SubmissionKey,
        state: SubmissionState,
        scanned: u64,
    ) -> Result<bool, StageError> {
        let (shared, lane) = (&self.shared, &self.lane);
        let Some(plan) = change.plan(lane.chain, key)? else { return Ok(false) };
        match state {
            // Delivery has not handed it over yet.
            SubmissionState::Unknown if plan.phase == PlanPhase::Planned => Ok(false),
            SubmissionState::Unknown => {
                tracing::error!(lane = lane.label(), submission = %key.0, "the writer forgot a transaction; planning anew");
                lifecycle::dissolve(change, lane.chain, &plan, shared.clock.now_ms())?;
                Ok(true)
            }
            SubmissionState::Pending => self.set_phase(change, plan, PlanPhase::Submitted),
            SubmissionState::Included { receipt, .. } => {
                self.set_phase(change, plan, PlanPhase::Included { block: receipt.block })
            }
            // Its facts must be in the book before it is judged by them.
            SubmissionState::Final(receipt) | SubmissionState::Reverted { receipt, .. } if receipt.block >= scanned => {
                self.set_phase(change, plan, PlanPhase::Included { block: receipt.block })
            }
            SubmissionState::Final(receipt) => {
                let (label, kind, items) = (lane.label(), plan.kind.name(), plan.entries.len());
                tracing::info!(lane = label, kind, items, submission = %key.0, tx = receipt.tx, gas = receipt.gas_used, "final");
                lifecycle::executed(shared, lane, change, &plan, &receipt.tx)?;
                Ok(true)
            }
            SubmissionState::Reverted { receipt, reason } => {
                let reason = format!("transaction {} reverted: {reason}", receipt.tx);
                tracing::warn!(lane = lane.label(), submission = %key.0, reason, "reverted");
                lifecycle::refuse(shared, lane, change, &plan, &reason)?;
                Ok(true)
            }
        }
    }

    fn set_phase(&self, change: &mut Change<'_>, mut plan: Plan, phase: PlanPhase) -> Result<bool, StageError> {
        if plan.phase == phase {
            return Ok(false);
        }
        let was_open = plan.is_open();
        plan.phase = phase;
        let freed = was_open && !plan.is_open();
        change.put_plan(self.lane.chain, plan)?;
        Ok(freed)
    }
}
