//! Submit: offers evidence to the hub, in order, until the hub itself shows that it is proven.
//!
//! Validators keep evidence in memory only, so that "accepted" promises nothing: it is offered again after a while, and
//! kept here until the hub's messages and deals say what it says. Which evidence was offered when is kept in memory: a
//! restart offers all of it again, which is harmless.

use async_trait::async_trait;
use futures::{StreamExt, stream};
use infrastrukt_api::{EVIDENCE_MAX, EvidenceOutcome};
use infrastrukt_types::{Evidence, codec};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

use super::{
    HubInfo, Lane, Pause, Shared, Stage, StageError, StageName,
    hub::HubError,
    prove::PIECE_BYTES_MAX,
    question::{Answer, Question},
};
use crate::{
    metrics,
    store::{DeadEvidence, EvidenceKey, EvidenceRecord},
};

/// Pieces of evidence under way at once.
const WINDOW_MAX: usize = 256;
/// Most bytes of one call, before JSON doubles them.
const CALL_BYTES_MAX: usize = 1024 * 1024;
/// Time after which accepted evidence that is not proven is offered again; doubles up to the other.
const OFFER_AGAIN_MS: u64 = 10_000;
const OFFER_AGAIN_MAX_MS: u64 = 300_000;
/// Offers after which a person is told, again and again, that evidence is accepted and never proven.
const OFFERS_WARN: u32 = 10;
/// Offers after which a fact is given up that speaks of nothing the hub knows, such as a lock of an unknown deal. A piece
/// that was offered more often leaves a full window, so that it keeps no other one out.
const OFFERS_UNKNOWN_MAX: u32 = 5;
/// Pause before pieces that left the window are read into it again.
const READ_AGAIN_MS: u64 = 300_000;
/// Pieces about which the hub is asked at once.
const ASKS_MAX: usize = 16;
/// Questions to the hub about one piece in one turn.
const ASKS_PIECE_MAX: usize = 32;
/// Pause between two looks at whether evidence is proven.
const CHECK_MS: u64 = 500;
/// Pause when there is nothing to submit.
const IDLE: Duration = Duration::from_secs(2);

/// A piece under way.
struct Offer {
    record: EvidenceRecord,
    offers: u32,
    due_ms: u64,
    /// What the hub is still to be asked about its facts, once that was worked out.
    open: Option<Vec<Question>>,
}

/// A piece about which the hub is asked.
struct Asked {
    key: EvidenceKey,
    gives_up: bool,
    questions: Vec<Question>,
}

/// Submits the evidence of one chain.
pub(crate) struct Submit {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    window: BTreeMap<EvidenceKey, Offer>,
    read_to: Option<EvidenceKey>,
    /// When pieces that left the window are read again, where some did.
    read_again_ms: Option<u64>,
    checked_at_ms: u64,
}

#[async_trait]
impl Stage for Submit {
    fn name(&self) -> StageName {
        StageName::Submit
    }

    fn lane(&self) -> Option<&Arc<Lane>> {
        Some(&self.lane)
    }

    fn wake(&self) -> &Notify {
        &self.lane.wake_submit
    }

    async fn turn(&mut self) -> Result<Pause, StageError> {
        self.fill()?;
        if self.window.is_empty() {
            return Ok(Pause::Idle(IDLE));
        }
        let now_ms = self.shared.clock.now_ms();
        if now_ms.saturating_sub(self.checked_at_ms) >= CHECK_MS {
            self.drop_proven().await?;
            self.checked_at_ms = now_ms;
        }
        let offered = self.offer(now_ms).await?;
        Ok(if offered { Pause::None } else { Pause::Idle(Duration::from_millis(CHECK_MS)) })
    }
}

impl Submit {
    pub(crate) fn new(shared: Arc<Shared>, lane: Arc<Lane>) -> Self {
        Self { shared, lane, window: BTreeMap::new(), read_to: None, read_again_ms: None, checked_at_ms: 0 }
    }

    /// Reads further evidence into the window.
    fn fill(&mut self) -> Result<(), StageError> {
        let now_ms = self.shared.clock.now_ms();
        let is_due = self.read_again_ms.is_some_and(|at| at <= now_ms);
        if self.lane.evidence_reset.swap(false, Ordering::AcqRel) || is_due {
            (self.read_to, self.read_again_ms) = (None, None);
        }
        if self.window.len() >= WINDOW_MAX {
            self.make_room(now_ms);
        }
        let room = WINDOW_MAX - self.window.len().min(WINDOW_MAX);
        if room == 0 {
            return Ok(());
        }
        // After a reset the rows of the window are read again; they must not use up the room.
        let page = self.shared.book.evidence_after(self.lane.chain, self.read_to, WINDOW_MAX)?;
        let fresh: Vec<_> = page.into_iter().filter(|(key, _)| !self.window.contains_key(key)).take(room).collect();
        for (key, record) in fresh {
            self.read_to = Some(self.read_to.map_or(key, |read| read.max(key)));
            self.window.insert(key, Offer { record, offers: 0, due_ms: 0, open: None });
        }
        Ok(())
    }

    /// Lets go of pieces that were offered often. They stay in the store and come back later.
    fn make_room(&mut self, now_ms: u64) {
        let before = self.window.len();
        self.window.retain(|_, offer| offer.offers <= OFFERS_UNKNOWN_MAX);
        if self.window.len() < before {
            self.read_again_ms.get_or_insert(now_ms.saturating_add(READ_AGAIN_MS));
        }
    }

    /// Removes evidence from the store once the hub needs none of its facts any more.
    async fn drop_proven(&mut self) -> Result<(), StageError> {
        let Some(info) = self.shared.hub_info() else { return Ok(()) };
        let heights = self.shared.hub.proven_heights().await?;
        let height = heights.iter().find(|proven| proven.chain == self.lane.chain).map_or(0, |proven| proven.block);
        let asked = self.open_questions(&info, height)?;
        let this = &*self;
        let answers: Vec<_> = stream::iter(asked)
            .map(|Asked { key, gives_up, questions }| async move {
                let (over, failure) = this.ask(&questions, gives_up).await;
                (key, over, failure)
            })
            .buffered(ASKS_MAX)
            .collect()
            .await;
        let (mut done, mut failed) = (Vec::new(), None);
        for (key, over, failure) in answers {
            failed = failed.or(failure);
            if let Some(open) = self.window.get_mut(&key).and_then(|offer| offer.open.as_mut()) {
                open.drain(..over);
                if open.is_empty() {
                    done.push(key);
                }
            }
        }
        let mut change = self.shared.book.change();
        for key in &done {
            change.remove_evidence(self.lane.chain, *key)?;
        }
        change.commit()?;
        for key in done {
            self.window.remove(&key);
        }
        failed.map_or(Ok(()), Err)
    }

    /// What to ask about pieces that may be proven: the hub knows a fact of their block or of a later one.
    fn open_questions(&mut self, info: &HubInfo, height: u64) -> Result<Vec<Asked>, StageError> {
        let (book, chain) = (&self.shared.book, self.lane.chain);
        let mut asked = Vec::new();
        for (key, offer) in self.window.iter_mut().take_while(|(key, _)| key.block <= height) {
            if offer.open.is_none() {
                // Without its row it was taken out of the store meanwhile; then it is not offered again either.
                let Some(facts) = book.evidence_facts(chain, *key)? else { continue };
                offer.open = Some(facts.iter().map(|fact| Question::about(info, &fact.kind)).collect());
            }
            let questions = offer.open.iter().flatten().take(ASKS_PIECE_MAX).copied().collect();
            asked.push(Asked { key: *key, gives_up: offer.offers >= OFFERS_UNKNOWN_MAX, questions });
        }
        Ok(asked)
    }

    /// How many of the questions, from the first on, need not be asked again: their facts are proven, or were offered
    /// often enough and speak of nothing the hub knows. A fact that the hub waits for ends it.
    async fn ask(&self, questions: &[Question], gives_up: bool) -> (usize, Option<StageError>) {
        for (over, question) in questions.iter().enumerate() {
            match question.ask(self.shared.hub.as_ref()).await {
                Ok(Answer::Proven) => {}
                Ok(Answer::Unknown) if gives_up => {
                    tracing::warn!(lane = self.lane.label(), ?question, "a fact of nothing the hub knows; given up");
                }
                Ok(Answer::Unknown | Answer::NotYet) => return (over, None),
                Err(error) => return (over, Some(error.into())),
            }
        }
        (questions.len(), None)
    }

    /// Offers what is due, as much as one call holds. False where nothing was due.
    async fn offer(&mut self, now_ms: u64) -> Result<bool, StageError> {
        let mut keys = Vec::new();
        let mut bodies = Vec::new();
        let mut gone = Vec::new();
        let mut bytes = 0;
        for (key, _) in self.window.iter().filter(|(_, offer)| offer.due_ms <= now_ms) {
            let Some(body) = self.shared.book.evidence_body(self.lane.chain, *key)? else {
                gone.push(*key);
                continue;
            };
            bytes += codec::encode(&body).len();
            if keys.len() == EVIDENCE_MAX || (bytes > CALL_BYTES_MAX && !keys.is_empty()) {
                break;
            }
            keys.push(*key);
            bodies.push(body);
        }
        for key in gone {
            self.window.remove(&key);
        }
        if keys.is_empty() {
            return Ok(false);
        }
        let outcomes = self.call(bodies).await?;
        self.note(now_ms, keys.into_iter().zip(outcomes))?;
        Ok(true)
    }

    /// One call; where the hub refuses it as a whole, one call for each item to find the offender.
    async fn call(&self, bodies: Vec<Evidence>) -> Result<Vec<EvidenceOutcome>, StageError> {
        let hub = &self.shared.hub;
        let count = bodies.len();
        let outcomes = match hub.submit_evidence(bodies.clone()).await {
            Err(HubError::Refused(_)) => {
                let mut outcomes = Vec::with_capacity(count);
                for body in bodies {
                    outcomes.push(match hub.submit_evidence(vec![body]).await {
                        Ok(mut one) if one.len() == 1 => one.remove(0),
                        Ok(_) => return Err(wrong_count(1)),
                        Err(HubError::Refused(reason)) => EvidenceOutcome::Rejected { reason },
                        Err(error @ (HubError::Unreachable(_) | HubError::Busy(_))) => return Err(error.into()),
                    });
                }
                outcomes
            }
            other => other?,
        };
        if outcomes.len() == count { Ok(outcomes) } else { Err(wrong_count(count)) }
    }

    fn note(
        &mut self,
        now_ms: u64,
        outcomes: impl Iterator<Item = (EvidenceKey, EvidenceOutcome)>,
    ) -> Result<(), StageError> {
        let (lane, chain) = (self.lane.label(), self.lane.chain);
        let mut change = self.shared.book.change();
        let mut dead = Vec::new();
        for (key, outcome) in outcomes {
            let Some(offer) = self.window.get_mut(&key) else { continue };
            offer.offers = offer.offers.saturating_add(1);
            let again_ms = OFFER_AGAIN_MS.saturating_mul(1 << (offer.offers - 1).min(5)).min(OFFER_AGAIN_MAX_MS);
            let buried = match outcome {
                // However long it takes: decisions hang on it.
                EvidenceOutcome::Accepted => {
                    offer.due_ms = now_ms.saturating_add(again_ms);
                    if offer.offers.is_multiple_of(OFFERS_WARN) {
                        tracing::warn!(
                            lane,
                            block = key.block,
                            offers = offer.offers,
                            "accepted, and still not proven"
                        );
                    }
                    continue;
                }
                EvidenceOutcome::Retry { after_ms, reason } => {
                    metrics::retry(lane, "evidence");
                    tracing::debug!(lane, block = key.block, reason, "the hub cannot judge this evidence yet");
                    // Waiting for finality is no offer that failed.
                    offer.offers -= 1;
                    offer.due_ms = now_ms.saturating_add(after_ms.clamp(CHECK_MS, OFFER_AGAIN_MAX_MS));
                    continue;
                }
                EvidenceOutcome::Rejected { reason } => reason,
            };
            tracing::error!(lane, block = key.block, reason = buried, "evidence refused for good; dead letter");
            let reason = crate::store::shortened(&buried);
            change.bury_evidence(
                chain,
                key,
                &DeadEvidence { record: offer.record.clone(), reason, since_ms: now_ms },
            )?;
            dead.push(key);
        }
        change.commit()?;
        for key in dead {
            self.window.remove(&key);
        }
        Ok(())
    }
}

fn wrong_count(expected: usize) -> StageError {
    HubError::Unreachable(format!("it answered another number of items than the {expected} it was asked about")).into()
}

const _: () = assert!(PIECE_BYTES_MAX < CALL_BYTES_MAX, "every piece but a giant receipt fits in a call");
