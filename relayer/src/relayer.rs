//! Starting and stopping a relayer.

use futures::FutureExt;
use infrastrukt_ports::StoreError;
use infrastrukt_types::{Caip2, ChainId};
use std::{collections::BTreeSet, net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    ChainParts, LanePolicy, Parts, PipelineParts, admin, health, metrics,
    pipeline::{
        Lane, Shared, Stage,
        confirm::Confirm,
        deliver::Deliver,
        drive,
        hub::{HubClient, HubError, JsonRpcHub},
        observe::Observe,
        submit::Submit,
        supply::Supply,
        take::Take,
        watch::{Watch, follow_pushes},
    },
    store::Book,
};

/// Longest wait for stages to finish their turn when the relayer stops; whatever is cut off is taken up again.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a relayer does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No chains at all.
    #[error("a relayer serves at least one chain: add one to the configuration")]
    NoChains,
    /// A chain is there twice.
    #[error("chain {0} is configured twice")]
    Twice(Caip2),
    /// Reader and writer disagree.
    #[error("the reader of {name} is on {reader} but its writer on {writer}: check their endpoints")]
    Mismatch {
        /// The chain.
        name: Caip2,
        /// Where the reader is.
        reader: ChainId,
        /// Where the writer is.
        writer: ChainId,
    },
    /// A bound of a lane is zero.
    #[error("{field} of {name} must be above zero")]
    Policy {
        /// The chain.
        name: Caip2,
        /// The bound.
        field: &'static str,
    },
    /// The admin interface would be reachable from outside.
    #[error("the admin address {0} is not on the loopback: use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// An address is taken.
    #[error("cannot listen on {address}: {source}; choose another port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The hub's address is unusable.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// Storage.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts relayers.
pub struct Relayer;

/// A relayer at work. Dropped without [`RunningRelayer::shutdown`] it stops at once, as if it had crashed: harmless.
pub struct RunningRelayer {
    /// Where its own interface listens.
    pub admin_addr: SocketAddr,
    /// Where health and metrics listen.
    pub health_addr: SocketAddr,
    pipeline: Pipeline,
}

/// Every stage of a relayer, without its interfaces. Dropped it stops at once, as if it had crashed: harmless.
pub struct Pipeline {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl std::fmt::Debug for RunningRelayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { admin_addr, health_addr, .. } = self;
        f.debug_struct("RunningRelayer").field("admin", admin_addr).field("health", health_addr).finish_non_exhaustive()
    }
}

impl Relayer {
    /// Checks the parts, opens the book, binds both addresses and starts every stage. The hub and the chains need not be
    /// up: stages wait for them.
    pub async fn start(parts: Parts) -> Result<RunningRelayer, StartError> {
        let hub = Arc::new(JsonRpcHub::new(&parts.hub_url)?);
        Self::start_with(parts, hub).await
    }

    /// The same with another way to reach the hub.
    pub async fn start_with(parts: Parts, hub: Arc<dyn HubClient>) -> Result<RunningRelayer, StartError> {
        let metrics = metrics::install();
        let Parts { hub_url, chains, store, clock, admin_listen, health_listen, limits } = parts;
        validate(&chains)?;
        if !admin_listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(admin_listen));
        }
        let (admin_listener, admin_addr) = listen(admin_listen).await?;
        let (health_listener, health_addr) = listen(health_listen).await?;
        let mut pipeline = Pipeline::start(PipelineParts { hub_url, chains, store, clock, limits }, hub)?;
        let Pipeline { shared, tasks } = &mut pipeline;
        tasks.spawn(admin::serve(shared.clone(), admin_listener));
        tasks.spawn(health::serve(shared.clone(), metrics, health_listener));
        tracing::info!(%admin_addr, %health_addr, lanes = shared.lanes.len(), hub = shared.hub_url, "relayer started");
        Ok(RunningRelayer { admin_addr, health_addr, pipeline })
    }
}

impl Pipeline {
    /// Checks the parts, opens the book and starts every stage on the current runtime. The hub and the chains need not
    /// be up: stages wait for them.
    pub fn start(parts: PipelineParts, hub: Arc<dyn HubClient>) -> Result<Self, StartError> {
        let PipelineParts { hub_url, chains, store, clock, limits } = parts;
        validate(&chains)?;
        let book = Book::open(store, chains.iter().map(|chain| chain.reader.chain()))?;
        let lanes = chains.into_iter().map(Lane::new).collect();
        let shared = Arc::new(Shared::new(book, clock, hub, hub_url, limits, lanes));
        let mut tasks = JoinSet::new();
        for stage in stages(&shared) {
            tasks.spawn(guarded(shared.clone(), stage));
        }
        tasks.spawn(follow_pushes(shared.clone()));
        Ok(Self { shared, tasks })
    }

    /// What stopped until a person has looked and started it again, each with its reason.
    pub fn halted(&self) -> Vec<String> {
        let lanes = self.shared.lanes.values().filter_map(|lane| lane.halted());
        self.shared.hub_halted().into_iter().chain(lanes).collect()
    }
}

impl RunningRelayer {
    /// Why it is not ready; empty when the hub is reachable and no lane is halted.
    pub fn problems(&self) -> Vec<String> {
        health::problems(&self.pipeline.shared)
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.pipeline.shared
    }

    /// Ends every stage after its turn.
    pub async fn shutdown(self) {
        let Pipeline { shared, mut tasks } = self.pipeline;
        shared.cancel.cancel();
        let ended = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIMEOUT, ended).await.is_err() {
            tracing::warn!("stages were cut off; they go on from the store at the next start");
        }
        tasks.abort_all();
    }
}

/// A stage that panics stops its lane with a reason, like any other state that must never occur.
async fn guarded(shared: Arc<Shared>, stage: Box<dyn Stage>) {
    let (lane, name) = (stage.lane().cloned(), stage.name().name());
    if AssertUnwindSafe(drive(shared.clone(), stage)).catch_unwind().await.is_err() {
        let reason = format!("{name} panicked: restart the relayer and report it with the log");
        match lane {
            Some(lane) => lane.halt(&reason),
            None => shared.halt_hub(&reason),
        }
    }
}

fn stages(shared: &Arc<Shared>) -> Vec<Box<dyn Stage>> {
    let mut stages: Vec<Box<dyn Stage>> = vec![
        Box::new(Take::new(shared.clone())),
        Box::new(Watch::new(shared.clone())),
        Box::new(Supply::new(shared.clone())),
    ];
    for lane in shared.lanes.values() {
        stages.push(Box::new(Observe { shared: shared.clone(), lane: lane.clone() }));
        stages.push(Box::new(Submit::new(shared.clone(), lane.clone())));
        stages.push(Box::new(Deliver::new(shared.clone(), lane.clone())));
        stages.push(Box::new(Confirm::new(shared.clone(), lane.clone())));
    }
    stages
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

fn validate(chains: &[ChainParts]) -> Result<(), StartError> {
    if chains.is_empty() {
        return Err(StartError::NoChains);
    }
    let mut seen = BTreeSet::new();
    for chain in chains {
        let (reader, writer) = (chain.reader.chain(), chain.writer.chain());
        if reader != writer {
            return Err(StartError::Mismatch { name: chain.name.clone(), reader, writer });
        }
        if !seen.insert(reader) {
            return Err(StartError::Twice(chain.name.clone()));
        }
        if let Some(field) = zero_bound(&chain.policy) {
            return Err(StartError::Policy { name: chain.name.clone(), field });
        }
    }
    Ok(())
}

fn zero_bound(policy: &LanePolicy) -> Option<&'static str> {
    let bounds = [
        (policy.batch_max == 0, "batch_max"),
        (policy.batch_gas_max == 0, "batch_gas_max"),
        (policy.batch_bytes_max == 0, "batch_bytes_max"),
        (policy.batch_wait_ms == 0, "batch_wait_ms"),
        (policy.retries_max == 0, "retries_max"),
        (policy.backoff_min_ms == 0, "backoff_min_ms"),
        (policy.backoff_max_ms == 0, "backoff_max_ms"),
        (policy.in_flight_max == 0, "in_flight_max"),
        (policy.scan_blocks_max == 0, "scan_blocks_max"),
        (policy.poll_ms == 0, "poll_ms"),
        (policy.confirm_ms == 0, "confirm_ms"),
    ];
    bounds.into_iter().find(|(zero, _)| *zero).map(|(_, field)| field)
}
