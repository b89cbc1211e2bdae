//! Observe: reads final facts of a chain, and stores them with the cursor before anyone acts on them.

use async_trait::async_trait;
use infrastrukt_ports::{PortError, Remedy, Scan, ScanCursor};
use infrastrukt_types::{Fact, FactKind};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

use super::{Lane, Pause, Shared, Stage, StageError, StageName, lifecycle, prove};
use crate::{metrics, store::EvidenceKey};

/// Pause while the hub lets too much evidence pile up.
const BACKED_UP_PAUSE: Duration = Duration::from_secs(1);
/// Evidence rows looked at in one step of a rewind.
const REWIND_PAGE: usize = 1_024;

/// Reads one chain.
pub(crate) struct Observe {
    pub(crate) shared: Arc<Shared>,
    pub(crate) lane: Arc<Lane>,
}

#[async_trait]
impl Stage for Observe {
    fn name(&self) -> StageName {
        StageName::Observe
    }

    fn lane(&self) -> Option<&Arc<Lane>> {
        Some(&self.lane)
    }

    fn wake(&self) -> &Notify {
        &self.lane.paced
    }

    async fn turn(&mut self) -> Result<Pause, StageError> {
        let lane = &self.lane;
        if self.shared.book.counts(lane.chain).evidence >= self.shared.limits.evidence_max {
            return Ok(Pause::Idle(BACKED_UP_PAUSE));
        }
        let fresh = ScanCursor { next: lane.start_block, parent: None };
        let cursor = self.shared.book.scan_cursor(lane.chain)?.unwrap_or(fresh);
        let scan = match lane.reader.scan(cursor, lane.policy.scan_blocks_max).await {
            Ok(scan) => scan,
            Err(PortError { remedy: Remedy::Rewind { block }, message, .. }) if block < cursor.next => {
                tracing::warn!(lane = lane.label(), block, reason = message, "reading again from an earlier block");
                self.rewind(block)?;
                return Ok(Pause::None);
            }
            Err(error) => return Err(error.into()),
        };
        if scan.cursor.next < cursor.next {
            return Err(StageError::Halt(format!(
                "the scan went back from block {} to {} without saying so",
                cursor.next, scan.cursor.next
            )));
        }
        let behind = scan.cursor.next <= scan.head.number && scan.cursor != cursor;
        self.store(cursor, scan)?;
        Ok(if behind { Pause::None } else { Pause::Idle(Duration::from_millis(lane.policy.poll_ms)) })
    }
}

impl Observe {
    /// Stores cursor, evidence and what the facts mean for queued items in one batch.
    fn store(&self, before: ScanCursor, scan: Scan) -> Result<(), StageError> {
        let lane = &self.lane;
        let now_ms = self.shared.clock.now_ms();
        let found = !scan.blocks.is_empty();
        if scan.cursor != before {
            let mut change = self.shared.book.change();
            let mut tally = lifecycle::Tally::default();
            for block in scan.blocks {
                for fact in &block.facts {
                    log(lane, fact);
                    tally.add(lifecycle::apply_fact(&mut change, lane.chain, &fact.kind, now_ms)?);
                }
                for piece in prove::pieces(block, now_ms) {
                    change.put_evidence(lane.chain, piece.key, &piece.record, &piece.facts, &piece.body)?;
                }
            }
            change.set_scan_cursor(lane.chain, &scan.cursor);
            change.commit()?;
            lane.messages.fetch_add(tally.sent + tally.delivered, Ordering::Relaxed);
            metrics::delivered(lane.label(), tally.delivered);
        }
        lane.set_head(scan.head);
        lane.scanned_next.store(scan.cursor.next, Ordering::Release);
        metrics::finality_lag(lane.label(), now_ms, scan.head.time);
        if found {
            lane.wake_submit.notify_one();
            lane.wake_deliver.notify_one();
        }
        Ok(())
    }

    /// Moves the cursor back and forgets evidence of the blocks that will be read again.
    fn rewind(&self, block: u64) -> Result<(), StageError> {
        let (book, chain) = (&self.shared.book, self.lane.chain);
        let mut change = book.change();
        let mut last = block.checked_sub(1).map(|block| EvidenceKey { block, part: u32::MAX });
        loop {
            let page = book.evidence_after(chain, last, REWIND_PAGE)?;
            for (key, _) in &page {
                change.remove_evidence(chain, *key)?;
            }
            match page.last() {
                Some((key, _)) if page.len() == REWIND_PAGE => last = Some(*key),
                Some(_) | None => break,
            }
        }
        change.set_scan_cursor(chain, &ScanCursor { next: block, parent: None });
        change.commit()?;
        self.lane.scanned_next.store(block, Ordering::Release);
        self.lane.evidence_reset.store(true, Ordering::Release);
        Ok(())
    }
}

fn log(lane: &Lane, fact: &Fact) {
    let (lane, block) = (lane.label(), fact.origin.block_number);
    match &fact.kind {
        FactKind::Sent { message, .. } => {
            let (target, nonce) = (message.target.0, message.nonce.0);
            tracing::debug!(lane, block, target, nonce, "message sent");
        }
        FactKind::Delivered(id) => tracing::info!(lane, block, message_id = %id, "message delivered"),
        FactKind::Expired(id) => tracing::info!(lane, block, message_id = %id, "message expired"),
        FactKind::Refunded(id) => tracing::info!(lane, block, message_id = %id, "message refunded"),
        FactKind::Locked { deal, index, .. } => tracing::info!(lane, block, deal_id = %deal, index, "leg locked"),
        FactKind::Settled { deal, index, decision, .. } => {
            tracing::info!(lane, block, deal_id = %deal, index, ?decision, "leg settled");
        }
        FactKind::Escaped { deal, index, .. } => {
            tracing::warn!(lane, block, deal_id = %deal, index, "leg escaped by its timer");
        }
    }
}
