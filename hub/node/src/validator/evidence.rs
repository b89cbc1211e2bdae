//! A validator checks evidence itself, with its own view of the chain, before it says anything about it.

use futures::{StreamExt, stream::FuturesUnordered};
use infrastrukt_ports::{Clock, FactVerifier, PortError, Remedy};
use infrastrukt_types::{B256, ChainId, Evidence, Fact, Verified};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Known};
use crate::config::EvidenceLimits;

/// Longest a single check may take; after it the endpoints count as away.
const CHECK_TIMEOUT: Duration = Duration::from_secs(60);
/// Shortest pause before a check is repeated; it doubles with every try.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// Longest pause before a check is repeated.
const BACKOFF_MAX: Duration = Duration::from_secs(20);
/// What an item costs beside its own bytes, so that their number is bounded as well.
const ITEM_OVERHEAD_BYTES: usize = 1_024;

/// Evidence as it is handed to every validator of this node.
#[derive(Clone)]
pub(crate) struct Offered {
    /// The evidence.
    pub(crate) evidence: Arc<Evidence>,
    /// Digest of its encoding.
    pub(crate) digest: B256,
    /// Length of its encoding.
    pub(crate) bytes: usize,
}

struct Item {
    offered: Offered,
    /// Freed with the item: the bound of the queue.
    _room: OwnedSemaphorePermit,
}

/// What became of an offer at one validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OfferOutcome {
    /// It is being checked.
    Taken,
    /// It is wrong.
    Rejected(String),
    /// The validator gave the chain up.
    Halted(String),
    /// No room.
    Full,
}

/// Where evidence is handed in.
#[derive(Clone)]
pub(crate) struct EvidenceInbox {
    items: mpsc::UnboundedSender<Item>,
    room: Arc<Semaphore>,
    room_max: usize,
    desk: Arc<Desk>,
    clock: Arc<dyn Clock>,
}

/// Checks what was handed in.
pub(crate) struct EvidenceChecker {
    items: mpsc::UnboundedReceiver<Item>,
    checks: Checks,
}

struct Checks {
    slots: Arc<Semaphore>,
    desk: Arc<Desk>,
    verifiers: HashMap<ChainId, Arc<dyn FactVerifier>>,
    facts: mpsc::Sender<Vec<Verified<Fact>>>,
    clock: Arc<dyn Clock>,
    tries_max: u32,
}

/// Both ends of one validator's evidence queue. The channel itself needs no bound: every item holds its bytes.
pub(crate) fn evidence_lane(
    limits: EvidenceLimits,
    verifiers: HashMap<ChainId, Arc<dyn FactVerifier>>,
    facts: mpsc::Sender<Vec<Verified<Fact>>>,
    clock: Arc<dyn Clock>,
) -> (EvidenceInbox, EvidenceChecker) {
    let (sender, items) = mpsc::unbounded_channel();
    let desk = Arc::new(Desk::default());
    let room_max = limits.queue_bytes_max as usize;
    let room = Arc::new(Semaphore::new(room_max));
    let inbox = EvidenceInbox { items: sender, room, room_max, desk: desk.clone(), clock: clock.clone() };
    let slots = Arc::new(Semaphore::new(limits.concurrency as usize));
    let checks = Checks { slots, desk, verifiers, facts, clock, tries_max: limits.tries_max };
    (inbox, EvidenceChecker { items, checks })
}

impl EvidenceInbox {
    /// Hands evidence in, unless it is known or there is no room.
    pub(crate) fn offer(&self, offered: &Offered) -> OfferOutcome {
        match self.desk.lookup(offered.evidence.chain(), &offered.digest, self.clock.now_ms()) {
            Known::Checking => return OfferOutcome::Taken,
            Known::Rejected(reason) => return OfferOutcome::Rejected(reason),
            Known::Halted(reason) => return OfferOutcome::Halted(reason),
            Known::New => {}
        }
        let cost = u32::try_from(offered.bytes.saturating_add(ITEM_OVERHEAD_BYTES)).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().try_acquire_many_owned(cost) else { return OfferOutcome::Full };
        if self.desk.begin(offered.digest) && self.items.send(Item { offered: offered.clone(), _room: room }).is_err() {
            self.desk.end(&offered.digest);
            return OfferOutcome::Full;
        }
        OfferOutcome::Taken
    }

    /// What this validator remembers.
    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    pub(super) fn desk_shared(&self) -> Arc<Desk> {
        self.desk.clone()
    }

    /// Bytes of evidence held.
    pub(crate) fn bytes(&self) -> usize {
        self.room_max.saturating_sub(self.room.available_permits())
    }
}

impl EvidenceChecker {
    /// Checks until cancelled. What is under way then is offered again by relayers after the restart.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let Self { mut items, checks } = self;
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                Some(()) = running.next() => {}
                Some(item) = items.recv() => running.push(checks.handle(item)),
            }
        }
    }
}

impl Checks {
    async fn handle(&self, item: Item) {
        let chain = item.offered.evidence.chain();
        let label = chain.to_string();
        let outcome = match self.verifiers.get(&chain) {
            Some(verifier) => self.check(verifier.as_ref(), &item.offered).await,
            None => Err(PortError::reject(format!("this validator has no view of {chain}"))),
        };
        match outcome {
            Ok(facts) => {
                metrics::counter!("infrastrukt_hub_facts_verified_total", "chain" => label)
                    .increment(facts.len() as u64);
                // The other end only goes away when the validator stops.
                let _ = self.facts.send(facts).await;
                self.desk.verified(item.offered.digest, self.clock.now_ms());
            }
            Err(error) => self.note(&item.offered, chain, &error),
        }
        self.desk.end(&item.offered.digest);
    }

    fn note(&self, offered: &Offered, chain: ChainId, error: &PortError) {
        let remedy = match error.remedy {
            Remedy::Retry { .. } => "retry",
            Remedy::Rewind { .. } => "rewind",
            Remedy::Reject => {
                self.desk.reject(offered.digest, &error.message);
                "reject"
            }
            Remedy::Halt => {
                self.desk.halt(chain, &error.message);
                "halt"
            }
        };
        metrics::counter!("infrastrukt_hub_evidence_refused_total", "chain" => chain.to_string(), "remedy" => remedy)
            .increment(1);
        tracing::warn!(%chain, digest = %offered.digest, remedy, %error, "evidence led to no facts");
    }

    /// Repeats a check that cannot be judged yet, with growing pauses.
    async fn check(&self, verifier: &dyn FactVerifier, offered: &Offered) -> Result<Vec<Verified<Fact>>, PortError> {
        let mut tries = 0;
        loop {
            let error = match self.check_once(verifier, offered).await {
                Ok(facts) => return Ok(facts),
                Err(error) => error,
            };
            tries += 1;
            match error.remedy {
                Remedy::Retry { after } if tries < self.tries_max => self.clock.sleep(backoff(after, tries)).await,
                Remedy::Retry { .. } | Remedy::Rewind { .. } | Remedy::Reject | Remedy::Halt => return Err(error),
            }
        }
    }

    async fn check_once(
        &self,
        verifier: &dyn FactVerifier,
        offered: &Offered,
    ) -> Result<Vec<Verified<Fact>>, PortError> {
        let _slot = self.slots.acquire().await.map_err(|_| PortError::retry(BACKOFF_MIN, "the validator stops"))?;
        if let Some(reason) = self.desk.halted(offered.evidence.chain()) {
            return Err(PortError::halt(reason));
        }
        tokio::select! {
            verified = verifier.verify(&offered.evidence) => verified,
            () = self.clock.sleep(CHECK_TIMEOUT) => {
                Err(PortError::retry(BACKOFF_MAX, format!("no answer within {} s", CHECK_TIMEOUT.as_secs())))
            }
        }
    }
}

fn backoff(after: Duration, tries: u32) -> Duration {
    let doubled = BACKOFF_MIN.saturating_mul(1 << tries.min(10));
    doubled.min(BACKOFF_MAX).max(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_a_bound_and_honours_the_chain() {
        assert_eq!(backoff(Duration::ZERO, 1), Duration::from_millis(400));
        assert_eq!(backoff(Duration::ZERO, 30), BACKOFF_MAX);
        assert_eq!(backoff(Duration::from_secs(60), 1), Duration::from_secs(60));
    }
}
