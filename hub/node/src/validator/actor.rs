//! One validator: follows the log, executes and stores every block, signs what it may, collects what the others signed.

use infrastrukt_api::Share;
use infrastrukt_ports::{Clock, Consensus, FactVerifier, PortError, Remedy, Signer, SignerError, StoreError};
use infrastrukt_protocol::{Change, CheckpointRecord, EpochRecord, ExecuteError, Executed, Hub, StateView};
use infrastrukt_store::{ApplyError, HubStore, SignOnceError};
use infrastrukt_types::{Address, Block, CheckpointKind, Epoch, Height, HubTx, Timestamp};
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
    shares::{SharePool, SlotKey, turn},
    signing::{check, judged_time},
};
use crate::config::EvidenceLimits;

/// How often what is still uncertified is signed, gossiped and offered again.
const TICK: Duration = Duration::from_secs(1);
/// How long to leave storage, consensus or the signer alone after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// Uncertified checkpoints looked at in one tick.
const RESIGNED_MAX: usize = 256;
/// Milliseconds each validator leaves a complete certificate to the one whose turn it is before.
const TURN_MS: u64 = 2_000;
/// Milliseconds after which a certificate that did not reach the log is offered again.
const REOFFER_MS: u64 = 5_000;
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
    pub(crate) gossip: broadcast::Sender<Share>,
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

fn lock(pool: &Mutex<SharePool>) -> MutexGuard<'_, SharePool> {
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
    let pool = Arc::new(Mutex::new(SharePool::default()));
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

async fn until(node: CancellationToken, work: impl Future<Output = ()>) {
    work.await;
    node.cancelled().await;
}

fn current_epoch(store: &HubStore, epoch: Epoch) -> Result<EpochRecord, StoreError> {
    store.epoch(epoch)?.ok_or_else(|| StoreError::Io(format!("epoch {epoch} is missing from the state")))
}

/// Why a validator cannot go on. Everything else is tried again.
#[derive(Debug, thiserror::Error)]
enum Fatal {
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
enum StepError {
    #[error(transparent)]
    Fatal(#[from] Fatal),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signer(#[from] SignerError),
}

struct Actor {
    around: Surroundings,
    store: Arc<HubStore>,
    signer: Arc<dyn Signer>,
    pool: Arc<Mutex<SharePool>>,
    epoch: EpochRecord,
    progress: watch::Sender<Progress>,
    applied: broadcast::Sender<Arc<Applied>>,
}

impl Actor {
    async fn run(mut self, own: CancellationToken) {
        let mut gossip = self.around.gossip.subscribe();
        let clock = self.around.clock.clone();
        let mut tick = clock.sleep(Duration::ZERO);
        loop {
            let next = self.progress.borrow().height.next();
            let outcome = tokio::select! {
                () = own.cancelled() => return,
                block = self.next_block(next) => self.follow(block).await,
                Ok(share) = gossip.recv() => self.receive(share).await,
                () = &mut tick => {
                    tick = clock.sleep(TICK);
                    self.tend().await
                }
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
    async fn next_block(&self, next: Option<Height>) -> Result<Block, PortError> {
        let height = next.ok_or_else(|| PortError::halt("no height is left"))?;
        let block = self.around.consensus.decided(height).await?;
        let skew = self.around.hub.genesis.timing.skew_max_s;
        while block.time > self.around.clock.now().plus(skew) {
            tracing::warn!(%height, time = %block.time, "the block is of the future by this clock, waiting");
            self.around.clock.sleep(PAUSE).await;
        }
        Ok(block)
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
        if executed.tip.epoch != self.epoch.epoch {
            self.epoch = current_epoch(&self.store, executed.tip.epoch)?;
        }
        self.progress.send_modify(|progress| {
            progress.height = block.height;
            progress.time = block.time;
        });
        self.drop_finished(&executed);
        // Nobody need be listening.
        let _ = self.applied.send(Arc::new(Applied::new(self.around.hub.hub_id, &block, &executed)));
        for record in &executed.checkpoints {
            self.sign(record).await?;
        }
        self.offer().await;
        Ok(())
    }

    /// Executes a block and stores the outcome in one synced batch.
    async fn execute(&self, block: &Block) -> Result<Executed, StepError> {
        let (hub, store, block) = (self.around.hub.clone(), self.store.clone(), block.clone());
        let work = tokio::task::spawn_blocking(move || {
            let executed = match hub.execute(store.as_ref(), &block) {
                Ok(executed) => executed,
                Err(ExecuteError::View(error)) => return Err(StepError::Store(error)),
                Err(error) => return Err(Fatal::Block(error).into()),
            };
            match store.apply(&block, &executed) {
                Ok(()) => Ok(executed),
                Err(ApplyError::Store(error)) => Err(error.into()),
                Err(error @ ApplyError::OutOfOrder { .. }) => Err(Fatal::Apply(error).into()),
            }
        });
        work.await.unwrap_or_else(|error| Err(StoreError::Io(error.to_string()).into()))
    }

    /// Superseded COMMITs stay: a certificate of shares that were released in time still counts.
    fn drop_finished(&self, executed: &Executed) {
        let mut pool = lock(&self.pool);
        for change in &executed.changes {
            if let Change::Checkpoint(record) = change {
                let kind = record.checkpoint.kind;
                let replaced = record.superseded && kind != CheckpointKind::Commits;
                if record.certificate.is_some() || replaced {
                    pool.forget((record.checkpoint.height, kind));
                }
            }
        }
    }

    /// Signs a checkpoint if the rule allows it, now and once the signature is there, and lets the others know.
    async fn sign(&self, record: &CheckpointRecord) -> Result<(), StepError> {
        let key = (record.checkpoint.height, record.checkpoint.kind);
        if record.checkpoint.epoch == self.epoch.epoch {
            lock(&self.pool).begin(key, record.checkpoint.digest(), &Arc::new(self.epoch.set.clone()));
        }
        if self.epoch.set.find(self.signer.address()).is_none() || !self.may_sign(record)? {
            return Ok(());
        }
        self.remember(record).await?;
        let signature = self.signer.sign(record.checkpoint.digest()).await?;
        // A signer may take its time: the limit is checked again at the moment the share leaves.
        if !self.may_sign(record)? {
            return Ok(());
        }
        let share = Share {
            validator: self.signer.address(),
            height: key.0,
            kind: key.1,
            signature: signature.to_vec().into(),
        };
        // Through the same gate as a stranger's: a broken signer is noticed here.
        if let Err(refusal) = lock(&self.pool).receive(share.clone(), key.0, &self.epoch.set) {
            tracing::error!(%refusal, height = %key.0, "this validator's own share is invalid: check its key");
            return Ok(());
        }
        // Alone in the node, nobody listens.
        let _ = self.around.gossip.send(share);
        Ok(())
    }

    /// Puts on disk what is about to be signed. Another signature for the same is never made, not even by mistake.
    async fn remember(&self, record: &CheckpointRecord) -> Result<(), StepError> {
        let (store, record) = (self.store.clone(), record.clone());
        match tokio::task::spawn_blocking(move || store.sign_once(&record)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(SignOnceError::Store(error))) => Err(error.into()),
            Ok(Err(error @ (SignOnceError::Digest { .. } | SignOnceError::Decision { .. }))) => {
                Err(Fatal::SignOnce(error).into())
            }
            Err(error) => Err(StoreError::Io(error.to_string()).into()),
        }
    }

    fn may_sign(&self, record: &CheckpointRecord) -> Result<bool, StoreError> {
        let hub = &self.around.hub;
        let tip = self.progress.borrow().time;
        let now = judged_time(tip, self.around.clock.now(), hub.genesis.timing.skew_max_s);
        let verdict = check(hub, self.store.as_ref(), record, &self.epoch, now)?;
        if let Err(refusal) = &verdict {
            let checkpoint = &record.checkpoint;
            tracing::debug!(%refusal, height = %checkpoint.height, kind = ?checkpoint.kind, "not signed");
            metrics::counter!("infrastrukt_hub_signatures_withheld_total").increment(1);
        }
        Ok(verdict.is_ok())
    }

    async fn receive(&self, share: Share) -> Result<(), StepError> {
        let (from, executed) = (share.validator, self.progress.borrow().height);
        if let Err(refusal) = lock(&self.pool).receive(share, executed, &self.epoch.set) {
            tracing::warn!(%refusal, %from, "a share is not counted");
        }
        self.offer().await;
        Ok(())
    }

    /// Signs what is still uncertified, also after a restart, and repeats shares that others may have missed.
    async fn tend(&mut self) -> Result<(), StepError> {
        let Some(end) = self.progress.borrow().height.next() else { return Ok(()) };
        for (height, kind) in self.store.uncertified(end, RESIGNED_MAX)? {
            if let Some(record) = self.store.checkpoint(height, kind)? {
                self.sign(&record).await?;
            }
        }
        self.offer().await;
        Ok(())
    }

    /// Offers complete certificates when it is this validator's turn.
    async fn offer(&self) {
        let me = self.signer.address();
        let turn_ms = |key: SlotKey| turn(&self.epoch.set, me, key).saturating_mul(TURN_MS);
        let now_ms = self.around.clock.now_ms();
        let complete = lock(&self.pool).take_complete(now_ms, REOFFER_MS, turn_ms);
        for ((height, kind), certificate) in complete {
            tracing::debug!(%height, ?kind, validator = %me, "certificate complete");
            if let Err(error) = self.around.consensus.submit(HubTx::Certify { height, kind, certificate }).await {
                tracing::warn!(%height, ?kind, %error, "a certificate was not taken, it is offered again");
            }
        }
    }
}
