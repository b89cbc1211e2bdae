//! A node: one leader, the validators it hosts and its two ports, started and stopped together.

use infrastrukt_api::HubApiServer;
use infrastrukt_ports::{Clock, FactVerifier, Signer, Store, StoreError};
use infrastrukt_protocol::{Genesis, GenesisError, Hub, StateView};
use infrastrukt_store::{ConsensusLog, HubStore, OpenError};
use infrastrukt_types::{Address, Caip2, Height, HubId};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::broadcast,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{self, Interface, Limits, Readiness, Render, operator, rate::RateLimiter},
    config::{ApiLimits, ConsensusConfig, EvidenceLimits},
    consensus::{InProcessLeader, LeaderError},
    metrics::Meter,
    validator::{self, Surroundings, Validator, ValidatorParts},
};

/// Shares on their way to other validators of the node; one that falls behind gets them again.
const GOSSIP_BUFFER: usize = 4_096;
/// How long tasks may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Age of the last block, in seconds beyond the heartbeat, at which the node is not ready.
const STALE_S: u64 = 15;
/// Blocks that the answering validator may be behind the log while the node counts as ready.
const BEHIND_MAX: u64 = 64;

/// What a node is made of. Stores are opened by whoever starts the node, so that tests can keep them in memory.
pub struct NodeParts {
    /// What all validators agreed on.
    pub genesis: Genesis,
    /// A store with `infrastrukt_store::CONSENSUS_COLUMNS`.
    pub log: Arc<dyn Store>,
    /// At least one.
    pub validators: Vec<ValidatorKit>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ports and bounds.
    pub settings: NodeSettings,
    /// Writes the metrics; `None` where the embedding program publishes them.
    pub render: Option<Render>,
}

/// What one hosted validator is made of.
pub struct ValidatorKit {
    /// A store of its own with `infrastrukt_store::HUB_COLUMNS`.
    pub store: Arc<dyn Store>,
    /// Its key.
    pub signer: Arc<dyn Signer>,
    /// Its own view of every chain of the genesis.
    pub verifiers: Vec<Arc<dyn FactVerifier>>,
}

/// Ports and bounds of a node.
#[derive(Clone, Copy, Debug)]
pub struct NodeSettings {
    /// Where JSON-RPC is served; port 0 takes a free one.
    pub api_listen: SocketAddr,
    /// Where health and metrics are served; port 0 takes a free one.
    pub operator_listen: SocketAddr,
    /// Bounds of calls.
    pub api: ApiLimits,
    /// Bounds of evidence checking.
    pub evidence: EvidenceLimits,
    /// Pace of blocks.
    pub consensus: ConsensusConfig,
}

impl NodeSettings {
    /// Free loopback ports and default bounds.
    pub fn local() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            api_listen: any,
            operator_listen: any,
            api: ApiLimits::default(),
            evidence: EvidenceLimits::default(),
            consensus: ConsensusConfig::default(),
        }
    }
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The genesis breaks a rule.
    #[error("the genesis is refused: {0}")]
    Genesis(#[from] GenesisError),
    /// A validator's store is of another hub, or cannot be read.
    #[error("the store of validator {validator} is refused: {source}")]
    Store {
        /// Whose store.
        validator: Address,
        /// Why.
        source: OpenError,
    },
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StoreError),
    /// The log cannot be opened.
    #[error(transparent)]
    Leader(#[from] LeaderError),
    /// Nobody to run.
    #[error("no validator is configured: a node hosts at least one")]
    NoValidator,
    /// One key twice.
    #[error("validator {0} is hosted twice: a key that signs in two places can sign two things")]
    Twice(Address),
    /// A chain that a validator could say nothing about.
    #[error("validator {validator} has no verifier for chain {chain}: add the chain's file to `chains`")]
    MissingVerifier {
        /// Whose.
        validator: Address,
        /// Which chain.
        chain: Caip2,
    },
    /// The log was lost or swapped.
    #[error(
        "validator {validator} has executed block {height}, which is not the one in the log (end: {end}): restore the \
         data directory as a whole; a new log would decide other blocks"
    )]
    OtherLog {
        /// Whose store.
        validator: Address,
        /// Its height.
        height: Height,
        /// Height of the log.
        end: Height,
    },
    /// Blocks would be refused by their own validators.
    #[error("consensus.time_lead_max_s = {lead} is more than the genesis' skew_max_s = {skew}: lower it")]
    Lead {
        /// Configured.
        lead: u64,
        /// In the genesis.
        skew: u64,
    },
    /// A port is taken or not ours.
    #[error("{0} cannot be listened on: {1}")]
    Listen(SocketAddr, io::Error),
}

/// Starts nodes.
pub struct Node;

/// A node that runs. Dropping it stops it without waiting; [`RunningNode::shutdown`] waits.
pub struct RunningNode {
    /// Where JSON-RPC is served.
    pub api_addr: SocketAddr,
    /// Where health and metrics are served.
    pub operator_addr: SocketAddr,
    /// Identity of the hub.
    pub hub_id: HubId,
    validators: Arc<[Arc<Validator>]>,
    cancel: CancellationToken,
    tasks: JoinSet<()>,
}

impl Node {
    /// Checks the parts against each other, listens, and runs.
    pub async fn start(parts: NodeParts) -> Result<RunningNode, StartError> {
        let NodeParts { genesis, log, validators, clock, settings, render } = parts;
        genesis.validate()?;
        check_lead(&settings, &genesis)?;
        let hub = Arc::new(Hub::new(genesis));
        let log = Arc::new(ConsensusLog::new(log));
        let validators = open_validators(&hub, &log, validators)?;
        let api = listen(settings.api_listen).await?;
        let operator = listen(settings.operator_listen).await?;
        let leader = InProcessLeader::open(log, clock.clone(), settings.consensus.pace())?;
        let cancel = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let gossip = broadcast::channel(GOSSIP_BUFFER).0;
        let around = Surroundings {
            hub: hub.clone(),
            consensus: leader.clone(),
            clock: clock.clone(),
            say: gossip.clone(),
            hear: gossip,
            evidence: settings.evidence,
            cancel: cancel.clone(),
        };
        let mut hosted = Vec::with_capacity(validators.len());
        for parts in validators {
            hosted.push(validator::spawn(parts, &around, &mut tasks)?);
        }
        let running = RunningNode {
            api_addr: address(&api, settings.api_listen)?,
            operator_addr: address(&operator, settings.operator_listen)?,
            hub_id: hub.hub_id,
            validators: hosted.into(),
            cancel,
            tasks,
        };
        tracing::info!(api = %running.api_addr, operator = %running.operator_addr, hub = %hub.hub_id, "the hub runs");
        Ok(running.serve(hub, leader, clock, &settings, (api, operator), render))
    }
}

fn check_lead(settings: &NodeSettings, genesis: &Genesis) -> Result<(), StartError> {
    let (lead, skew) = (settings.consensus.time_lead_max_s, genesis.timing.skew_max_s);
    if lead > skew { Err(StartError::Lead { lead, skew }) } else { Ok(()) }
}

async fn listen(at: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(at).await.map_err(|error| StartError::Listen(at, error))
}

fn address(listener: &TcpListener, wanted: SocketAddr) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|error| StartError::Listen(wanted, error))
}

fn open_validators(hub: &Hub, log: &ConsensusLog, kits: Vec<ValidatorKit>) -> Result<Vec<ValidatorParts>, StartError> {
    if kits.is_empty() {
        return Err(StartError::NoValidator);
    }
    let mut opened: Vec<ValidatorParts> = Vec::with_capacity(kits.len());
    for kit in kits {
        let validator = kit.signer.address();
        if opened.iter().any(|other| other.signer.address() == validator) {
            return Err(StartError::Twice(validator));
        }
        let parts = open_validator(hub, kit)?;
        check_log(&parts.store, log, validator)?;
        opened.push(parts);
    }
    Ok(opened)
}

/// Opens one validator's store and checks that it can judge every chain.
pub(crate) fn open_validator(hub: &Hub, kit: ValidatorKit) -> Result<ValidatorParts, StartError> {
    let validator = kit.signer.address();
    for record in &hub.genesis.chains {
        if !kit.verifiers.iter().any(|verifier| verifier.chain() == record.id) {
            return Err(StartError::MissingVerifier { validator, chain: record.name.clone() });
        }
    }
    let store = HubStore::open(kit.store, hub).map_err(|source| StartError::Store { validator, source })?;
    check_membership(&store, validator)?;
    Ok(ValidatorParts { store: Arc::new(store), signer: kit.signer, verifiers: kit.verifiers })
}

/// A key without a say is hosted all the same: one that will be voted in has to follow the log before, and one that was
/// voted out goes on until it is taken from the configuration. It signs nothing in the meantime.
fn check_membership(store: &HubStore, validator: Address) -> Result<(), StartError> {
    let current = store.tip()?.epoch;
    for epoch in [Some(current), current.next()].into_iter().flatten() {
        if store.epoch(epoch)?.is_some_and(|record| record.set.find(validator).is_some()) {
            return Ok(());
        }
    }
    tracing::warn!(
        %validator, epoch = %current,
        "this key is in the set of neither this epoch nor the next: it follows the log and signs nothing"
    );
    Ok(())
}

/// The last block a validator executed must be the one that the log has at that height.
fn check_log(store: &HubStore, log: &ConsensusLog, validator: Address) -> Result<(), StartError> {
    let tip = store.tip()?;
    let logged = log.get(tip.height)?.map(|block| block.hash());
    if tip.height == Height(0) || logged == Some(tip.block_hash) {
        return Ok(());
    }
    let end = log.last()?.map_or(Height(0), |block| block.height);
    Err(StartError::OtherLog { validator, height: tip.height, end })
}

impl RunningNode {
    fn serve(
        mut self,
        hub: Arc<Hub>,
        leader: Arc<InProcessLeader>,
        clock: Arc<dyn Clock>,
        settings: &NodeSettings,
        (api, operator): (TcpListener, TcpListener),
        render: Option<Render>,
    ) -> Self {
        let readiness = readiness(leader.clone(), self.validators.clone(), clock.clone(), settings.consensus);
        let interface = Interface::new(hub, leader.clone(), clock.clone(), &settings.api, self.cancel.clone());
        let methods = interface.over(self.validators.clone()).expect("a node without validators is refused");
        let rate = Arc::new(RateLimiter::new(settings.api.rate()));
        let limits = Limits { rate, clock: clock.clone(), timeout: settings.api.call_timeout() };
        let meter = Meter { leader: leader.clone(), validators: self.validators.clone(), clock };
        self.tasks.spawn(leader.run(self.cancel.clone()));
        self.tasks.spawn(meter.run(self.cancel.clone()));
        self.tasks.spawn(api::serve(api, methods.into_rpc().into(), settings.api, limits, self.cancel.clone()));
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            if let Err(error) = operator::serve(operator, readiness, render, cancel).await {
                tracing::error!(%error, "the operator's port failed");
            }
        });
        self
    }

    /// The validators it hosts.
    pub fn validators(&self) -> &[Arc<Validator>] {
        &self.validators
    }

    /// Where clients connect.
    pub fn rpc_url(&self) -> String {
        format!("http://{}", self.api_addr)
    }

    /// Waits until a part of the node ends by itself, which only happens when it broke.
    pub async fn failed(&mut self) -> Option<JoinError> {
        self.tasks.join_next().await.and_then(Result::err)
    }

    /// Stops in order and waits: no block, no signature and no write is cut in half.
    pub async fn shutdown(mut self) {
        self.cancel.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIMEOUT, ended).await.is_err() {
            tracing::warn!("parts of the node did not end within {} s and are cut", STOP_TIMEOUT.as_secs());
        }
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn readiness(
    leader: Arc<InProcessLeader>,
    validators: Arc<[Arc<Validator>]>,
    clock: Arc<dyn Clock>,
    pace: ConsensusConfig,
) -> Readiness {
    Arc::new(move || {
        let primary = validators[0].progress.borrow().clone();
        if let Some(reason) = primary.stopped {
            return Err(format!("the answering validator stopped: {reason}"));
        }
        let behind = leader.height().0.saturating_sub(primary.height.0);
        if behind > BEHIND_MAX {
            return Err(format!("the answering validator is {behind} blocks behind the log"));
        }
        let age_s = clock.now().0.saturating_sub(primary.time.0);
        if age_s > STALE_S + pace.heartbeat_ms / 1_000 {
            return Err(format!("the last block is {age_s} s old"));
        }
        let halted = validators.iter().filter_map(|validator| validator.halted()).collect::<Vec<_>>();
        if 3 * halted.len() >= validators.len() && !halted.is_empty() {
            return Err(format!("{} of {} validators stopped: {}", halted.len(), validators.len(), halted.join("; ")));
        }
        Ok(())
    })
}
