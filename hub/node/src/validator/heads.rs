//! Up to where each chain is final, as far as this validator's endpoints have said. Evidence of later blocks is turned
//! away without holding it; the endpoints are asked anew only then, and no more often than a pause apart.

use futures::future::join_all;
use infrastrukt_ports::{Clock, FactVerifier, Remedy};
use infrastrukt_types::ChainId;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Notify, watch};

use super::desk::Desk;

/// Longest wait for the endpoints' answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(30);
/// Least time between two questions.
const ASK_PAUSE: Duration = Duration::from_millis(200);

struct Head {
    chain: ChainId,
    verifier: Arc<dyn FactVerifier>,
    known: watch::Sender<u64>,
    wanted: Notify,
}

/// The final heads of all chains.
pub(super) struct Heads {
    by_chain: BTreeMap<ChainId, Head>,
    desk: Arc<Desk>,
    clock: Arc<dyn Clock>,
}

impl Heads {
    /// Nothing known yet, everything wanted.
    pub(super) fn new(
        verifiers: &HashMap<ChainId, Arc<dyn FactVerifier>>,
        desk: Arc<Desk>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let head = |(chain, verifier): (&ChainId, &Arc<dyn FactVerifier>)| {
            let (known, wanted) = (watch::channel(0).0, Notify::new());
            let head = Head { chain: *chain, verifier: verifier.clone(), known, wanted };
            head.wanted.notify_one();
            (*chain, head)
        };
        Self { by_chain: verifiers.iter().map(head).collect(), desk, clock }
    }

    /// True when the block is known to be final, or its chain has no verifier. Else the endpoints are asked soon.
    pub(super) fn reach(&self, chain: ChainId, block: u64) -> bool {
        let Some(head) = self.by_chain.get(&chain) else { return true };
        if block <= *head.known.borrow() {
            return true;
        }
        head.wanted.notify_one();
        false
    }

    /// The same, after a wait of at most `patience` for the endpoints' answer.
    pub(super) async fn reach_within(&self, chain: ChainId, block: u64, patience: Duration) -> bool {
        if self.reach(chain, block) {
            return true;
        }
        let Some(head) = self.by_chain.get(&chain) else { return true };
        let mut known = head.known.subscribe();
        tokio::select! {
            biased;
            known = known.wait_for(|known| block <= *known) => known.is_ok(),
            () = self.clock.sleep(patience) => false,
        }
    }

    /// Asks whenever somebody wants to know. Never ends.
    pub(super) async fn follow(&self) {
        let all: Vec<_> = self.by_chain.values().map(|head| self.follow_one(head)).collect();
        join_all(all).await;
        std::future::pending().await
    }

    async fn follow_one(&self, head: &Head) {
        loop {
            head.wanted.notified().await;
            self.ask(head).await;
            self.clock.sleep(ASK_PAUSE).await;
        }
    }

    async fn ask(&self, head: &Head) {
        let chain = head.chain;
        tokio::select! {
            biased;
            answer = head.verifier.final_head() => match answer {
                Ok(number) => {
                    head.known.send_if_modified(|known| {
                        let is_new = number > *known;
                        *known = number.max(*known);
                        is_new
                    });
                }
                Err(error) => {
                    tracing::warn!(%chain, %error, "the final head is not known");
                    match error.remedy {
                        Remedy::Halt => self.desk.halt(chain, &error.message),
                        Remedy::Retry { .. } | Remedy::Rewind { .. } | Remedy::Reject => {}
                    }
                }
            },
            () = self.clock.sleep(ASK_TIMEOUT) => {
                tracing::warn!(%chain, "no endpoint named a final head within {} s", ASK_TIMEOUT.as_secs());
            }
        }
    }
}
