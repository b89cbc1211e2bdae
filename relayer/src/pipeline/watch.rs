//! Watch: asks after the hub and the wallets, waits for the hub's pushes, and publishes figures.

use async_trait::async_trait;
use infrastrukt_api::{DealFilter, PAGE_MAX};
use infrastrukt_types::Account;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

use super::{HubInfo, Lane, Pause, Shared, Stage, StageError, StageName, hub::HubError};
use crate::{admin, metrics};

/// Pause between two turns.
const EVERY: Duration = Duration::from_secs(3);
/// Turns between two looks at wallets and deals.
const SLOW_TURNS: u64 = 10;
/// Pause after a subscription failed; polling goes on meanwhile.
const SUBSCRIBE_PAUSE: Duration = Duration::from_secs(2);

/// Watches everything around the pipeline.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    paced: Notify,
    turns: u64,
    /// Calls and messages of each lane at the last turn that published their ratio.
    ratios: BTreeMap<infrastrukt_types::ChainId, (u64, u64)>,
}

#[async_trait]
impl Stage for Watch {
    fn name(&self) -> StageName {
        StageName::Watch
    }

    fn lane(&self) -> Option<&Arc<Lane>> {
        None
    }

    fn wake(&self) -> &Notify {
        &self.paced
    }

    async fn turn(&mut self) -> Result<Pause, StageError> {
        let slow = self.turns.is_multiple_of(SLOW_TURNS);
        self.turns = self.turns.wrapping_add(1);
        for lane in self.shared.lanes.values().cloned().collect::<Vec<_>>() {
            self.publish(&lane, slow)?;
            if slow {
                self.wallet(&lane).await;
            }
        }
        self.hub(slow).await?;
        Ok(Pause::Idle(EVERY))
    }
}

impl Watch {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, paced: Notify::new(), turns: 0, ratios: BTreeMap::new() }
    }

    async fn hub(&self, slow: bool) -> Result<(), StageError> {
        let status = match self.shared.hub.status().await {
            Ok(status) => status,
            Err(error) => {
                self.shared.set_hub_error(&error.to_string());
                return Ok(());
            }
        };
        self.shared.set_hub_info(HubInfo::new(&status));
        if slow {
            let filter = DealFilter { limit: Some(PAGE_MAX), ..DealFilter::default() };
            let deals = self.shared.hub.deals(filter).await?;
            metrics::deals(deals.iter().map(|deal| deal.state));
        }
        Ok(())
    }

    async fn wallet(&self, lane: &Lane) {
        match lane.reader.balance(lane.writer.account(), Account::ZERO).await {
            Ok(balance) => {
                lane.set_wallet(balance);
                metrics::wallet_balance(lane.label(), balance);
            }
            Err(error) => tracing::warn!(lane = lane.label(), %error, "the wallet's balance cannot be read"),
        }
    }

    fn publish(&mut self, lane: &Lane, slow: bool) -> Result<(), StageError> {
        let label = lane.label();
        for queue in admin::queues(&self.shared, lane)? {
            metrics::queue(label, queue.stage.as_str(), queue.depth, queue.oldest_age_s);
        }
        metrics::dead_letters(label, self.shared.book.counts(lane.chain).dead);
        metrics::lane_halted(label, lane.halted().is_some());
        let (calls, messages) = (lane.reader.rpc_calls(), lane.messages.load(Ordering::Relaxed));
        let (calls_before, messages_before) = *self.ratios.entry(lane.chain).or_insert((calls, messages));
        let fresh = messages.saturating_sub(messages_before);
        if slow && fresh > 0 {
            metrics::rpc_calls_per_message(label, calls.saturating_sub(calls_before), fresh);
            self.ratios.insert(lane.chain, (calls, messages));
        }
        Ok(())
    }
}

/// Wakes the taking of checkpoints whenever the hub pushes one.
pub(crate) async fn follow_pushes(shared: Arc<Shared>) {
    loop {
        let pushed = async {
            let from = shared.book.taken().map_err(|error| HubError::Unreachable(error.to_string()))?;
            shared.hub.pushed(from).await
        };
        let pause = tokio::select! {
            biased;
            () = shared.cancel.cancelled() => return,
            pushed = pushed => match pushed {
                Ok(()) => {
                    shared.wake_take.notify_one();
                    continue;
                }
                Err(error) => {
                    tracing::debug!(%error, "no pushes from the hub; polling it");
                    SUBSCRIBE_PAUSE
                }
            },
        };
        tokio::select! {
            biased;
            () = shared.cancel.cancelled() => return,
            () = shared.clock.sleep(pause) => {}
        }
    }
}
