//! What stages share: the state of each lane and of the relayer as a whole. All of it can be lost.

use infrastrukt_api::HubStatus;
use infrastrukt_ports::{BlockRef, ChainReader, ChainWriter, Clock, SubmissionKey};
use infrastrukt_types::{Account, Amount, B256, Caip2, ChainId, HubId, Message, MessageId, Outbox, Route, Timestamp};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Jitter, Stage, StageError, StageName, hub::HubClient, supply::SupplyReport};
use crate::{
    ChainParts, LanePolicy, Limits, metrics,
    store::{Book, CertRef, Certified},
};

/// Outboxes kept in memory for each lane: enough for the checkpoints that are being drafted.
const OUTBOXES_MAX: usize = 4;

/// A checkpoint ready to prove leaves of.
pub(crate) struct Tree {
    pub(crate) certified: Certified,
    pub(crate) outbox: Outbox,
}

/// How a stage is doing.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageHealth {
    pub(crate) last_ok_ms: Option<u64>,
    pub(crate) error: Option<String>,
}

/// Everything that is read from and written to one chain.
pub(crate) struct Lane {
    pub(crate) chain: ChainId,
    pub(crate) name: Caip2,
    pub(crate) reader: Arc<dyn ChainReader>,
    pub(crate) writer: Arc<dyn ChainWriter>,
    pub(crate) policy: LanePolicy,
    pub(crate) start_block: u64,
    pub(crate) wake_submit: Notify,
    pub(crate) wake_deliver: Notify,
    /// Never notified: observing and confirming are paced by time.
    pub(crate) paced: Notify,
    /// First block whose facts are not in the book yet.
    pub(crate) scanned_next: AtomicU64,
    /// Set once the writer took up its open transactions after the start.
    pub(crate) writer_ready: AtomicBool,
    /// Set when evidence was put back before the place where submission reads on.
    pub(crate) evidence_reset: AtomicBool,
    /// Messages sent from or delivered to this chain since the start.
    pub(crate) messages: AtomicU64,
    head: Mutex<Option<BlockRef>>,
    halted: Mutex<Option<String>>,
    stages: Mutex<BTreeMap<StageName, StageHealth>>,
    trees: Mutex<VecDeque<(CertRef, Arc<Tree>)>>,
    wallet: Mutex<Option<Amount>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every critical section here is a plain assignment or copy: a panic leaves a usable value.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lane {
    pub(crate) fn new(parts: ChainParts) -> Self {
        Self {
            chain: parts.reader.chain(),
            name: parts.name,
            reader: parts.reader,
            writer: parts.writer,
            policy: parts.policy,
            start_block: parts.start_block,
            wake_submit: Notify::new(),
            wake_deliver: Notify::new(),
            paced: Notify::new(),
            scanned_next: AtomicU64::new(0),
            writer_ready: AtomicBool::new(false),
            evidence_reset: AtomicBool::new(false),
            messages: AtomicU64::new(0),
            head: Mutex::default(),
            halted: Mutex::default(),
            stages: Mutex::default(),
            trees: Mutex::default(),
            wallet: Mutex::default(),
        }
    }

    /// The name in logs and metrics.
    pub(crate) fn label(&self) -> &str {
        self.name.as_str()
    }

    /// Why the lane stopped, if it did.
    pub(crate) fn halted(&self) -> Option<String> {
        locked(&self.halted).clone()
    }

    /// Stops the lane until a person restarts the relayer.
    pub(crate) fn halt(&self, reason: &str) {
        locked(&self.halted).get_or_insert_with(|| reason.to_owned());
        metrics::lane_halted(self.label(), true);
        self.wake_submit.notify_one();
        self.wake_deliver.notify_one();
    }

    /// The final head as last read.
    pub(crate) fn head(&self) -> Option<BlockRef> {
        *locked(&self.head)
    }

    pub(crate) fn set_head(&self, head: BlockRef) {
        *locked(&self.head) = Some(head);
    }

    /// True when chain time `time` lies in a final block whose facts are in the book.
    pub(crate) fn is_final(&self, time: Timestamp) -> bool {
        let scanned = self.scanned_next.load(Ordering::Acquire);
        self.head().is_some_and(|head| head.time > time && scanned > head.number)
    }

    pub(crate) fn stages(&self) -> BTreeMap<StageName, StageHealth> {
        locked(&self.stages).clone()
    }

    pub(crate) fn wallet(&self) -> Option<Amount> {
        *locked(&self.wallet)
    }

    pub(crate) fn set_wallet(&self, balance: Amount) {
        *locked(&self.wallet) = Some(balance);
    }

    /// A checkpoint's tree, built once for consecutive batches.
    pub(crate) fn tree(&self, book: &Book, cert: CertRef) -> Result<Arc<Tree>, StageError> {
        if let Some((_, tree)) = locked(&self.trees).iter().find(|(name, _)| *name == cert) {
            return Ok(tree.clone());
        }
        let missing = || {
            StageError::Halt(format!(
                "the certificate of height {} is missing from the store though it is needed: restore the data directory",
                cert.height
            ))
        };
        let certified = book.certified(cert)?.ok_or_else(missing)?;
        let outbox = book.leaves(cert)?.and_then(Outbox::new).ok_or_else(missing)?;
        let tree = Arc::new(Tree { certified, outbox });
        let mut trees = locked(&self.trees);
        trees.truncate(OUTBOXES_MAX - 1);
        trees.push_front((cert, tree.clone()));
        Ok(tree)
    }
}

/// What the hub says about itself.
#[derive(Clone, Debug)]
pub(crate) struct HubInfo {
    pub(crate) id: HubId,
    pub(crate) gateways: BTreeMap<ChainId, Account>,
}

impl HubInfo {
    pub(crate) fn new(status: &HubStatus) -> Self {
        Self { id: status.hub_id, gateways: status.chains.iter().map(|chain| (chain.id, chain.gateway)).collect() }
    }

    /// The id of a message that left `gateway`; `None` where its target is no chain of the hub.
    pub(crate) fn message_id(&self, gateway: Account, message: &Message) -> Option<MessageId> {
        let target_gateway = *self.gateways.get(&message.target)?;
        Some(message.id(self.id, &Route { source_gateway: gateway, target_gateway }))
    }

    /// The id of a message between the hub's own gateways; `None` where one of its chains is none of the hub's.
    pub(crate) fn id_of(&self, message: &Message) -> Option<MessageId> {
        self.message_id(*self.gateways.get(&message.source)?, message)
    }
}

#[derive(Default)]
struct HubHealth {
    info: Option<HubInfo>,
    error: Option<String>,
    halted: Option<String>,
}

/// What all lanes share.
pub(crate) struct Shared {
    pub(crate) book: Book,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hub: Arc<dyn HubClient>,
    pub(crate) hub_url: String,
    pub(crate) limits: Limits,
    pub(crate) lanes: BTreeMap<ChainId, Arc<Lane>>,
    pub(crate) cancel: CancellationToken,
    pub(crate) wake_take: Notify,
    /// When this process had taken everything the hub had certified: what was queued before may be done already.
    pub(crate) live_since_ms: AtomicU64,
    pub(crate) jitter: Jitter,
    hub_health: Mutex<HubHealth>,
    hub_stages: Mutex<BTreeMap<StageName, StageHealth>>,
    supply: Mutex<BTreeMap<ChainId, SupplyReport>>,
}

impl Shared {
    pub(crate) fn new(
        book: Book,
        clock: Arc<dyn Clock>,
        hub: Arc<dyn HubClient>,
        hub_url: String,
        limits: Limits,
        lanes: Vec<Lane>,
    ) -> Self {
        Self {
            jitter: Jitter::new(clock.as_ref(), lanes.iter()),
            book,
            clock,
            hub,
            hub_url,
            limits,
            lanes: lanes.into_iter().map(|lane| (lane.chain, Arc::new(lane))).collect(),
            cancel: CancellationToken::new(),
            wake_take: Notify::new(),
            live_since_ms: AtomicU64::new(u64::MAX),
            hub_health: Mutex::default(),
            hub_stages: Mutex::default(),
            supply: Mutex::default(),
        }
    }

    pub(crate) fn hub_info(&self) -> Option<HubInfo> {
        locked(&self.hub_health).info.clone()
    }

    pub(crate) fn set_hub_info(&self, info: HubInfo) {
        let mut health = locked(&self.hub_health);
        (health.info, health.error) = (Some(info), None);
    }

    pub(crate) fn set_hub_error(&self, error: &str) {
        locked(&self.hub_health).error = Some(error.to_owned());
    }

    pub(crate) fn halt_hub(&self, reason: &str) {
        locked(&self.hub_health).halted.get_or_insert_with(|| reason.to_owned());
    }

    pub(crate) fn hub_stages(&self) -> BTreeMap<StageName, StageHealth> {
        locked(&self.hub_stages).clone()
    }

    /// Why nothing more is taken from the hub, if that is so.
    pub(crate) fn hub_halted(&self) -> Option<String> {
        locked(&self.hub_health).halted.clone()
    }

    /// How the token bridges are backed, for chains that have one.
    pub(crate) fn supply(&self) -> BTreeMap<ChainId, SupplyReport> {
        locked(&self.supply).clone()
    }

    pub(crate) fn set_supply(&self, reports: BTreeMap<ChainId, SupplyReport>) {
        *locked(&self.supply) = reports;
    }

    /// What is wrong with the hub, if anything is.
    pub(crate) fn hub_problem(&self) -> Option<String> {
        let health = locked(&self.hub_health);
        let unreachable = health.error.as_ref().map(|error| format!("hub unreachable at {}: {error}", self.hub_url));
        let unknown = health.info.is_none().then(|| format!("hub not reached yet at {}", self.hub_url));
        health.halted.clone().or(unreachable).or(unknown)
    }

    /// Remembers how a stage's turn went.
    pub(crate) fn note_turn(&self, stage: &dyn Stage, error: Option<&StageError>) {
        let stages = stage.lane().map_or(&self.hub_stages, |lane| &lane.stages);
        let mut stages = locked(stages);
        let health = stages.entry(stage.name()).or_default();
        match error {
            None => {
                health.error = None;
                health.last_ok_ms = Some(self.clock.now_ms());
            }
            Some(error) => health.error = Some(error.to_string()),
        }
    }
}

/// The name of a submission: what it does, to which leaves of which checkpoint, for the how-many-eth time.
pub(crate) fn submission_key(chain: ChainId, kind: u8, digest: B256, indices: &[u32], round: u32) -> SubmissionKey {
    let mut bytes = b"INFRASTRUKT/RELAYER/SUBMISSION/v1".to_vec();
    bytes.extend(chain.0.to_be_bytes());
    bytes.push(kind);
    bytes.extend(digest);
    bytes.extend(round.to_be_bytes());
    for index in indices {
        bytes.extend(index.to_be_bytes());
    }
    SubmissionKey(infrastrukt_types::keccak256(bytes))
}
