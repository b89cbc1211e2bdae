//! What the node counts, in Prometheus' words.

use infrastrukt_ports::{Clock, StoreError};
use infrastrukt_protocol::{DealState, MessageState};
use infrastrukt_store::DealFilter;
use infrastrukt_types::CheckpointKind;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{
    api::Render,
    consensus::InProcessLeader,
    validator::{Applied, Validator},
};

/// How often what no block announces is measured.
const SAMPLE: Duration = Duration::from_secs(5);
/// Deals of one state that are counted; more show as this many.
const DEALS_COUNTED_MAX: usize = 1_000;
/// Bounds of all histograms of seconds.
const SECONDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0];

/// Installs the process-wide recorder. A program that embeds the node and has its own leaves this out.
pub fn install_recorder() -> Result<Render, BuildError> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?;
    let handle = builder.install_recorder()?;
    Ok(Arc::new(move || handle.render()))
}

/// What is measured.
pub(crate) struct Meter {
    pub(crate) leader: Arc<InProcessLeader>,
    pub(crate) validators: Arc<[Arc<Validator>]>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Meter {
    /// Counts until cancelled.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let mut blocks = self.validators[0].applied.subscribe();
        let mut last_ms = self.clock.now_ms();
        let mut sample = self.clock.sleep(Duration::ZERO);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                block = blocks.recv() => match block {
                    Ok(block) => {
                        let now_ms = self.clock.now_ms();
                        histogram!("infrastrukt_hub_block_interval_seconds").record(now_ms.saturating_sub(last_ms) as f64 / 1_000.0);
                        last_ms = now_ms;
                        count(&block);
                        self.measure();
                    }
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        counter!("infrastrukt_hub_metrics_missed_blocks_total").increment(missed);
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = &mut sample => {
                    sample = self.clock.sleep(SAMPLE);
                    self.measure();
                    self.count_deals().await;
                }
            }
        }
    }

    fn measure(&self) {
        gauge!("infrastrukt_hub_mempool").set(self.leader.pending() as f64);
        gauge!("infrastrukt_hub_log_height").set(self.leader.height().0 as f64);
        gauge!("infrastrukt_hub_uncertified").set(self.validators[0].uncertified() as f64);
        for validator in self.validators.iter() {
            let name = validator.address.to_string();
            gauge!("infrastrukt_hub_validator_height", "validator" => name.clone()).set(validator.height().0 as f64);
            gauge!("infrastrukt_hub_evidence_queue_bytes", "validator" => name.clone())
                .set(validator.inbox.bytes() as f64);
            gauge!("infrastrukt_hub_evidence_checking", "validator" => name.clone())
                .set(validator.inbox.desk().checking() as f64);
            let halted = f64::from(u8::from(validator.halted().is_some()));
            gauge!("infrastrukt_hub_validator_halted", "validator" => name).set(halted);
        }
    }

    async fn count_deals(&self) {
        let store = self.validators[0].store.clone();
        let work = move || -> Result<Vec<(DealState, usize)>, StoreError> {
            let states = [
                DealState::Open,
                DealState::Locking,
                DealState::Decided,
                DealState::Certified,
                DealState::Stalled,
                DealState::Settling,
                DealState::Escaped,
                DealState::Fault,
            ];
            let count = |state| {
                let filter = DealFilter { state: Some(state), account: None };
                Ok((state, store.deals(&filter, None, DEALS_COUNTED_MAX)?.items.len()))
            };
            states.into_iter().map(count).collect()
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(counts)) => {
                for (state, count) in counts {
                    gauge!("infrastrukt_hub_deals", "state" => deal_word(state)).set(count as f64);
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "deals are not counted"),
            Err(error) => tracing::warn!(%error, "deals are not counted"),
        }
    }
}

fn count(block: &Applied) {
    gauge!("infrastrukt_hub_height").set(block.height.0 as f64);
    gauge!("infrastrukt_hub_time_seconds").set(block.time.0 as f64);
    gauge!("infrastrukt_hub_facts_pending").set(block.pending_facts as f64);
    gauge!("infrastrukt_hub_deals_open").set(f64::from(block.open_deals));
    counter!("infrastrukt_hub_entries_total").increment(block.entries as u64);
    counter!("infrastrukt_hub_entries_refused_total").increment(block.refused as u64);
    for chain in &block.proven {
        counter!("infrastrukt_hub_facts_proven_total", "chain" => chain.to_string()).increment(1);
    }
    for state in &block.messages {
        counter!("infrastrukt_hub_message_moves_total", "state" => message_word(*state)).increment(1);
    }
    for state in &block.deals {
        counter!("infrastrukt_hub_deal_moves_total", "state" => deal_word(*state)).increment(1);
    }
    for (kind, seconds) in &block.certified {
        histogram!("infrastrukt_hub_certificate_latency_seconds", "kind" => kind_word(*kind)).record(*seconds as f64);
    }
    for (chain, evidence) in &block.frozen {
        tracing::error!(%chain, evidence, "the chain is frozen");
        gauge!("infrastrukt_hub_chain_frozen", "chain" => chain.to_string()).set(1.0);
    }
}

const fn kind_word(kind: CheckpointKind) -> &'static str {
    match kind {
        CheckpointKind::General => "general",
        CheckpointKind::Commits => "commits",
        CheckpointKind::Rotation => "rotation",
    }
}

const fn message_word(state: MessageState) -> &'static str {
    match state {
        MessageState::Proven => "proven",
        MessageState::Certified => "certified",
        MessageState::Delivered => "delivered",
        MessageState::Expired => "expired",
        MessageState::Refunded => "refunded",
    }
}

const fn deal_word(state: DealState) -> &'static str {
    match state {
        DealState::Open => "open",
        DealState::Locking => "locking",
        DealState::Decided => "decided",
        DealState::Certified => "certified",
        DealState::Stalled => "stalled",
        DealState::Settling => "settling",
        DealState::Settled => "settled",
        DealState::Escaped => "escaped",
        DealState::Fault => "fault",
    }
}
