//! A hub in memory with one validator: it verifies evidence for real and signs for real, and decides at once.

use async_trait::async_trait;
use infrastrukt_api::{
    CertifiedCheckpoint, CertifiedPage, ChainView, DealFilter, DealState, DealView, EvidenceOutcome, HubStatus,
    LeafView, LegState, LegView, MessageState, MessageView, ProvenHeight,
};
use infrastrukt_ports::{Clock, FactVerifier, Remedy};
use infrastrukt_sim::{SimChain, SimClock, SimVerifier};
use infrastrukt_types::{
    B256, Caip2, ChainId, Checkpoint, CheckpointKind, Deal, DealId, Decision, EcdsaCertificate, Epoch, Evidence, Fact,
    FactKind, Height, HubId, Leaf, MessageId, Nonce, Outbox, Route, Scheme, Timestamp, Validator, ValidatorSet,
    Verified,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use super::signature;
use crate::pipeline::hub::{HubClient, HubError};

/// What a test sees and changes.
#[derive(Default)]
pub(super) struct HubState {
    pub(super) messages: BTreeMap<MessageId, MessageView>,
    pub(super) deals: BTreeMap<DealId, DealView>,
    certified: Vec<CertifiedCheckpoint>,
    outbox: Vec<LeafView>,
    proven: BTreeMap<ChainId, u64>,
    /// Answers nothing.
    pub(super) is_down: bool,
    /// Accepts that many pieces of evidence and forgets them.
    pub(super) forgets: u32,
    /// Accepts evidence of locks and forgets it.
    pub(super) is_deaf_to_locks: bool,
    /// Fails for a moment, that often, when evidence is offered.
    pub(super) is_busy: u32,
    /// Shows leaves without their messages and deals.
    pub(super) omits_bodies: bool,
    /// Shows another message in place of the one that left this chain with this nonce.
    pub(super) lies_about: Option<(ChainId, Nonce)>,
}

pub(super) struct TestHub {
    id: HubId,
    clock: SimClock,
    chains: Vec<SimChain>,
    verifiers: BTreeMap<ChainId, SimVerifier>,
    state: Mutex<HubState>,
}

pub(super) fn validators() -> ValidatorSet {
    ValidatorSet::new(vec![Validator { address: signature::signer(), weight: 1 }]).expect("one member")
}

impl TestHub {
    pub(super) fn new(id: HubId, clock: SimClock, chains: Vec<SimChain>) -> Self {
        let verifiers = chains.iter().map(|chain| (chain.chain(), chain.verifier())).collect();
        Self { id, clock, chains, verifiers, state: Mutex::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, HubState> {
        self.state.lock().expect("no test panics while it holds the hub")
    }

    pub(super) fn register(&self, deal: Deal) -> DealId {
        let id = deal.id(self.id);
        let leg = |leg: infrastrukt_types::LegRef| LegView { lock_key: leg.lock_key(id), state: LegState::Waiting };
        let view = DealView {
            id,
            state: DealState::Open,
            decision: None,
            legs: deal.leg_refs().map(leg).collect(),
            deal,
            registered_at: self.clock.now(),
            decided_at: None,
            checkpoint: None,
            fault: None,
        };
        self.state().deals.insert(id, view);
        id
    }

    /// Decides what hub time decides, and certifies what waits.
    pub(super) fn tick(&self) {
        let now = self.clock.now();
        let mut state = self.state();
        let HubState { deals, outbox, .. } = &mut *state;
        for deal in deals.values_mut().filter(|deal| deal.decision.is_none() && now > deal.deal.decide_by) {
            if deal.legs.iter().any(|leg| leg.state != LegState::Waiting) {
                decide(deal, Decision::Abort, outbox);
            }
        }
        for kind in CheckpointKind::ALL {
            self.certify(&mut state, kind, now);
        }
    }

    fn certify(&self, state: &mut HubState, kind: CheckpointKind, now: Timestamp) {
        let waiting = std::mem::take(&mut state.outbox);
        let (leaves, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|view| view.leaf.kind() == kind);
        state.outbox = rest;
        let Some(outbox) = Outbox::new(leaves.iter().map(|view| view.leaf.hash()).collect()) else { return };
        let cursor = state.certified.len() as u64;
        let checkpoint = Checkpoint {
            hub_id: self.id,
            kind,
            epoch: Epoch(1),
            valset_hash: validators().hash(Scheme::Ecdsa),
            height: Height(cursor + 1),
            time: now,
            outbox_root: outbox.root(),
            state_root: B256::repeat_byte(1),
        };
        let digest = checkpoint.digest();
        let share = (signature::signer(), signature::sign(digest));
        let certificate = EcdsaCertificate::assemble(&validators(), digest, &[share]).expect("one of one is a quorum");
        state.certified.push(CertifiedCheckpoint { cursor, checkpoint, certificate, leaves });
    }

    fn apply(&self, fact: Fact) {
        let mut state = self.state();
        let HubState { messages, deals, outbox, proven, .. } = &mut *state;
        let height = proven.entry(fact.origin.chain).or_default();
        *height = fact.origin.block_number.max(*height);
        match fact.kind {
            FactKind::Sent { gateway, message } => {
                let target_gateway = SimChain::contracts_of(message.target).gateway;
                let id = message.id(self.id, &Route { source_gateway: gateway, target_gateway });
                messages.entry(id).or_insert_with(|| {
                    outbox.push(LeafView { leaf: Leaf::Message(id), message: Some(message.clone()), deal: None });
                    MessageView {
                        id,
                        state: MessageState::Proven,
                        message,
                        origin: fact.origin,
                        proven_at: None,
                        checkpoint: None,
                        expired_checkpoint: None,
                    }
                });
            }
            FactKind::Delivered(id) => set(messages, id, MessageState::Delivered),
            FactKind::Refunded(id) => set(messages, id, MessageState::Refunded),
            FactKind::Expired(id) => {
                if let Some(view) = messages.get(&id).filter(|view| view.state < MessageState::Expired) {
                    outbox.push(LeafView { leaf: Leaf::Expired(id), message: Some(view.message.clone()), deal: None });
                }
                set(messages, id, MessageState::Expired);
            }
            FactKind::Locked { deal, index, .. } => set_leg(deals, deal, index, LegState::Locked, outbox),
            FactKind::Settled { deal, index, decision, .. } => {
                let state = if decision == Decision::Commit { LegState::Released } else { LegState::Refunded };
                set_leg(deals, deal, index, state, outbox);
            }
            FactKind::Escaped { deal, index, .. } => set_leg(deals, deal, index, LegState::Escaped, outbox),
        }
    }

    fn be_busy(&self) -> Result<(), HubError> {
        let mut state = self.up()?;
        if state.is_busy > 0 {
            state.is_busy -= 1;
            return Err(HubError::Busy("storage failed".to_owned()));
        }
        Ok(())
    }

    fn forgets(&self, facts: &[Fact]) -> bool {
        let mut state = self.state();
        if state.forgets > 0 {
            state.forgets -= 1;
            return true;
        }
        state.is_deaf_to_locks && facts.iter().any(|fact| matches!(fact.kind, FactKind::Locked { .. }))
    }

    fn up(&self) -> Result<MutexGuard<'_, HubState>, HubError> {
        let state = self.state();
        if state.is_down { Err(HubError::Unreachable("it is down".to_owned())) } else { Ok(state) }
    }
}

fn set(messages: &mut BTreeMap<MessageId, MessageView>, id: MessageId, state: MessageState) {
    let view = messages.get_mut(&id).expect("only proven messages are delivered");
    view.state = view.state.max(state);
}

fn decide(deal: &mut DealView, decision: Decision, outbox: &mut Vec<LeafView>) {
    deal.decision = Some(decision);
    deal.state = DealState::Decided;
    let leaf = Leaf::Decision(deal.id, decision);
    outbox.push(LeafView { leaf, message: None, deal: Some(deal.deal.clone()) });
}

fn set_leg(
    deals: &mut BTreeMap<DealId, DealView>,
    deal: DealId,
    index: u8,
    state: LegState,
    outbox: &mut Vec<LeafView>,
) {
    let Some(deal) = deals.get_mut(&deal) else { return };
    let leg = &mut deal.legs[usize::from(index)];
    if leg.state == LegState::Waiting || state != LegState::Locked {
        leg.state = state;
    }
    if deal.decision.is_none() && deal.legs.iter().all(|leg| leg.state == LegState::Locked) {
        decide(deal, Decision::Commit, outbox);
    }
}

#[async_trait]
impl HubClient for TestHub {
    async fn status(&self) -> Result<HubStatus, HubError> {
        drop(self.up()?);
        let view = |chain: &SimChain| ChainView {
            name: format!("eip155:{}", chain.chain().0).parse::<Caip2>().expect("a name"),
            id: chain.chain(),
            gateway: chain.contracts().gateway,
            escrow: chain.contracts().escrow,
            verifier: chain.contracts().verifier,
            token_bridge: infrastrukt_types::Account::ZERO,
            frozen: None,
        };
        Ok(HubStatus {
            hub_id: self.id,
            name: "test".to_owned(),
            version: String::new(),
            height: Height(1),
            time: self.clock.now(),
            epoch: Epoch(1),
            epoch_expires_at: Timestamp(u64::MAX),
            validators: validators(),
            hosted: Vec::new(),
            chains: self.chains.iter().map(view).collect(),
            pending: 0,
        })
    }

    async fn submit_evidence(&self, evidence: Vec<Evidence>) -> Result<Vec<EvidenceOutcome>, HubError> {
        self.be_busy()?;
        let mut outcomes = Vec::new();
        for item in evidence {
            let verified = self.verifiers[&item.chain()].verify(&item).await;
            outcomes.push(match verified {
                Ok(facts) => {
                    let facts: Vec<Fact> = facts.into_iter().map(Verified::into_inner).collect();
                    if !self.forgets(&facts) {
                        facts.into_iter().for_each(|fact| self.apply(fact));
                    }
                    EvidenceOutcome::Accepted
                }
                Err(error) => match error.remedy {
                    Remedy::Reject => EvidenceOutcome::Rejected { reason: error.message },
                    Remedy::Retry { .. } | Remedy::Rewind { .. } | Remedy::Halt => {
                        EvidenceOutcome::Retry { after_ms: 500, reason: error.message }
                    }
                },
            });
        }
        Ok(outcomes)
    }

    async fn message(&self, id: MessageId) -> Result<Option<MessageView>, HubError> {
        let state = self.up()?;
        let mut view = state.messages.get(&id).cloned();
        if let Some(view) = &mut view
            && state.lies_about == Some((view.message.source, view.message.nonce))
        {
            view.message.gas_limit += 1;
        }
        Ok(view)
    }

    async fn deal(&self, id: DealId) -> Result<Option<DealView>, HubError> {
        Ok(self.up()?.deals.get(&id).cloned())
    }

    async fn deals(&self, _: DealFilter) -> Result<Vec<DealView>, HubError> {
        Ok(self.up()?.deals.values().cloned().collect())
    }

    async fn certified(&self, from: u64, limit: u32) -> Result<CertifiedPage, HubError> {
        let state = self.up()?;
        let mut items: Vec<_> = state.certified.iter().skip(from as usize).take(limit as usize).cloned().collect();
        if state.omits_bodies {
            for view in items.iter_mut().flat_map(|checkpoint| checkpoint.leaves.iter_mut()) {
                (view.message, view.deal) = (None, None);
            }
        }
        let next = from + items.len() as u64;
        Ok(CertifiedPage { items, next })
    }

    async fn proven_heights(&self) -> Result<Vec<ProvenHeight>, HubError> {
        let state = self.up()?;
        Ok(state.proven.iter().map(|(chain, block)| ProvenHeight { chain: *chain, block: *block }).collect())
    }

    async fn pushed(&self, _: u64) -> Result<(), HubError> {
        std::future::pending().await
    }
}
