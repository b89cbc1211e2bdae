//! One validator: follows the log, executes and stores every block, signs what it may, collects what the others signed.

use futures::future::BoxFuture;
use infrastrukt_api::Share;
use infrastrukt_ports::{Clock, Consensus, FactVerifier, PortError, Remedy, Signer, SignerError, StoreError};
use infrastrukt_protocol::{Change, EpochRecord, ExecuteError, Executed, Hub, LeafState, LegState, StateView};
use infrastrukt_store::{ApplyError, HubStore, SignOnceError};
use infrastrukt_types::{Address, Block, ChainId, CheckpointKind, Decision, Epoch, Height, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    applied::Applied,
    attest::{Attestor, FACTS_QUEUE},
    evidence::{EvidenceInbox, OfferOutcome, Offered, evidence_lane},
    kept::{count_again, recall},
    shares::SharePool,
    sharing::is_waiting,
};
use crate::{blocking::blocking, config::EvidenceLimits};

/// How often what is still uncertified is signed, gossiped and offered again.
const TICK: Duration = Duration::from_secs(1);
/// How long to leave storage, consensus or the signer alone after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// Blocks that a slow listener may be behind.
const APPLIED_BUFFER: usize = 256;

/// What a validator is made of.
pub(crate) struct ValidatorParts {
    /// Its own storage.
    pub(crate) store: Arc<HubStore>,
    /// Its key.
    pub(crate) signer: Arc<dyn Signer>,
    /// Its own view of every chain.
    pub(crate) verifiers: Vec<Arc<dyn FactVerifier>>,
}

/// What all validators of a node share.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) hub: Arc<Hub>,
    pub(crate) consensus: Arc<dyn Consensus>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where its shares go.
    pub(crate) say: broadcast::Sender<Share>,
    /// Where the others' shares come from; in one process the same channel.
    pub(crate) hear: broadcast::Sender<Share>,
    pub(crate) evidence: EvidenceLimits,
    pub(crate) cancel: CancellationToken,
}

/// A running validator as the rest of the node sees it.
pub struct Validator {
    /// Address of its key.
    pub address: Address,
    /// Its state.
    pub store: Arc<HubStore>,
    /// Where evidence is handed in.
    pub(crate) inbox: EvidenceInbox,
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) applied: broadcast::Sender<Arc<Applied>>,
    pool: Arc<Mutex<SharePool>>,
}

/// How far a validator is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) height: Height,
    pub(crate) time: Timestamp,
    /// Why it stopped for good, if it did.
    pub(crate) stopped: Option<String>,
}

impl Validator {
    /// Why it stopped attesting or signing, if it did.
    pub fn halted(&self) -> Option<String> {
        self.progress.borrow().stopped.clone().or_else(|| self.inbox.desk().halted_text())
    }

    /// Waits a moment until a block is known to be final here.
    pub(crate) async fn finality(&self, chain: ChainId, block: u64) {
        self.inbox.finality(chain, block).await;
    }

    /// Hands evidence in.
    pub(crate) fn offer(&self, offered: &Offered) -> OfferOutcome {
        match self.progress.borrow().stopped.clone() {
            Some(reason) => OfferOutcome::Halted(reason),
            None => self.inbox.offer(offered),
        }
    }

    /// Height it has executed.
    pub fn height(&self) -> Height {
        self.progress.borrow().height
    }

    /// Shares on a checkpoint that have left their signers and wait for a certificate.
    pub fn shares(&self, height: Height, kind: CheckpointKind) -> Vec<Share> {
        lock(&self.pool).shares((height, kind))
    }

    /// Checkpoints that wait for a certificate.
    pub fn uncertified(&self) -> usize {
        lock(&self.pool).len()
    }
}

pub(super) fn lock(pool: &Mutex<SharePool>) -> MutexGuard<'_, SharePool> {
    pool.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a validator from where its store ends.
pub(crate) fn spawn(
    parts: ValidatorParts,
    around: &Surroundings,
    tasks: &mut JoinSet<()>,
) -> Result<Arc<Validator>, StoreError> {
    let ValidatorParts { store, signer, verifiers } = parts;
    let tip = store.tip()?;
    let epoch = current_epoch(&store, tip.epoch)?;
    let (facts, verified) = mpsc::channel(FACTS_QUEUE);
    let by_chain: HashMap<_, _> = verifiers.into_iter().map(|verifier| (verifier.chain(), verifier)).collect();
    let (inbox, checker) = evidence_lane(around.evidence, by_chain, facts, around.clock.clone());
    let (progress, watched) = watch::channel(Progress { height: tip.height, time: tip.time, stopped: None });
    let (applied, _) = broadcast::channel(APPLIED_BUFFER);
    let pool = Arc::new(Mutex::new(stored_pool(&store, around, tip.time)?));
    let attestor = Attestor {
        hub_id: around.hub.hub_id,
        store: store.clone(),
        signer: signer.clone(),
        consensus: around.consensus.clone(),
        clock: around.clock.clone(),
        desk: inbox.desk_shared(),
        verified,
    };
    let validator = Arc::new(Validator {
        address: signer.address(),
        store: store.clone(),
        inbox,
        progress: watched,
        applied: applied.clone(),
        pool: pool.clone(),
    });
    let actor = Actor { around: around.clone(), store, signer, pool, epoch, progress, applied };
    // A validator that stops for good says nothing any more, but its tasks end with the node only.
    let (own, node) = (around.cancel.child_token(), around.cancel.clone());
    tasks.spawn(until(node.clone(), checker.run(own.clone())));
    tasks.spawn(until(node.clone(), attestor.run(own.clone())));
    tasks.spawn(until(node, actor.run(own)));
    Ok(validator)
}

/// The shares that were stored before the last stop.
fn stored_pool(store: &HubStore, around: &Surroundings, tip: Timestamp) -> Result<SharePool, StoreError> {
    let mut pool = SharePool::default();
    let recalled = recall(store, &around.hub, tip.max(around.clock.now()))?;
    let evicted = count_again(&mut pool, recalled);
    store.forget_shares(&evicted)?;
    Ok(pool)
}

async fn until(node: CancellationToken, work: impl Future<Output = ()>) {
    work.await;
    node.cancelled().await;
}

fn current_epoch(store: &HubStore, epoch: Epoch) -> Result<EpochRecord, StoreError> {
    store.epoch(epoch)?.ok_or_else(|| StoreError::Io(format!("epoch {epoch} is missing from the state")))
}

/// Why a validator cannot go on. Everything else is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fatal {
    #[error("{0}")]
    Block(ExecuteError<StoreError>),
    #[error(transparent)]
    Apply(ApplyError),
    #[error(transparent)]
    SignOnce(SignOnceError),
    #[error("consensus failed: {0}")]
    Consensus(String),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error(transparent)]
    Fatal(#[from] Fatal),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// Follows the log. Its part in certificates is in `sharing`.
pub(super) struct Actor {
    pub(super) around: Surroundings,
    pub(super) store: Arc<HubStore>,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) pool: Arc<Mutex<SharePool>>,
    pub(super) epoch: EpochRecord,
    pub(super) progress: watch::Sender<Progress>,
    applied: broadcast::Sender<Arc<Applied>>,
}

impl Actor {
    async fn run(mut self, own: CancellationToken) {
        let mut gossip = self.around.hear.subscribe();
        let clock = self.around.clock.clone();
        let mut tick = clock.sleep(Duration::ZERO);
        // Kept while other work is done: a block may be longer on its way than it is from one tick to the next.
        let mut next = self.next_block();
        loop {
            // In a fixed order: what is due once a second first, and blocks before shares, which speak of blocks.
            let outcome = tokio::select! {
                biased;
                () = own.cancelled() => return,
                () = &mut tick => {
                    tick = clock.sleep(TICK);
                    self.tend().await
                }
                block = &mut next => {
                    let outcome = self.follow(block).await;
                    next = self.next_block();
                    outcome
                }
                Ok(share) = gossip.recv() => self.receive(share, &mut gossip).await,
            };
            match outcome {
                Ok(()) => {}
                Err(StepError::Fatal(fatal)) => return self.stop(&fatal, &own),
                Err(error @ (StepError::Store(_) | StepError::Signer(_))) => {
                    tracing::error!(%error, validator = %self.signer.address(), "a step failed and is tried again");
                    clock.sleep(PAUSE).await;
                }
            }
        }
    }

    /// Neither attests nor signs any more. The status says why.
    fn stop(&self, fatal: &Fatal, own: &CancellationToken) {
        tracing::error!(error = %fatal, validator = %self.signer.address(), "the validator stops");
        self.progress.send_modify(|progress| progress.stopped = Some(fatal.to_string()));
        own.cancel();
    }

    /// The next decided block, once its time is not ahead of this validator's own clock by more than the skew.
    fn next_block(&self) -> BoxFuture<'static, Result<Block, PortError>> {
        let Surroundings { hub, consensus, clock, .. } = self.around.clone();
        let (next, skew) = (self.progress.borrow().height.next(), hub.genesis.timing.skew_max_s);
        Box::pin(async move {
            let height = next.ok_or_else(|| PortError::halt("no height is left"))?;
            let block = consensus.decided(height).await?;
            while block.time > clock.now().plus(skew) {
                tracing::warn!(%height, time = %block.time, "the block is of the future by this clock, waiting");
                clock.sleep(PAUSE).await;
            }
            Ok(block)
        })
    }

    async fn follow(&mut self, block: Result<Block, PortError>) -> Result<(), StepError> {
        let block = match block {
            Ok(block) => block,
            Err(error) => match error.remedy {
                Remedy::Retry { after } => {
                    tracing::warn!(%error, "no block");
                    self.around.clock.sleep(after).await;
                    return Ok(());
                }
                Remedy::Rewind { .. } | Remedy::Reject | Remedy::Halt => {
                    return Err(Fatal::Consensus(error.to_string()).into());
                }
            },
        };
        let executed = self.execute(&block).await?;
        self.catch_up()?;
        // A block that was known already has its checkpoints signed by `tend`.
        let Some(executed) = executed else { return Ok(()) };
        self.drop_finished(&executed);
        // Nobody need be listening.
        let _ = self.applied.send(Arc::new(Applied::new(self.around.hub.hub_id, &block, &executed)));
        for record in &executed.checkpoints {
            self.sign(record).await?;
        }
        if shows_commit(&executed) {
            self.recall().await?;
        }
        self.save().await?;
        self.offer().await;
        Ok(())
    }

    /// Executes a block and stores the outcome in one synced batch. `None` where the store has the block: a batch may
    /// have reached the disk although its commit reported a failure.
    async fn execute(&self, block: &Block) -> Result<Option<Executed>, StepError> {
        let (hub, block) = (self.around.hub.clone(), block.clone());
        let work = move |store: &HubStore| -> Result<Option<Executed>, StepError> {
            let tip = store.tip()?;
            if tip.height == block.height && tip.block_hash == block.hash() {
                return Ok(None);
            }
            let executed = match hub.execute(store, &block) {
                Ok(executed) => executed,
                Err(ExecuteError::View(error)) => return Err(StepError::Store(error)),
                Err(error) => return Err(Fatal::Block(error).into()),
            };
            match store.apply(&block, &executed) {
                Ok(()) => Ok(Some(executed)),
                Err(ApplyError::Store(error)) => Err(error.into()),
                Err(error @ ApplyError::OutOfOrder { .. }) => Err(Fatal::Apply(error).into()),
            }
        };
        self.blocking(work).await
    }

    /// Takes height, time and epoch from the store, which alone knows how far this validator is.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        let tip = self.store.tip()?;
        if tip.epoch != self.epoch.epoch {
            self.epoch = current_epoch(&self.store, tip.epoch)?;
            let (validator, epoch) = (self.signer.address(), self.epoch.epoch);
            let signs = self.epoch.set.find(validator).is_some();
            tracing::info!(%validator, %epoch, signs, "an epoch begins");
        }
        self.progress.send_modify(|progress| {
            progress.height = tip.height;
            progress.time = tip.time;
        });
        Ok(())
    }

    /// Works on the store on a thread that may block.
    pub(super) async fn blocking<T, E>(
        &self,
        work: impl FnOnce(&HubStore) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let store = self.store.clone();
        let outcome = blocking(move || work(&store)).await;
        outcome.unwrap_or_else(|error| Err(StoreError::Io(error.to_string()).into()))
    }

    fn drop_finished(&self, executed: &Executed) {
        let mut pool = lock(&self.pool);
        for change in &executed.changes {
            if let Change::Checkpoint(record) = change
                && !is_waiting(record, self.epoch.epoch)
            {
                pool.forget((record.checkpoint.height, record.checkpoint.kind));
            }
        }
    }
}

/// True where the block proves that a leg was paid under a COMMIT whose certificate is not in the log.
fn shows_commit(executed: &Executed) -> bool {
    executed.changes.iter().any(|change| match change {
        Change::Deal(deal) => {
            let certified = matches!(deal.leaf, LeafState::Certified(_));
            deal.decision == Some(Decision::Commit) && deal.any(LegState::Released) && !certified
        }
        Change::Message(_)
        | Change::Tally { .. }
        | Change::Fact { .. }
        | Change::Checkpoint(_)
        | Change::Epoch(_)
        | Change::Rotation { .. }
        | Change::Frozen { .. }
        | Change::Tip(_) => false,
    })
}
