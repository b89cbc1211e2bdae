//! The relayer of a run: the whole pipeline, over simulated chains and a network that loses calls.

use async_trait::async_trait;
use infrastrukt_api::{CertifiedPage, DealFilter, DealView, EvidenceOutcome, HubStatus, MessageView, ProvenHeight};
use infrastrukt_ports::{Action, ChainWriter, PortError, Store, SubmissionKey, SubmissionState, TickReport};
use infrastrukt_relayer::{
    ChainParts, LanePolicy, Limits, Pipeline, PipelineParts, StartError,
    pipeline::hub::{HubClient, HubError},
};
use infrastrukt_sim::{SimReader, SimWriter};
use infrastrukt_types::{Account, ChainId, DealId, Evidence, MessageId};
use std::sync::Arc;

use crate::{
    caller::Caller,
    chains::{Chain, relayer_account},
    env::Env,
    party::{Life, Party},
    world::World,
};

/// Small bounds, so that a run reaches them.
fn policy() -> LanePolicy {
    LanePolicy {
        batch_max: 4,
        in_flight_max: 3,
        scan_blocks_max: 4,
        batch_wait_ms: 500,
        backoff_min_ms: 500,
        backoff_max_ms: 8_000,
        poll_ms: 1_000,
        confirm_ms: 1_000,
        ..LanePolicy::default()
    }
}

/// Starts a relayer from where its disk ends.
pub(crate) fn start(world: &Arc<World>, life: &Life) -> Result<Pipeline, StartError> {
    let store = world.disk(Party::Relayer).open(life.clone());
    let parts = |chain: &Chain| ChainParts {
        name: format!("eip155:{}", chain.id.0).parse().expect("a name"),
        reader: Arc::new(SimReader::new(chain.reading.clone())),
        writer: Arc::new(Writer::new(chain, world.env.clone(), life.clone(), store.clone())),
        start_block: 0,
        policy: policy(),
    };
    let parts = PipelineParts {
        hub_url: "the simulated hub".into(),
        chains: world.chains.iter().map(parts).collect(),
        store: store.clone(),
        clock: Arc::new(world.clock(Party::Relayer, life.clone())),
        limits: Limits::default(),
    };
    Pipeline::start(parts, Arc::new(Link(Caller::new(world.clone(), Party::Relayer, life.clone()))))
}

/// A writer that sends nothing more once its process is gone.
struct Writer {
    inner: SimWriter,
    env: Arc<Env>,
    life: Life,
}

impl Writer {
    fn new(chain: &Chain, env: Arc<Env>, life: Life, store: Arc<dyn Store>) -> Self {
        let inner = SimWriter::new(chain.writing.clone(), relayer_account(chain.id), store);
        Self { inner, env, life }
    }
}

#[async_trait]
impl ChainWriter for Writer {
    fn chain(&self) -> ChainId {
        self.inner.chain()
    }

    fn account(&self) -> Account {
        self.inner.account()
    }

    async fn submit(&self, key: SubmissionKey, action: &Action) -> Result<(), PortError> {
        self.life.go_on().await;
        self.env.act(action.name(), &[self.chain().0, u64::from(key.0[0])]);
        self.inner.submit(key, action).await
    }

    async fn state(&self, key: SubmissionKey) -> Result<SubmissionState, PortError> {
        self.life.go_on().await;
        self.inner.state(key).await
    }

    async fn tick(&self) -> Result<TickReport, PortError> {
        self.life.go_on().await;
        self.inner.tick().await
    }
}

/// The hub as the relayer reaches it. Pushes never come: they are hints.
struct Link(Caller);

#[async_trait]
impl HubClient for Link {
    async fn status(&self) -> Result<HubStatus, HubError> {
        self.0.status().await
    }

    async fn submit_evidence(&self, evidence: Vec<Evidence>) -> Result<Vec<EvidenceOutcome>, HubError> {
        self.0.submit_evidence(evidence).await
    }

    async fn message(&self, id: MessageId) -> Result<Option<MessageView>, HubError> {
        self.0.message(id).await
    }

    async fn deal(&self, id: DealId) -> Result<Option<DealView>, HubError> {
        self.0.deal(id).await
    }

    async fn deals(&self, filter: DealFilter) -> Result<Vec<DealView>, HubError> {
        self.0.deals(filter).await
    }

    async fn certified(&self, from: u64, limit: u32) -> Result<CertifiedPage, HubError> {
        self.0.certified(from, limit).await
    }

    async fn proven_heights(&self) -> Result<Vec<ProvenHeight>, HubError> {
        self.0.proven_heights().await
    }

    async fn pushed(&self, _: u64) -> Result<(), HubError> {
        std::future::pending().await
    }
}
