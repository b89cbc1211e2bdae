//! Submit: offers evidence to the hub, in order, until the hub itself shows that it is proven.
//!
//! Validators keep evidence in memory only, so that "accepted" promises nothing: it is offered again after a while, and
//! kept here until the hub's messages and deals say what it says. Which evidence was offered when is kept in memory: a
//! restart offers all of it again, which is harmless.

use async_trait::async_trait;
use futures::{StreamExt, stream};
use infrastrukt_api::{EVIDENCE_MAX, EvidenceOutcome, LegState, MessageState};
use infrastrukt_types::{DealId, Evidence, FactKind, LockKey, codec};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Notify;

use super::{HubInfo, Lane, Pause, Shared, Stage, StageError, StageName, hub::HubError, prove::PIECE_BYTES_MAX};
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
/// Offers after which evidence that never becomes proven is a dead letter.
const OFFERS_MAX: u32 = 100;
/// Offers after which evidence is dropped that speaks of nothing the hub knows, such as a lock of an unknown deal.
const OFFERS_UNKNOWN_MAX: u32 = 5;
/// Questions to the hub under way at once.
const ASKS_MAX: usize = 16;
/// Pause between two looks at whether evidence is proven.
const CHECK_MS: u64 = 500;
/// Pause when there is nothing to submit.
const IDLE: Duration = Duration::from_secs(2);

/// A piece under way.
struct Offer {
    record: EvidenceRecord,
    offers: u32,
    due_ms: u64,
}

/// What the hub says about a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    Proven,
    NotYet,
    /// Nothing that the hub will ever prove.
    Unknown,
}

/// Submits the evidence of one chain.
pub(crate) struct Submit {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    window: BTreeMap<EvidenceKey, Offer>,
    read_to: Option<EvidenceKey>,
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
        Self { shared, lane, window: BTreeMap::new(), read_to: None, checked_at_ms: 0 }
    }

    /// Reads further evidence into the window.
    fn fill(&mut self) -> Result<(), StageError> {
        if self.lane.evidence_reset.swap(false, Ordering::AcqRel) {
            self.read_to = None;
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
            self.window.insert(key, Offer { record, offers: 0, due_ms: 0 });
        }
        Ok(())
    }

    /// Removes what is proven from the store, and what can never be.
    async fn drop_proven(&mut self) -> Result<(), StageError> {
        let Some(info) = self.shared.hub_info() else { return Ok(()) };
        let heights = self.shared.hub.proven_heights().await?;
        let height = heights.iter().find(|proven| proven.chain == self.lane.chain).map_or(0, |proven| proven.block);
        let provable = self.window.iter().take_while(|(key, _)| key.block <= height);
        let provable: Vec<_> = provable.map(|(key, offer)| (*key, offer.offers, offer.record.clone())).collect();
        let (this, info) = (&*self, &info);
        let judged: Vec<_> = stream::iter(provable)
            .map(|(key, offers, record)| async move { (key, offers, record.facts, this.judge(info, &record).await) })
            .buffered(ASKS_MAX)
            .collect()
            .await;
        let mut over = Vec::new();
        for (key, offers, facts, judged) in judged {
            match judged? {
                Judged::Proven => over.push(key),
                Judged::Unknown if offers >= OFFERS_UNKNOWN_MAX => {
                    let (lane, block) = (self.lane.label(), key.block);
                    tracing::warn!(lane, block, facts, "evidence speaks of nothing the hub knows; dropped");
                    over.push(key);
                }
                Judged::NotYet | Judged::Unknown => {}
            }
        }
        let mut change = self.shared.book.change();
        for key in &over {
            change.remove_evidence(self.lane.chain, *key)?;
        }
        change.commit()?;
        for key in over {
            self.window.remove(&key);
        }
        Ok(())
    }

    async fn judge(&self, info: &HubInfo, record: &EvidenceRecord) -> Result<Judged, StageError> {
        let mut judged = Judged::Proven;
        for fact in &record.samples {
            match self.judge_fact(info, fact).await? {
                Judged::Proven => {}
                Judged::NotYet => return Ok(Judged::NotYet),
                Judged::Unknown => judged = Judged::Unknown,
            }
        }
        Ok(judged)
    }

    async fn judge_fact(&self, info: &HubInfo, fact: &FactKind) -> Result<Judged, StageError> {
        let (id, least) = match fact {
            FactKind::Sent { gateway, message } => match info.message_id(*gateway, message) {
                Some(id) => (id, MessageState::Proven),
                None => return Ok(Judged::Unknown),
            },
            FactKind::Delivered(id) => (*id, MessageState::Delivered),
            FactKind::Expired(id) => (*id, MessageState::Expired),
            FactKind::Refunded(id) => (*id, MessageState::Refunded),
            FactKind::Locked { deal, index, lock_key } => {
                return self.judge_leg(*deal, *index, *lock_key, |state| state != LegState::Waiting).await;
            }
            FactKind::Settled { deal, index, lock_key, .. } | FactKind::Escaped { deal, index, lock_key } => {
                let over = |state| matches!(state, LegState::Released | LegState::Refunded | LegState::Escaped);
                return self.judge_leg(*deal, *index, *lock_key, over).await;
            }
        };
        let sent = matches!(fact, FactKind::Sent { .. });
        Ok(match self.shared.hub.message(id).await? {
            Some(view) if view.state >= least => Judged::Proven,
            Some(_) => Judged::NotYet,
            // Evidence of its sending may still be under way, from here or from another relayer.
            None if sent => Judged::NotYet,
            None => Judged::Unknown,
        })
    }

    async fn judge_leg(
        &self,
        deal: DealId,
        index: u8,
        lock_key: LockKey,
        proven: impl Fn(LegState) -> bool,
    ) -> Result<Judged, StageError> {
        let Some(view) = self.shared.hub.deal(deal).await? else { return Ok(Judged::Unknown) };
        let leg = view.legs.get(usize::from(index)).filter(|leg| leg.lock_key == lock_key);
        Ok(match leg {
            // The hub keeps the evidence of a fault and waits for nothing more.
            Some(leg) if proven(leg.state) || view.fault.is_some() => Judged::Proven,
            Some(_) => Judged::NotYet,
            None => Judged::Unknown,
        })
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
                        Err(error @ HubError::Unreachable(_)) => return Err(error.into()),
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
                EvidenceOutcome::Accepted if offer.offers < OFFERS_MAX => {
                    offer.due_ms = now_ms.saturating_add(again_ms);
                    continue;
                }
                EvidenceOutcome::Accepted => format!("not proven after {} offers", offer.offers),
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
