//! The methods of the interface: reads come from the first hosted validator's store, writes go to the log.

use async_trait::async_trait;
use futures::future::join_all;
use infrastrukt_api::{
    CertifiedCheckpoint, CertifiedPage, DealFilter, DealPage, DealTerms, DealView, EVIDENCE_MAX, ErrorCode,
    EvidenceOutcome, HostedValidator, HubApiServer, HubStatus, MessageFilter, MessagePage, MessageView, ProvenHeight,
    RotationView, Share, openrpc, refusal,
};
use infrastrukt_ports::{Clock, Consensus, StoreError};
use infrastrukt_protocol::{self as protocol, Hub, StateView, check_cancel, check_deal, deadlines};
use infrastrukt_store::HubStore;
use infrastrukt_types::{
    Address, ChainId, CheckpointKind, Deal, DealCancel, DealId, Decision, EcdsaCertificate, Evidence, Height, HubTx,
    MessageId, RotationVote, Timestamp, ValidatorSet,
};
use jsonrpsee::{
    Extensions, PendingSubscriptionSink,
    core::{RpcResult, SubscriptionResult},
    types::ErrorObjectOwned,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{
    certificates, lists, offers,
    push::push_certified,
    rate::RateLimiter,
    reads::Reads,
    rotations,
    views::{self, Budget},
};
use crate::{
    consensus::InProcessLeader,
    quota::Caller,
    validator::{Applied, OfferOutcome, Offered, Validator},
};

/// The methods with everything they need. Made by an [`Interface`](super::Interface).
#[derive(Clone)]
pub struct Methods {
    pub(crate) hub: Arc<Hub>,
    pub(crate) leader: Arc<InProcessLeader>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Not empty; the first one answers reads.
    pub(crate) validators: Arc<[Arc<Validator>]>,
    /// JSON bytes that one answer may take.
    pub(crate) answer_bytes: usize,
    /// Longest wait for an entry to be decided.
    pub(crate) decide_timeout: Duration,
    /// Bounds what reads may take from everything else.
    pub(crate) reads: Reads,
    /// Bounds the deals that one caller registers.
    pub(crate) registrations: Arc<RateLimiter>,
    pub(crate) cancel: CancellationToken,
}

pub(super) fn internal(error: impl std::fmt::Display) -> ErrorObjectOwned {
    tracing::error!(%error, "a call failed");
    refusal(ErrorCode::Internal, error.to_string())
}

fn refused(error: impl std::fmt::Display) -> ErrorObjectOwned {
    refusal(ErrorCode::Refused, error.to_string())
}

fn caller(extensions: &Extensions) -> Caller {
    extensions.get::<Caller>().copied().unwrap_or(Caller::unknown())
}

impl Methods {
    fn primary(&self) -> &Arc<Validator> {
        &self.validators[0]
    }

    /// Reads storage on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&HubStore) -> Result<T, StoreError> + Send + 'static,
    ) -> RpcResult<T> {
        let store = self.primary().store.clone();
        self.reads.run(move || work(&store)).await?.map_err(internal)
    }

    /// Hub time as far as it is known: the last block's, or the clock's where that is ahead.
    async fn now(&self) -> RpcResult<Timestamp> {
        let tip = self.read(|store| store.tip()).await?;
        Ok(tip.time.max(self.clock.now()))
    }

    /// Offers an entry and waits until `done` holds or the log refuses what it says about `deal`. `done` is asked after
    /// every block.
    async fn decide(
        &self,
        tx: HubTx,
        deal: Option<DealId>,
        done: impl Fn(&HubStore) -> Result<bool, StoreError> + Clone + Send + 'static,
    ) -> RpcResult<()> {
        let mut applied = self.primary().applied.subscribe();
        self.leader.submit(tx).await.map_err(|error| refusal(ErrorCode::Busy, error.message))?;
        let wait = async {
            loop {
                let block = applied.recv().await.ok();
                if self.read(done.clone()).await? {
                    return Ok(());
                }
                let refusal = block.as_ref().zip(deal).and_then(|(block, deal)| block.refusal(deal));
                if let Some(reason) = refusal {
                    return Err(refused(reason));
                }
            }
        };
        tokio::select! {
            biased;
            outcome = wait => outcome,
            () = self.clock.sleep(self.decide_timeout) => {
                Err(refusal(ErrorCode::Timeout, "not decided in time: offering it again does no harm"))
            }
        }
    }

    /// Waits a moment until the validators here know the blocks of a call to be final.
    async fn finality(&self, evidence: &[Evidence]) {
        let mut newest = BTreeMap::<ChainId, u64>::new();
        for item in evidence {
            let block = newest.entry(item.chain()).or_default();
            *block = item.block_number().max(*block);
        }
        let wait = |validator: &Arc<Validator>| {
            let (validator, newest) = (validator.clone(), newest.clone());
            async move { join_all(newest.iter().map(|(chain, block)| validator.finality(*chain, *block))).await }
        };
        join_all(self.validators.iter().map(wait)).await;
    }

    /// What the validators here say to evidence, item by item.
    async fn offer(&self, evidence: Evidence, caller: Caller, set: &ValidatorSet) -> RpcResult<EvidenceOutcome> {
        let offered = match self.screen(evidence, caller).await? {
            Ok(offered) => offered,
            Err(reason) => return Ok(EvidenceOutcome::Rejected { reason }),
        };
        let answer = |validator: &Arc<Validator>| (validator.address, validator.offer(&offered));
        let answers: Vec<(Address, OfferOutcome)> = self.validators.iter().map(answer).collect();
        Ok(offers::sum_up(set, &answers))
    }

    /// What can be refused without asking anyone. All validators here would say the same, so one look is enough; each
    /// still verifies for itself whatever passes.
    async fn screen(&self, evidence: Evidence, caller: Caller) -> RpcResult<Result<Offered, String>> {
        let (hub, primary) = (self.hub.clone(), self.primary().clone());
        let work = move || -> Result<Offered, String> {
            let offered = offers::prepare(evidence, &hub.genesis, caller)?;
            primary.inbox.screen(&offered.evidence).map_err(|error| error.message)?;
            Ok(offered)
        };
        self.reads.run(work).await
    }

    /// Blocks as they are stored.
    pub(super) fn blocks(&self) -> broadcast::Receiver<Arc<Applied>> {
        self.primary().applied.subscribe()
    }
}

#[async_trait]
impl HubApiServer for Methods {
    async fn status(&self) -> RpcResult<HubStatus> {
        let hub = self.hub.clone();
        let (tip, epoch, chains) = self
            .read(move |store| {
                let tip = store.tip()?;
                let epoch = store.epoch(tip.epoch)?;
                let view = |record| Ok(views::chain(record, store.frozen(record.id)?));
                let chains = hub.genesis.chains.iter().map(view).collect::<Result<Vec<_>, StoreError>>()?;
                Ok((tip, epoch, chains))
            })
            .await?;
        let epoch = epoch.ok_or_else(|| internal(format!("epoch {} is missing from the state", tip.epoch)))?;
        let hosted = |validator: &Arc<Validator>| HostedValidator {
            address: validator.address,
            height: validator.height(),
            halted: validator.halted(),
        };
        Ok(HubStatus {
            hub_id: self.hub.hub_id,
            name: self.hub.genesis.identity.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            height: tip.height,
            time: tip.time,
            epoch: epoch.epoch,
            epoch_expires_at: epoch.expires_at,
            validators: epoch.set,
            hosted: self.validators.iter().map(hosted).collect(),
            chains,
            pending: self.leader.pending() as u64,
        })
    }

    async fn submit_evidence(
        &self,
        extensions: &Extensions,
        evidence: Vec<Evidence>,
    ) -> RpcResult<Vec<EvidenceOutcome>> {
        if evidence.is_empty() || evidence.len() > EVIDENCE_MAX {
            return Err(refused(format!("{} items given: a call takes 1 to {EVIDENCE_MAX}", evidence.len())));
        }
        let hub = self.hub.clone();
        let (set, frozen) = self
            .read(move |store| {
                let epoch = store.epoch(store.tip()?.epoch)?;
                let frozen = |record: &protocol::ChainRecord| Ok(store.frozen(record.id)?.map(|why| (record.id, why)));
                let frozen = hub.genesis.chains.iter().map(frozen).collect::<Result<Vec<_>, StoreError>>()?;
                Ok((epoch.map(|epoch| epoch.set), frozen))
            })
            .await?;
        let set = set.ok_or_else(|| internal("the current epoch is missing from the state"))?;
        let caller = caller(extensions);
        self.finality(&evidence).await;
        let mut outcomes = Vec::with_capacity(evidence.len());
        for item in evidence {
            let chain = item.chain();
            outcomes.push(match frozen.iter().flatten().find(|(id, _)| *id == chain) {
                Some((_, why)) => EvidenceOutcome::Rejected { reason: format!("chain {chain} is frozen: {why}") },
                None => self.offer(item, caller, &set).await?,
            });
        }
        Ok(outcomes)
    }

    async fn quote_deal(&self, terms: DealTerms) -> RpcResult<Deal> {
        let legs = terms.legs.into_iter().map(|leg| protocol::LegTerms {
            chain: leg.chain,
            token: leg.token,
            amount: leg.amount,
            depositor: leg.depositor,
            on_commit: leg.on_commit,
            on_abort: leg.on_abort,
            tip: leg.tip,
        });
        let terms =
            protocol::DealTerms { nonce: terms.nonce, lock_within_s: terms.lock_within_s, legs: legs.collect() };
        deadlines(self.now().await?, &terms, &self.hub.genesis).map_err(refused)
    }

    async fn register_deal(&self, extensions: &Extensions, deal: Deal) -> RpcResult<DealId> {
        let id = deal.id(self.hub.hub_id);
        let known = move |store: &HubStore| Ok(store.deal(&id)?.is_some());
        if self.read(known).await? {
            return Ok(id);
        }
        check_deal(&deal, self.now().await?, &self.hub.genesis).map_err(refused)?;
        self.registrations.take(caller(extensions), 1, self.clock.now_ms()).map_err(|too_fast| {
            metrics::counter!("infrastrukt_hub_api_refused_total", "reason" => "registrations").increment(1);
            refusal(ErrorCode::Busy, format!("too many deals are registered: {too_fast}"))
        })?;
        self.decide(HubTx::RegisterDeal(deal), Some(id), known).await?;
        tracing::info!(deal = %id, "registered");
        Ok(id)
    }

    async fn cancel_deal(&self, cancel: DealCancel) -> RpcResult<()> {
        let id = cancel.deal;
        let Some(record) = self.read(move |store| store.deal(&id)).await? else {
            return Err(refused(format!("deal {id} is not registered")));
        };
        match record.decision {
            Some(Decision::Abort) => return Ok(()),
            Some(Decision::Commit) => {
                return Err(refused(format!("deal {id} is decided COMMIT and cannot be aborted")));
            }
            None => {}
        }
        check_cancel(&self.hub.genesis, self.hub.hub_id, &record.deal, &cancel).map_err(refused)?;
        let aborted =
            move |store: &HubStore| Ok(store.deal(&id)?.is_some_and(|record| record.decision == Some(Decision::Abort)));
        self.decide(HubTx::CancelDeal(cancel), Some(id), aborted).await
    }

    async fn message(&self, id: MessageId) -> RpcResult<Option<MessageView>> {
        self.read(move |store| Ok(store.message(&id)?.map(views::message))).await
    }

    async fn messages(&self, filter: MessageFilter) -> RpcResult<MessagePage> {
        let budget = Budget::new(self.answer_bytes);
        self.read(move |store| lists::messages(store, &filter, budget)).await
    }

    async fn deal(&self, id: DealId) -> RpcResult<Option<DealView>> {
        self.read(move |store| Ok(store.deal(&id)?.map(views::deal))).await
    }

    async fn deals(&self, filter: DealFilter) -> RpcResult<DealPage> {
        let budget = Budget::new(self.answer_bytes);
        self.read(move |store| lists::deals(store, &filter, budget)).await
    }

    async fn certified(&self, from: u64, limit: u32) -> RpcResult<CertifiedPage> {
        let answer_bytes = self.answer_bytes;
        self.read(move |store| lists::certified(store, from, lists::page(Some(limit)), answer_bytes)).await
    }

    async fn certified_checkpoint(
        &self,
        height: Height,
        kind: CheckpointKind,
    ) -> RpcResult<Option<CertifiedCheckpoint>> {
        let mut budget = Budget::new(self.answer_bytes);
        self.read(move |store| match store.checkpoint(height, kind)? {
            Some(record) => views::certified(store, record, &mut budget),
            None => Ok(None),
        })
        .await
    }

    async fn shares(&self, height: Height, kind: CheckpointKind) -> RpcResult<Vec<Share>> {
        Ok(self.primary().shares(height, kind))
    }

    async fn submit_certificate(
        &self,
        height: Height,
        kind: CheckpointKind,
        certificate: EcdsaCertificate,
    ) -> RpcResult<()> {
        let given = certificate.clone();
        let judged = self.read(move |store| certificates::judge(store, height, kind, &given)).await?;
        match judged.map_err(refused)? {
            certificates::Standing::Known => Ok(()),
            certificates::Standing::Wanted => {
                tracing::info!(%height, ?kind, "a certificate was handed in");
                let certified = move |store: &HubStore| certificates::is_certified(store, height, kind);
                self.decide(HubTx::Certify { height, kind, certificate }, None, certified).await
            }
        }
    }

    async fn rotation(&self) -> RpcResult<RotationView> {
        let view = self.read(rotations::view).await?;
        view.ok_or_else(|| internal("the current epoch is missing from the state"))
    }

    async fn vote_rotation(&self, vote: RotationVote) -> RpcResult<RotationView> {
        let (hub, given, now) = (self.hub.clone(), vote.clone(), self.now().await?);
        let judged = self.read(move |store| rotations::judge(&hub, store, &given, now)).await?;
        match judged.map_err(refused)? {
            rotations::Standing::Counted => {}
            rotations::Standing::Wanted => {
                tracing::info!(validator = %vote.validator, epoch = %vote.epoch, "a vote for the next set comes in");
                let given = vote.clone();
                let counted = move |store: &HubStore| rotations::is_counted(store, &given);
                self.decide(HubTx::Rotate(vote), None, counted).await?;
            }
        }
        self.rotation().await
    }

    async fn proven_heights(&self) -> RpcResult<Vec<ProvenHeight>> {
        let hub = self.hub.clone();
        self.read(move |store| {
            let height = |record: &protocol::ChainRecord| {
                Ok(ProvenHeight { chain: record.id, block: store.proven_height(record.id)?.unwrap_or(0) })
            };
            hub.genesis.chains.iter().map(height).collect()
        })
        .await
    }

    async fn subscribe_certified(&self, pending: PendingSubscriptionSink, from: u64) -> SubscriptionResult {
        let sink = pending.accept().await?;
        tokio::spawn(push_certified(self.clone(), sink, from));
        Ok(())
    }

    async fn discover(&self) -> RpcResult<serde_json::Value> {
        Ok(openrpc())
    }
}
