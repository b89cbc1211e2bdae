//! Four validators, two pretended chains, and a node around them.

use async_trait::async_trait;
use infrastrukt_api::{CertifiedCheckpoint, DealTerms, EvidenceOutcome, HubApiClient, LegTerms};
use infrastrukt_hub::{Node, NodeParts, NodeSettings, RunningNode, StartError, SystemClock, ValidatorKit};
use infrastrukt_ports::{Check, Clock, FactVerifier, PortError, Signer, SignerError, Store};
use infrastrukt_protocol::{ChainRecord, ChainTiming, Genesis, HubTiming, Identity};
use infrastrukt_registry::{EcdsaSigner, SecretKey};
use infrastrukt_store::{CONSENSUS_COLUMNS, HUB_COLUMNS, MemoryStore, RocksStore};
use infrastrukt_types::{
    Account, Address, Amount, B256, Bytes, ChainId, Deal, DealId, Evidence, Fact, FactKind, HubId, Message, MessageId,
    Nonce, Origin, ReceiptEvidence, ReceiptProof, Timestamp, Validator, ValidatorSet, Verified, codec, keccak256,
};
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Longest wait for something that should happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest wait for all validators to ask what is final; one that stops at once never does.
const HEADS_PATIENCE: Duration = Duration::from_secs(2);

pub(crate) const CHAIN_A: ChainId = ChainId(31_337);
pub(crate) const CHAIN_B: ChainId = ChainId(56);

/// Last final block of both chains.
pub(crate) const FINAL_HEAD: u64 = 1_000_000;

/// What a pretended chain's verifier does.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Reads the facts that the evidence carries.
    Honest,
    /// Finds that a final block changed.
    Halts,
    /// Cannot judge yet, this many times.
    NotFinal(u32),
    /// Says that every message had another payload.
    Lies,
}

pub(crate) struct FakeVerifier {
    chain: ChainId,
    manner: Mutex<Manner>,
    /// How often somebody wanted to know the final head.
    asked: AtomicUsize,
}

fn facts(evidence: &Evidence) -> Result<Vec<Fact>, PortError> {
    let Evidence::Receipts(receipts) = evidence;
    codec::decode(&receipts.receipts[0].receipt).map_err(|error| PortError::reject(error.to_string()))
}

#[async_trait]
impl FactVerifier for FakeVerifier {
    fn chain(&self) -> ChainId {
        self.chain
    }

    fn screen(&self, evidence: &Evidence) -> Result<(), PortError> {
        facts(evidence).map(|_| ())
    }

    async fn final_head(&self) -> Result<u64, PortError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(FINAL_HEAD)
    }

    async fn verify(&self, evidence: &Evidence) -> Result<Vec<Verified<Fact>>, PortError> {
        let mut facts = facts(evidence)?;
        let mut manner = self.manner.lock().unwrap();
        match &mut *manner {
            Manner::Honest => {}
            Manner::Halts => return Err(PortError::halt("a final block changed")),
            Manner::NotFinal(0) => {}
            Manner::NotFinal(left) => {
                *left -= 1;
                return Err(PortError::retry(Duration::from_millis(20), "not final yet"));
            }
            Manner::Lies => {
                for fact in &mut facts {
                    if let FactKind::Sent { message, .. } = &mut fact.kind {
                        message.payload = Bytes::from_static(b"forged");
                    }
                }
            }
        }
        Ok(facts.into_iter().map(Verified::assert_verified).collect())
    }

    async fn check(&self) -> Vec<Check> {
        Vec::new()
    }
}

/// The system's clock, set ahead.
pub(crate) struct AheadClock {
    pub(crate) ahead_s: u64,
}

#[async_trait]
impl Clock for AheadClock {
    fn now_ms(&self) -> u64 {
        SystemClock.now_ms() + self.ahead_s * 1_000
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }
}

/// A key that signs only what it was told to.
pub(crate) struct PickySigner {
    pub(crate) inner: Arc<dyn Signer>,
    pub(crate) allowed: Arc<Mutex<Vec<B256>>>,
}

#[async_trait]
impl Signer for PickySigner {
    fn address(&self) -> Address {
        self.inner.address()
    }

    async fn sign(&self, digest: B256) -> Result<[u8; 65], SignerError> {
        if self.allowed.lock().unwrap().contains(&digest) {
            return self.inner.sign(digest).await;
        }
        Err(SignerError { address: self.address(), reason: "the device is locked".into() })
    }
}

pub(crate) fn signer(index: u8) -> Arc<dyn Signer> {
    Arc::new(EcdsaSigner::new(&SecretKey::from_bytes([index + 1; 32]).unwrap()))
}

fn account(text: &str) -> Account {
    Address::from_slice(&keccak256(text)[12..]).into()
}

fn chain(id: ChainId) -> ChainRecord {
    ChainRecord {
        id,
        name: format!("eip155:{}", id.0).parse().unwrap(),
        gateway: account(&format!("gateway {id}")),
        escrow: account(&format!("escrow {id}")),
        verifier: account(&format!("verifier {id}")),
        token_bridge: account(&format!("bridge {id}")),
        timing: ChainTiming { finality_s: 2, inclusion_s: 5, skew_s: 3, observe_s: 5 },
    }
}

pub(crate) fn genesis() -> Genesis {
    let created_at = Timestamp(SystemClock.now().0 - 60);
    let members = (0..4).map(|index| Validator { address: signer(index).address(), weight: 1 }).collect();
    Genesis {
        identity: Identity {
            name: "test hub".into(),
            created_at,
            validators: ValidatorSet::new(members).unwrap(),
            epoch_expires_at: created_at.plus(10_000_000),
        },
        timing: HubTiming {
            certify_s: 20,
            recovery_s: 60,
            escape_delay_s: 60,
            escape_window_s: 60,
            lock_within_max_s: 600,
            reissue_after_blocks: 1_000,
            skew_max_s: 30,
        },
        chains: vec![chain(CHAIN_A), chain(CHAIN_B)],
    }
}

/// Everything a node is started from.
pub(crate) struct World {
    pub(crate) genesis: Genesis,
    pub(crate) log: Arc<dyn Store>,
    pub(crate) stores: Vec<Arc<dyn Store>>,
    pub(crate) signers: Vec<Arc<dyn Signer>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: NodeSettings,
    verifiers: Vec<[Arc<FakeVerifier>; 2]>,
}

impl World {
    pub(crate) fn in_memory() -> Self {
        Self::hosting(4)
    }

    /// Hosts so many keys; the first four are the first set.
    pub(crate) fn hosting(count: usize) -> Self {
        let store = |columns| Arc::new(MemoryStore::new(columns)) as Arc<dyn Store>;
        Self::over(genesis(), store(CONSENSUS_COLUMNS), (0..count).map(|_| store(HUB_COLUMNS)).collect())
    }

    /// Takes a validator away with all it has.
    pub(crate) fn remove(&mut self, validator: usize) {
        self.stores.remove(validator);
        self.signers.remove(validator);
        self.verifiers.remove(validator);
    }

    pub(crate) fn on_disk(folder: &Path, genesis: Genesis) -> Self {
        let store =
            |name: String, columns| Arc::new(RocksStore::open(folder.join(name), columns).unwrap()) as Arc<dyn Store>;
        let stores = (0..4).map(|index| store(format!("validator-{index}"), HUB_COLUMNS)).collect();
        Self::over(genesis, store("log".into(), CONSENSUS_COLUMNS), stores)
    }

    fn over(genesis: Genesis, log: Arc<dyn Store>, stores: Vec<Arc<dyn Store>>) -> Self {
        let honest = || Mutex::new(Manner::Honest);
        let verifier = |chain| Arc::new(FakeVerifier { chain, manner: honest(), asked: AtomicUsize::new(0) });
        let mut settings = NodeSettings::local();
        settings.consensus.block_interval_ms = 20;
        settings.consensus.time_lead_max_s = 30;
        Self {
            genesis,
            log,
            signers: (0..).take(stores.len()).map(signer).collect(),
            clock: Arc::new(SystemClock),
            settings,
            verifiers: stores.iter().map(|_| [verifier(CHAIN_A), verifier(CHAIN_B)]).collect(),
            stores,
        }
    }

    pub(crate) fn behave(&self, validator: usize, manner: Manner) {
        for verifier in &self.verifiers[validator] {
            *verifier.manner.lock().unwrap() = manner.clone();
        }
    }

    pub(crate) fn hub_id(&self) -> HubId {
        self.genesis.identity.hub_id()
    }

    pub(crate) fn parts(&self) -> NodeParts {
        let kit = |index: usize| ValidatorKit {
            store: self.stores[index].clone(),
            signer: self.signers[index].clone(),
            verifiers: self.verifiers[index].iter().map(|verifier| verifier.clone() as Arc<dyn FactVerifier>).collect(),
        };
        NodeParts {
            genesis: self.genesis.clone(),
            log: self.log.clone(),
            validators: (0..self.stores.len()).map(kit).collect(),
            clock: self.clock.clone(),
            settings: self.settings,
            render: Some(Arc::new(|| "metrics\n".into())),
        }
    }

    pub(crate) async fn try_start(&self) -> Result<RunningNode, StartError> {
        Node::start(self.parts()).await
    }

    /// Starts a node of which every validator soon knows what is final.
    pub(crate) async fn start(&self) -> RunningNode {
        let hosted = || self.verifiers.iter().take(self.stores.len()).flatten();
        let asked = || hosted().map(|verifier| verifier.asked.load(Ordering::SeqCst)).collect::<Vec<_>>();
        let before = asked();
        let node = self.try_start().await.unwrap();
        let start = Instant::now();
        while asked().iter().zip(&before).any(|(now, before)| now <= before) && start.elapsed() < HEADS_PATIENCE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The last answer is noted right after it was given.
        tokio::time::sleep(Duration::from_millis(20)).await;
        node
    }

    /// A message from A to B as its gateway emitted it.
    pub(crate) fn sent(&self, nonce: u64) -> Fact {
        let message = Message {
            version: 1,
            source: CHAIN_A,
            target: CHAIN_B,
            nonce: Nonce(nonce),
            sender: account("sender"),
            recipient: account("recipient"),
            timestamp: Timestamp(1_700_000_000),
            gas_limit: 100_000,
            deadline: Timestamp(0),
            payload: Bytes::from_static(b"hello"),
        };
        let gateway = self.genesis.chain(CHAIN_A).unwrap().gateway;
        Fact { origin: origin(CHAIN_A, nonce), kind: FactKind::Sent { gateway, message } }
    }

    pub(crate) fn message_id(&self, fact: &Fact) -> MessageId {
        let FactKind::Sent { message, .. } = &fact.kind else { panic!("not a sent message") };
        message.id(self.hub_id(), &self.genesis.route(message.source, message.target).unwrap())
    }

    pub(crate) fn terms(&self) -> DealTerms {
        let leg = |chain, from: &str, to: &str| LegTerms {
            chain,
            token: Account::ZERO,
            amount: Amount(1_000),
            depositor: account(from),
            on_commit: account(to),
            on_abort: account(from),
            tip: Amount(1),
        };
        let legs = vec![leg(CHAIN_A, "alice", "bob"), leg(CHAIN_B, "bob", "alice")];
        DealTerms { nonce: B256::repeat_byte(9), lock_within_s: 300, legs }
    }
}

pub(crate) fn origin(chain: ChainId, block: u64) -> Origin {
    let block_hash = keccak256(block.to_be_bytes());
    Origin { chain, block_number: block, block_hash, tx_index: 0, event_index: 0 }
}

/// Evidence that the pretended chains understand: the facts themselves.
pub(crate) fn evidence(facts: &[Fact]) -> Evidence {
    let origin = facts[0].origin;
    Evidence::Receipts(ReceiptEvidence {
        chain: origin.chain,
        block_number: origin.block_number,
        block_hash: origin.block_hash,
        receipts: vec![ReceiptProof { tx_index: 0, receipt: codec::encode(facts).into(), nodes: Vec::new() }],
    })
}

pub(crate) fn client(node: &RunningNode) -> HttpClient {
    HttpClientBuilder::default().build(node.rpc_url()).unwrap()
}

/// Offers facts as relayers do: what has to wait is offered again. Right after a start no block is known to be final.
pub(crate) async fn submit(client: &HttpClient, facts: &[Fact]) -> EvidenceOutcome {
    let start = Instant::now();
    loop {
        let outcome = client.submit_evidence(vec![evidence(facts)]).await.unwrap().remove(0);
        if !matches!(outcome, EvidenceOutcome::Retry { .. }) || start.elapsed() > Duration::from_secs(1) {
            return outcome;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Registers the deal of [`World::terms`] and locks all its legs.
pub(crate) async fn lock_all(world: &World, client: &HttpClient) -> (DealId, Deal) {
    let deal = client.quote_deal(world.terms()).await.unwrap();
    let id = client.register_deal(deal.clone()).await.unwrap();
    assert_eq!(client.register_deal(deal.clone()).await.unwrap(), id, "the same again is no error");
    for leg in deal.leg_refs() {
        let kind = FactKind::Locked { deal: id, index: leg.index, lock_key: leg.lock_key(id) };
        let fact = Fact { origin: origin(leg.leg.chain, 5), kind };
        assert_eq!(submit(client, &[fact]).await, EvidenceOutcome::Accepted);
    }
    (id, deal)
}

/// Waits until `look` finds something.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what} did not happen within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for the first certified checkpoint from a cursor on.
pub(crate) async fn certified(client: &HttpClient, cursor: u64) -> CertifiedCheckpoint {
    eventually("a certificate", || async { client.certified(cursor, 1).await.unwrap().items.pop() }).await
}
