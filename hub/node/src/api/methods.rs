//! The methods of the interface: reads come from the first hosted validator's store, writes go to the log.

use async_trait::async_trait;
use infrastrukt_api::{
    CertifiedCheckpoint, CertifiedPage, DealFilter, DealTerms, DealView, EVIDENCE_MAX, ErrorCode, EvidenceOutcome,
    HostedValidator, HubApiServer, HubStatus, MessageFilter, MessageView, PAGE_MAX, ProvenHeight, Share, openrpc,
    refusal,
};
use infrastrukt_ports::{Clock, Consensus, StoreError};
use infrastrukt_protocol::{self as protocol, Hub, StateView, check_cancel, check_deal, deadlines};
use infrastrukt_store::HubStore;
use infrastrukt_types::{
    CheckpointKind, Deal, DealCancel, DealId, Decision, Evidence, Height, HubTx, MessageId, Timestamp,
};
use jsonrpsee::{
    PendingSubscriptionSink,
    core::{RpcResult, SubscriptionResult},
    types::ErrorObjectOwned,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{
    offers,
    push::push_certified,
    views::{self, Budget},
};
use crate::{
    consensus::InProcessLeader,
    validator::{Applied, Validator},
};

/// Everything the methods need.
#[derive(Clone)]
pub(crate) struct Methods {
    pub(crate) hub: Arc<Hub>,
    pub(crate) leader: Arc<InProcessLeader>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Not empty; the first one answers reads.
    pub(crate) validators: Arc<[Arc<Validator>]>,
    /// JSON bytes that one answer may take.
    pub(crate) answer_bytes: usize,
    /// Longest wait for an entry to be decided.
    pub(crate) decide_timeout: Duration,
    pub(crate) cancel: CancellationToken,
}

pub(super) fn internal(error: impl std::fmt::Display) -> ErrorObjectOwned {
    tracing::error!(%error, "a call failed");
    refusal(ErrorCode::Internal, error.to_string())
}

fn refused(error: impl std::fmt::Display) -> ErrorObjectOwned {
    refusal(ErrorCode::Refused, error.to_string())
}

fn page(limit: Option<u32>) -> usize {
    limit.unwrap_or(PAGE_MAX).min(PAGE_MAX) as usize
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
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(internal)?.map_err(internal)
    }

    /// Hub time as far as it is known: the last block's, or the clock's where that is ahead.
    async fn now(&self) -> RpcResult<Timestamp> {
        let tip = self.read(|store| store.tip()).await?;
        Ok(tip.time.max(self.clock.now()))
    }

    /// Offers an entry and waits until `done` holds or the log refuses it. `done` is asked after every block.
    async fn decide(
        &self,
        tx: HubTx,
        deal: DealId,
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
                if let Some(reason) = block.as_ref().and_then(|block| block.refusal(deal)) {
                    return Err(refused(reason));
                }
            }
        };
        match tokio::time::timeout(self.decide_timeout, wait).await {
            Ok(outcome) => outcome,
            Err(_) => Err(refusal(ErrorCode::Timeout, "not decided in time: offering it again does no harm")),
        }
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

    async fn submit_evidence(&self, evidence: Vec<Evidence>) -> RpcResult<Vec<EvidenceOutcome>> {
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
        let outcome = |evidence: Evidence| {
            let chain = evidence.chain();
            if let Some((_, why)) = frozen.iter().flatten().find(|(id, _)| *id == chain) {
                return EvidenceOutcome::Rejected { reason: format!("chain {chain} is frozen: {why}") };
            }
            match offers::prepare(evidence, &self.hub.genesis) {
                Ok(offered) => {
                    let answer = |validator: &Arc<Validator>| (validator.address, validator.offer(&offered));
                    offers::sum_up(&set, &self.validators.iter().map(answer).collect::<Vec<_>>())
                }
                Err(reason) => EvidenceOutcome::Rejected { reason },
            }
        };
        Ok(evidence.into_iter().map(outcome).collect())
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

    async fn register_deal(&self, deal: Deal) -> RpcResult<DealId> {
        let id = deal.id(self.hub.hub_id);
        let known = move |store: &HubStore| Ok(store.deal(&id)?.is_some());
        if self.read(known).await? {
            return Ok(id);
        }
        check_deal(&deal, self.now().await?, &self.hub.genesis).map_err(refused)?;
        self.decide(HubTx::RegisterDeal(deal), id, known).await?;
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
        self.decide(HubTx::CancelDeal(cancel), id, aborted).await
    }

    async fn message(&self, id: MessageId) -> RpcResult<Option<MessageView>> {
        self.read(move |store| Ok(store.message(&id)?.map(views::message))).await
    }

    async fn messages(&self, filter: MessageFilter) -> RpcResult<Vec<MessageView>> {
        let mut budget = Budget::new(self.answer_bytes);
        self.read(move |store| {
            let Some(wanted) = views::messages_wanted(&filter) else { return Ok(Vec::new()) };
            let found = store.messages(&wanted, page(filter.limit))?;
            let fits = |record: &protocol::MessageRecord| budget.take(views::message_bytes(&record.message));
            Ok(found.into_iter().take_while(fits).map(views::message).collect())
        })
        .await
    }

    async fn deal(&self, id: DealId) -> RpcResult<Option<DealView>> {
        self.read(move |store| Ok(store.deal(&id)?.map(views::deal))).await
    }

    async fn deals(&self, filter: DealFilter) -> RpcResult<Vec<DealView>> {
        let mut budget = Budget::new(self.answer_bytes);
        self.read(move |store| {
            let found = store.deals(&views::deals_wanted(&filter), page(filter.limit))?;
            let fits = |record: &protocol::DealRecord| budget.take(views::deal_bytes(&record.deal));
            Ok(found.into_iter().take_while(fits).map(views::deal).collect())
        })
        .await
    }

    async fn certified(&self, from: u64, limit: u32) -> RpcResult<CertifiedPage> {
        let answer_bytes = self.answer_bytes;
        self.read(move |store| certified_page(store, from, page(Some(limit)), answer_bytes)).await
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

/// As many checkpoints as fit; the first one always does, with fewer bodies where it must.
pub(super) fn certified_page(
    store: &HubStore,
    from: u64,
    limit: usize,
    answer_bytes: usize,
) -> Result<CertifiedPage, StoreError> {
    let mut page = CertifiedPage { items: Vec::new(), next: from };
    let mut budget = Budget::new(answer_bytes);
    while page.items.len() < limit {
        let Some(record) = store.certified_from(page.next, 1)?.into_iter().next() else { break };
        let Some(item) = views::certified(store, record, &mut budget)? else { break };
        if budget.is_spent() && !page.items.is_empty() {
            break;
        }
        page.next = item.cursor.saturating_add(1);
        page.items.push(item);
    }
    Ok(page)
}
