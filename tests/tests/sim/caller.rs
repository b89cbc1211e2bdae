//! Calls to the hub's interface, over the network. A call that got lost and one whose answer got lost look the same.

use infrastrukt_api::{
    CertifiedPage, DealFilter, DealTerms, DealView, ErrorCode, EvidenceOutcome, HubApiServer, HubStatus, MessageView,
    ProvenHeight, RotationView,
};
use infrastrukt_hub::api::Methods;
use infrastrukt_relayer::pipeline::hub::HubError;
use infrastrukt_types::{
    CheckpointKind, Deal, DealCancel, DealId, EcdsaCertificate, Evidence, Height, MessageId, RotationVote,
};
use jsonrpsee::{Extensions, core::RpcResult};
use std::{future::Future, sync::Arc};

use crate::{
    net::Fate,
    party::{Life, Party},
    world::World,
};

/// How long a caller waits for an answer that does not come.
const PATIENCE_MS: u64 = 3_000;
/// Longest a call is worked on.
const CALL_MAX_MS: u64 = 15_000;

/// One party's way to the hub's interface.
#[derive(Clone)]
pub(crate) struct Caller {
    world: Arc<World>,
    who: Party,
    life: Life,
}

fn lost(what: &str) -> HubError {
    HubError::Unreachable(format!("simulated: {what}"))
}

/// As the relayer's own client has it: only what the hub calls wrong is a refusal.
fn answered<T>(answer: RpcResult<T>) -> Result<T, HubError> {
    answer.map_err(|error| {
        let text = error.message().to_owned();
        if error.code() == ErrorCode::Refused as i32 { HubError::Refused(text) } else { HubError::Busy(text) }
    })
}

impl Caller {
    pub(crate) fn new(world: Arc<World>, who: Party, life: Life) -> Self {
        Self { world, who, life }
    }

    async fn ask<T, F>(&self, what: &'static str, call: impl Fn(Methods) -> F + Send + Sync) -> Result<T, HubError>
    where
        T: Send,
        F: Future<Output = RpcResult<T>> + Send,
    {
        let (env, net) = (&self.world.env, &self.world.net);
        self.life.go_on().await;
        env.act(what, &[self.who.code()]);
        let Fate::Arrives { after_ms, again_ms } = net.send(self.who, Party::Front) else {
            env.time.sleep_ms(PATIENCE_MS).await;
            return Err(lost("no answer"));
        };
        env.time.sleep_ms(after_ms).await;
        self.life.go_on().await;
        let Some(methods) = self.world.methods() else { return Err(lost("nobody listens")) };
        if again_ms.is_some() {
            // What the first of two equal calls is answered nobody hears.
            drop(self.within(call(methods.clone())).await);
        }
        let answer = self.within(call(methods)).await;
        match net.send(Party::Front, self.who) {
            Fate::Lost => {
                env.time.sleep_ms(PATIENCE_MS).await;
                Err(lost("no answer"))
            }
            Fate::Arrives { after_ms, again_ms: _ } => {
                env.time.sleep_ms(after_ms).await;
                self.life.go_on().await;
                answer
            }
        }
    }

    async fn within<T>(&self, call: impl Future<Output = RpcResult<T>> + Send) -> Result<T, HubError> {
        tokio::select! {
            biased;
            answer = call => answered(answer),
            () = self.world.env.time.sleep_ms(CALL_MAX_MS) => Err(lost("no answer in time")),
        }
    }

    pub(crate) async fn status(&self) -> Result<HubStatus, HubError> {
        self.ask("status", |hub| async move { hub.status().await }).await
    }

    pub(crate) async fn submit_evidence(&self, evidence: Vec<Evidence>) -> Result<Vec<EvidenceOutcome>, HubError> {
        let call = |hub: Methods| {
            let evidence = evidence.clone();
            async move { hub.submit_evidence(&Extensions::new(), evidence).await }
        };
        self.ask("submit evidence", call).await
    }

    pub(crate) async fn message(&self, id: MessageId) -> Result<Option<MessageView>, HubError> {
        self.ask("message", move |hub| async move { hub.message(id).await }).await
    }

    pub(crate) async fn deal(&self, id: DealId) -> Result<Option<DealView>, HubError> {
        self.ask("deal", move |hub| async move { hub.deal(id).await }).await
    }

    pub(crate) async fn deals(&self, filter: DealFilter) -> Result<Vec<DealView>, HubError> {
        let call = |hub: Methods| {
            let filter = filter.clone();
            async move { hub.deals(filter).await }
        };
        self.ask("deals", call).await.map(|page| page.items)
    }

    pub(crate) async fn certified(&self, from: u64, limit: u32) -> Result<CertifiedPage, HubError> {
        self.ask("certified", move |hub| async move { hub.certified(from, limit).await }).await
    }

    pub(crate) async fn proven_heights(&self) -> Result<Vec<ProvenHeight>, HubError> {
        self.ask("proven heights", |hub| async move { hub.proven_heights().await }).await
    }

    pub(crate) async fn quote_deal(&self, terms: DealTerms) -> Result<Deal, HubError> {
        let call = |hub: Methods| {
            let terms = terms.clone();
            async move { hub.quote_deal(terms).await }
        };
        self.ask("quote deal", call).await
    }

    pub(crate) async fn register_deal(&self, deal: Deal) -> Result<DealId, HubError> {
        let call = |hub: Methods| {
            let deal = deal.clone();
            async move { hub.register_deal(&Extensions::new(), deal).await }
        };
        self.ask("register deal", call).await
    }

    pub(crate) async fn cancel_deal(&self, cancel: DealCancel) -> Result<(), HubError> {
        let call = |hub: Methods| {
            let cancel = cancel.clone();
            async move { hub.cancel_deal(cancel).await }
        };
        self.ask("cancel deal", call).await
    }

    pub(crate) async fn submit_certificate(
        &self,
        height: Height,
        kind: CheckpointKind,
        certificate: EcdsaCertificate,
    ) -> Result<(), HubError> {
        let call = |hub: Methods| {
            let certificate = certificate.clone();
            async move { hub.submit_certificate(height, kind, certificate).await }
        };
        self.ask("submit certificate", call).await
    }

    pub(crate) async fn vote_rotation(&self, vote: RotationVote) -> Result<RotationView, HubError> {
        let call = |hub: Methods| {
            let vote = vote.clone();
            async move { hub.vote_rotation(vote).await }
        };
        self.ask("vote rotation", call).await
    }
}
