//! Turns what a validator verified into signed attestations in the log.

use infrastrukt_ports::{Clock, Consensus, Signer, SignerError, StoreError};
use infrastrukt_protocol::StateView;
use infrastrukt_store::{BlockConflict, HubStore};
use infrastrukt_types::{Attestation, Fact, FactId, HubId, HubTx, Verified};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{desk::Desk, pending::PendingFacts};
use crate::blocking::blocking;

/// How long facts are gathered before they are signed together.
const WINDOW: Duration = Duration::from_millis(20);
/// How often it is checked which facts reached the log.
const TICK: Duration = Duration::from_millis(500);
/// Batches of facts that wait to be gathered.
pub(super) const FACTS_QUEUE: usize = 64;

#[derive(Debug, thiserror::Error)]
enum AttestError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// Signs and offers what its evidence checker verified.
pub(super) struct Attestor {
    pub(super) hub_id: HubId,
    pub(super) store: Arc<HubStore>,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) consensus: Arc<dyn Consensus>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) desk: Arc<Desk>,
    pub(super) verified: mpsc::Receiver<Vec<Verified<Fact>>>,
}

impl Attestor {
    /// Attests until cancelled.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let mut pending = PendingFacts::default();
        let clock = self.clock.clone();
        loop {
            let room = pending.has_room();
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Some(facts) = self.verified.recv(), if room => {
                    pending.add(facts.into_iter().map(Verified::into_inner));
                    clock.sleep(WINDOW).await;
                }
                () = clock.sleep(TICK), if !pending.is_empty() => {}
            }
            while pending.has_room()
                && let Ok(facts) = self.verified.try_recv()
            {
                pending.add(facts.into_iter().map(Verified::into_inner));
            }
            if let Err(error) = self.flush(&mut pending).await {
                tracing::error!(%error, validator = %self.signer.address(), "facts are not attested, trying again");
                clock.sleep(TICK).await;
            }
        }
    }

    async fn flush(&self, pending: &mut PendingFacts) -> Result<(), AttestError> {
        let now_ms = self.clock.now_ms();
        pending.settle(now_ms, |id, fact| self.is_settled(id, fact))?;
        for fact in pending.give_up(now_ms) {
            tracing::warn!(?fact, validator = %self.signer.address(), "the log never took this fact, it is given up");
        }
        if !self.is_member()? {
            // Its votes would count for nothing. Relayers offer what is not proven again, and it has to be checked again
            // then: this validator may be a member by that time.
            if !pending.is_empty() {
                *pending = PendingFacts::default();
                self.desk.forget_verified();
            }
            return Ok(());
        }
        loop {
            let facts = pending.take_due(now_ms);
            if facts.is_empty() {
                return Ok(());
            }
            self.attest(facts).await?;
        }
    }

    async fn attest(&self, facts: Vec<Fact>) -> Result<(), AttestError> {
        let facts = self.remember(facts).await?;
        if facts.is_empty() {
            return Ok(());
        }
        let signature = self.signer.sign(Attestation::digest(self.hub_id, &facts)).await?;
        let validator = self.signer.address();
        tracing::debug!(%validator, facts = facts.len(), "attesting");
        let attestation = Attestation { validator, facts, signature: signature.to_vec().into() };
        if let Err(error) = self.consensus.submit(HubTx::Attest(attestation)).await {
            // The facts stay pending and come again after their pause.
            tracing::warn!(%validator, %error, "an attestation was not taken");
        }
        Ok(())
    }

    /// Puts on disk which block of which chain is vouched for, before the signature exists. A second hash of one block
    /// is never signed: the chain is given up, with both hashes as the evidence.
    async fn remember(&self, facts: Vec<Fact>) -> Result<Vec<Fact>, StoreError> {
        let store = self.store.clone();
        let work = blocking(move || store.attest_once(facts));
        let (facts, conflicts) = work.await.unwrap_or_else(|error| Err(StoreError::Io(error.to_string())))?;
        for conflict in conflicts {
            self.give_up(&conflict);
        }
        Ok(facts)
    }

    fn give_up(&self, conflict: &BlockConflict) {
        tracing::error!(%conflict, validator = %self.signer.address(), "the chain is given up");
        self.desk.halt(conflict.chain, &conflict.to_string());
    }

    /// True when nothing is left to say about a fact: it is proven, this validator voted, or its chain was given up.
    fn is_settled(&self, id: &FactId, fact: &Fact) -> Result<bool, StoreError> {
        let origin = &fact.origin;
        if self.desk.halted(origin.chain).is_some() {
            return Ok(true);
        }
        let proven = self.store.fact_at(origin.chain, origin.block_number, origin.tx_index, origin.event_index)?;
        if proven == Some(*id) {
            return Ok(true);
        }
        let tally = self.store.tally(id)?;
        Ok(tally.is_some_and(|tally| tally.voters.contains(&self.signer.address())))
    }

    fn is_member(&self) -> Result<bool, StoreError> {
        let current = self.store.epoch(self.store.tip()?.epoch)?;
        Ok(current.is_some_and(|epoch| epoch.set.find(self.signer.address()).is_some()))
    }
}
