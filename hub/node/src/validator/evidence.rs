//! A validator checks evidence itself, with its own view of the chain, before it says anything about it.
//!
//! Nothing waits here while it holds room: what cannot be judged yet is dropped, its block is put off for a while, and
//! whoever submitted it offers it again.

use futures::{StreamExt, stream::FuturesUnordered};
use infrastrukt_ports::{Clock, FactVerifier, PortError, Remedy};
use infrastrukt_types::{B256, ChainId, Evidence, Fact, Verified};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{
    desk::{Desk, Known, PutOff, Subject},
    heads::Heads,
    turns::Turns,
};
use crate::{
    config::EvidenceLimits,
    quota::{Caller, Place, Quota},
};

/// Longest a single check may take; after it the endpoints count as away.
const CHECK_TIMEOUT: Duration = Duration::from_secs(60);
/// Shortest time for which a block that cannot be judged is put off.
const PUT_OFF_MIN: Duration = Duration::from_millis(500);
/// Longest time for which a block that cannot be judged is put off.
const PUT_OFF_MAX: Duration = Duration::from_secs(20);
/// Milliseconds after which evidence of a block that is not known to be final may be offered again.
const NOT_FINAL_RETRY_MS: u64 = 500;
/// Longest an offer waits for its block to be final.
const FINALITY_PATIENCE: Duration = Duration::from_millis(300);
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
    /// Whoever hands it in.
    pub(crate) caller: Caller,
}

impl Offered {
    fn subject(&self) -> Subject {
        Subject { chain: self.evidence.chain(), block: self.evidence.block_number(), digest: self.digest }
    }
}

struct Item {
    offered: Offered,
    /// Freed with the item: the bound of the queue.
    _room: Place,
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
    /// It cannot be judged yet; nothing of it is kept.
    Later {
        /// Milliseconds to wait at least.
        after_ms: u64,
        /// Why.
        reason: String,
    },
    /// No room.
    Full,
}

/// Where evidence is handed in.
#[derive(Clone)]
pub(crate) struct EvidenceInbox {
    items: mpsc::UnboundedSender<Item>,
    room: Arc<Quota>,
    desk: Arc<Desk>,
    heads: Arc<Heads>,
    verifiers: Arc<HashMap<ChainId, Arc<dyn FactVerifier>>>,
    clock: Arc<dyn Clock>,
}

/// Checks what was handed in.
pub(crate) struct EvidenceChecker {
    items: mpsc::UnboundedReceiver<Item>,
    checks: Checks,
    heads: Arc<Heads>,
}

struct Checks {
    slots: Semaphore,
    turns: Turns,
    desk: Arc<Desk>,
    verifiers: Arc<HashMap<ChainId, Arc<dyn FactVerifier>>>,
    facts: mpsc::Sender<Vec<Verified<Fact>>>,
    clock: Arc<dyn Clock>,
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
    let heads = Arc::new(Heads::new(&verifiers, desk.clone(), clock.clone()));
    let verifiers = Arc::new(verifiers);
    let inbox = EvidenceInbox {
        items: sender,
        room: Quota::new(limits.queue_bytes_max as usize, limits.queue_bytes_per_caller_max as usize),
        desk: desk.clone(),
        heads: heads.clone(),
        verifiers: verifiers.clone(),
        clock: clock.clone(),
    };
    let slots = Semaphore::new(limits.concurrency as usize);
    let checks = Checks { slots, turns: Turns::default(), desk, verifiers, facts, clock };
    (inbox, EvidenceChecker { items, checks, heads })
}

impl EvidenceInbox {
    /// Refuses what is wrong by itself. Takes no room and asks nobody; may take milliseconds of computing.
    pub(crate) fn screen(&self, evidence: &Evidence) -> Result<(), PortError> {
        self.verifiers.get(&evidence.chain()).map_or(Ok(()), |verifier| verifier.screen(evidence))
    }

    /// Waits a moment for the endpoints to say that a block is final: whoever offers evidence of the newest final block is
    /// often the first to know of it.
    pub(crate) async fn finality(&self, chain: ChainId, block: u64) {
        // Where it is not final by then, the offer says so.
        self.heads.reach_within(chain, block, FINALITY_PATIENCE).await;
    }

    /// Hands evidence in that was screened, unless it is known, of a block that is not final, or there is no room.
    pub(crate) fn offer(&self, offered: &Offered) -> OfferOutcome {
        let (subject, now_ms) = (offered.subject(), self.clock.now_ms());
        match self.desk.lookup(&subject, now_ms) {
            Known::Checking => return OfferOutcome::Taken,
            Known::Rejected(reason) => return OfferOutcome::Rejected(reason),
            Known::Halted(reason) => return OfferOutcome::Halted(reason),
            Known::PutOff(PutOff { until_ms, reason }) => {
                return OfferOutcome::Later { after_ms: until_ms.saturating_sub(now_ms), reason };
            }
            Known::New => {}
        }
        let Subject { chain, block, digest } = subject;
        if !self.heads.reach(chain, block) {
            let reason = format!("block {block} of {chain} is not known to be final yet");
            return OfferOutcome::Later { after_ms: NOT_FINAL_RETRY_MS, reason };
        }
        let cost = offered.bytes.saturating_add(ITEM_OVERHEAD_BYTES);
        let Some(room) = self.room.admit(offered.caller, cost) else { return OfferOutcome::Full };
        if self.desk.begin(digest) && self.items.send(Item { offered: offered.clone(), _room: room }).is_err() {
            self.desk.end(&digest);
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
        self.room.held()
    }
}

impl EvidenceChecker {
    /// Checks until cancelled. What is under way then is offered again by relayers after the restart.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let Self { mut items, checks, heads } = self;
        let mut running = FuturesUnordered::new();
        let following = heads.follow();
        tokio::pin!(following);
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                () = &mut following => return,
                Some(()) = running.next() => {}
                Some(item) = items.recv() => running.push(checks.handle(item)),
            }
        }
    }
}

impl Checks {
    async fn handle(&self, item: Item) {
        let subject = item.offered.subject();
        let chain = subject.chain;
        let outcome = match self.verifiers.get(&chain) {
            Some(verifier) => self.check(verifier.as_ref(), &item.offered, &subject).await,
            None => Err(PortError::reject(format!("this validator has no view of {chain}"))),
        };
        match outcome {
            Ok(facts) => {
                metrics::counter!("infrastrukt_hub_facts_verified_total", "chain" => chain.to_string())
                    .increment(facts.len() as u64);
                // The other end only goes away when the validator stops.
                let _ = self.facts.send(facts).await;
                self.desk.verified(subject.digest, self.clock.now_ms());
            }
            Err(error) => self.note(&subject, &error),
        }
        self.desk.end(&subject.digest);
    }

    fn note(&self, subject: &Subject, error: &PortError) {
        let Subject { chain, block, digest } = *subject;
        let remedy = match error.remedy {
            Remedy::Retry { after } => {
                let pause = after.clamp(PUT_OFF_MIN, PUT_OFF_MAX);
                let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                self.desk.put_off(chain, block, self.clock.now_ms().saturating_add(pause_ms), &error.message);
                "retry"
            }
            Remedy::Rewind { .. } => "rewind",
            Remedy::Reject => {
                self.desk.reject(digest, &error.message);
                "reject"
            }
            Remedy::Halt => {
                self.desk.halt(chain, &error.message);
                "halt"
            }
        };
        metrics::counter!("infrastrukt_hub_evidence_refused_total", "chain" => chain.to_string(), "remedy" => remedy)
            .increment(1);
        tracing::warn!(%chain, block, %digest, remedy, %error, "evidence led to no facts");
    }

    /// One check at a time for each block: the first looks its header up, the others find it known or put off.
    async fn check(
        &self,
        verifier: &dyn FactVerifier,
        offered: &Offered,
        subject: &Subject,
    ) -> Result<Vec<Verified<Fact>>, PortError> {
        let _turn = self.turns.take((subject.chain, subject.block)).await;
        let stops = |_| PortError::retry(PUT_OFF_MIN, "the validator stops");
        let _slot = self.slots.acquire().await.map_err(stops)?;
        if let Some(reason) = self.desk.halted(subject.chain) {
            return Err(PortError::halt(reason));
        }
        let now_ms = self.clock.now_ms();
        if let Some(PutOff { until_ms, reason }) = self.desk.put_off_at(subject.chain, subject.block, now_ms) {
            return Err(PortError::retry(Duration::from_millis(until_ms.saturating_sub(now_ms)), reason));
        }
        tokio::select! {
            biased;
            verified = verifier.verify(&offered.evidence) => verified,
            () = self.clock.sleep(CHECK_TIMEOUT) => {
                Err(PortError::retry(PUT_OFF_MAX, format!("no answer within {} s", CHECK_TIMEOUT.as_secs())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;
    use async_trait::async_trait;
    use infrastrukt_ports::Check;
    use infrastrukt_types::ReceiptEvidence;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const CHAIN: ChainId = ChainId(1);
    const FINAL_HEAD: u64 = 100;
    const PATIENCE: Duration = Duration::from_secs(10);

    /// A view of a chain whose endpoints hang, or are away.
    struct Endpoints {
        hang: bool,
        lookups: AtomicUsize,
    }

    #[async_trait]
    impl FactVerifier for Endpoints {
        fn chain(&self) -> ChainId {
            CHAIN
        }

        fn screen(&self, _: &Evidence) -> Result<(), PortError> {
            Ok(())
        }

        async fn final_head(&self) -> Result<u64, PortError> {
            Ok(FINAL_HEAD)
        }

        async fn verify(&self, _: &Evidence) -> Result<Vec<Verified<Fact>>, PortError> {
            self.lookups.fetch_add(1, Ordering::SeqCst);
            if self.hang {
                std::future::pending::<()>().await;
            }
            Err(PortError::retry(PUT_OFF_MAX, "no endpoint answers"))
        }

        async fn check(&self) -> Vec<Check> {
            Vec::new()
        }
    }

    fn offered(block: u64, item: u8, ip: &str) -> Offered {
        let (block_hash, receipts) = (B256::repeat_byte(item), Vec::new());
        let evidence = ReceiptEvidence { chain: CHAIN, block_number: block, block_hash, receipts };
        let (digest, caller) = (B256::repeat_byte(item), Caller::of(ip.parse().unwrap()));
        Offered { evidence: Arc::new(Evidence::Receipts(evidence)), digest, bytes: 0, caller }
    }

    /// A running lane that holds eight items at most, four of one caller.
    async fn lane(hang: bool) -> (EvidenceInbox, Arc<Endpoints>) {
        let endpoints = Arc::new(Endpoints { hang, lookups: AtomicUsize::new(0) });
        let limits = EvidenceLimits {
            queue_bytes_max: 8 * ITEM_OVERHEAD_BYTES as u32,
            queue_bytes_per_caller_max: 4 * ITEM_OVERHEAD_BYTES as u32,
            concurrency: 2,
        };
        let verifiers = HashMap::from([(CHAIN, endpoints.clone() as Arc<dyn FactVerifier>)]);
        let (inbox, checker) = evidence_lane(limits, verifiers, mpsc::channel(1).0, Arc::new(SystemClock));
        tokio::spawn(checker.run(CancellationToken::new()));
        let known = async {
            while !inbox.heads.reach(CHAIN, FINAL_HEAD) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, known).await.expect("the head is asked for at the start");
        (inbox, endpoints)
    }

    #[tokio::test]
    async fn evidence_of_a_later_block_is_not_held() {
        let (inbox, endpoints) = lane(true).await;
        let outcome = inbox.offer(&offered(FINAL_HEAD + 1, 1, "192.0.2.1"));
        assert!(matches!(outcome, OfferOutcome::Later { .. }), "{outcome:?}");
        assert_eq!((inbox.bytes(), endpoints.lookups.load(Ordering::SeqCst)), (0, 0));
    }

    #[tokio::test]
    async fn one_caller_leaves_room_for_others() {
        let (inbox, _) = lane(true).await;
        for item in 0..4 {
            assert_eq!(inbox.offer(&offered(u64::from(item), item, "192.0.2.1")), OfferOutcome::Taken);
        }
        assert_eq!(inbox.offer(&offered(50, 50, "192.0.2.1")), OfferOutcome::Full);
        assert_eq!(inbox.offer(&offered(51, 51, "192.0.2.2")), OfferOutcome::Taken);
    }

    #[tokio::test]
    async fn a_block_that_cannot_be_judged_is_looked_up_once_and_holds_nothing() {
        let (inbox, endpoints) = lane(false).await;
        for item in 0..4 {
            inbox.offer(&offered(7, item, "192.0.2.1"));
        }
        let emptied = async {
            while inbox.bytes() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, emptied).await.expect("nothing waits inside the queue");
        assert_eq!(endpoints.lookups.load(Ordering::SeqCst), 1, "one lookup for four items");
        let outcome = inbox.offer(&offered(7, 9, "192.0.2.1"));
        assert!(matches!(outcome, OfferOutcome::Later { .. }), "{outcome:?}");
    }
}
