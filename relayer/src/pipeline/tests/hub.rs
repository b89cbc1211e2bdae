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
    FactKind, Height, HubId, Leaf, MessageId, Outbox, Route, Scheme, Timestamp, Validator, ValidatorSet,
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
        drop(self.up()?);
        let mut outcomes = Vec::new();
        for item in evidence {
            let verified = self.verifiers[&item.chain()].verify(&item).await;
            outcomes.push(match verified {
                Ok(facts) => {
                    let forgets = self.state().forgets;
                    if forgets > 0 {
                        self.state().forgets -= 1;
                    } else {
                        facts.into_iter().for_each(|fact| self.apply(fact.into_inner()));
                    }
                    EvidenceOutcome::Accepted
                }
                Err(error) => match error.remedy {
                    Remedy::Retry { .. } => EvidenceOutcome::Retry { after_ms: 500, reason: error.message },
                    Remedy::Rewind { .. } | Remedy::Reject | Remedy::Halt => {
                        EvidenceOutcome::Rejected { reason: error.message }
                    }
                },
            });
        }
        Ok(outcomes)
    }

    async fn message(&self, id: MessageId) -> Result<Option<MessageView>, HubError> {
        Ok(self.up()?.messages.get(&id).cloned())
    }

    async fn deal(&self, id: DealId) -> Result<Option<DealView>, HubError> {
        Ok(self.up()?.deals.get(&id).cloned())
    }

    async fn deals(&self, _: DealFilter) -> Result<Vec<DealView>, HubError> {
        Ok(self.up()?.deals.values().cloned().collect())
    }

    async fn certified(&self, from: u64, limit: u32) -> Result<CertifiedPage, HubError> {
        let state = self.up()?;
        let items: Vec<_> = state.certified.iter().skip(from as usize).take(limit as usize).cloned().collect();
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
