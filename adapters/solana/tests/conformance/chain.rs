//! A node that makes blocks when it is told to, and remembers how it came to where it is.
//!
//! The node never abandons a block. A chain that did is a second node which was led the same way, but for the
//! transactions of the last blocks: block hashes follow from slots there, so that everything before is the same.

use infrastrukt_conformance::Failure;
use infrastrukt_solana::{
    account,
    devnet::{DeployOptions, Node, NodeOptions, PROGRAM, Peer, Steered, binary, deploy, dev_key, gateway_program},
};
use infrastrukt_types::ChainId;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use super::{ESCAPE_WINDOW_S, HUB, assigned, hands, line::Line, peer_bridge, peer_gateway, validators};

/// The chain under test, and the one that messages come from.
pub(crate) const CHAIN: ChainId = assigned(1);
pub(crate) const PEER: ChainId = ChainId(56);

/// Which development key owns the program.
pub(crate) const DEPLOYER: u32 = 9;

/// Blocks after which what was there before is final.
const FINALITY_LAG: u64 = 32;

/// Development keys with lamports, and how many.
const FUNDED: u32 = 10;
const FUNDS: u64 = 100_000_000_000_000;

/// Seconds for which decisions of a retired epoch still count.
const GRACE_S: u64 = 7 * 24 * 3_600;
const YEAR_S: u64 = 365 * 24 * 3_600;

/// Blocks that take much longer than their command.
const MANY: u64 = 1_000;

/// Time between blocks while the program is set up.
const SETUP_PAUSE: Duration = Duration::from_millis(10);

/// One thing that was done to the node.
#[derive(Clone, Debug)]
enum Step {
    Send(String),
    Mine,
    Advance(u64),
}

/// A chain.
pub(crate) struct Chain {
    line: Line,
    genesis_hash: String,
    beginning: u64,
    inner: Mutex<Inner>,
}

struct Inner {
    node: Steered,
    /// The folder of the node, kept as long as it runs.
    _dir: TempDir,
    past: Vec<Step>,
}

impl Inner {
    async fn start() -> Result<Self, Failure> {
        let dir = tempfile::tempdir().map_err(Failure::new)?;
        let funded = |index| (account(&dev_key(index).address()), FUNDS);
        let options = NodeOptions {
            binary: binary().map_err(Failure::new)?,
            program: (PROGRAM, gateway_program().map_err(Failure::new)?),
            upgrade_authority: account(&dev_key(DEPLOYER).address()),
            funds: (0..FUNDED).map(funded).collect(),
            port: None,
            slot_ms: 20,
            dir: dir.path().to_owned(),
        };
        let node = Node::start_steered(&options).await.map_err(Failure::new)?;
        Ok(Self { node, _dir: dir, past: Vec::new() })
    }

    async fn take(&mut self, line: &Line, step: Step) -> Result<(), Failure> {
        match &step {
            Step::Send(transaction) => {
                let config = json!({ "encoding": "base64", "skipPreflight": true });
                // What the chain does not take, it does not take: such a transaction is in no block.
                let _ = line.call("sendTransaction", json!([transaction, config])).await;
            }
            Step::Mine => {
                self.node.mine(1).await.map_err(Failure::new)?;
            }
            Step::Advance(seconds) => {
                self.node.advance(*seconds).await.map_err(Failure::new)?;
            }
        }
        self.past.push(step);
        Ok(())
    }
}

impl Chain {
    /// A new chain with the program set up, whose first blocks are final.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let inner = Inner::start().await?;
        let line = Line::to(inner.node.node().url()).await?;
        let genesis_hash = inner.node.node().genesis_hash().to_owned();
        let mut chain = Self { line, genesis_hash, beginning: 0, inner: Mutex::new(inner) };
        chain.finalize().await?;
        chain.set_up().await?;
        chain.finalize().await?;
        chain.beginning = chain.slot().await? + 1 - FINALITY_LAG;
        Ok(chain)
    }

    async fn set_up(&self) -> Result<(), Failure> {
        let done = async {
            let options = DeployOptions {
                url: self.url(),
                hub_id: HUB.0,
                chain: CHAIN,
                validators: validators().set().clone(),
                epoch_expires_at: now_s() + YEAR_S,
                grace_s: GRACE_S,
                escape_window_min_s: ESCAPE_WINDOW_S,
                bridged_decimals: 9,
                peers: vec![Peer {
                    chain: PEER,
                    gateway: peer_gateway(),
                    token_bridge: peer_bridge(),
                    is_evm: true,
                    routes: Vec::new(),
                }],
            };
            deploy(&options, &dev_key(DEPLOYER)).await.map_err(Failure::new)?;
            hands::make_token(self).await
        };
        tokio::select! {
            outcome = done => outcome,
            failure = self.keep_mining() => Err(failure),
        }
    }

    /// Makes blocks until one fails.
    async fn keep_mining(&self) -> Failure {
        loop {
            if let Err(failure) = self.mine(1).await {
                return failure;
            }
            sleep(SETUP_PAUSE).await;
        }
    }

    pub(crate) fn url(&self) -> String {
        self.line.url()
    }

    pub(crate) const fn line(&self) -> &Line {
        &self.line
    }

    pub(crate) fn genesis_hash(&self) -> &str {
        &self.genesis_hash
    }

    /// First slot after everything that was set up.
    pub(crate) const fn beginning(&self) -> u64 {
        self.beginning
    }

    /// Makes blocks, the first one with all that waits.
    pub(crate) async fn mine(&self, blocks: u64) -> Result<(), Failure> {
        let mut inner = self.inner.lock().await;
        for transaction in self.line.take_waiting() {
            inner.take(&self.line, Step::Send(transaction)).await?;
        }
        for _ in 0..blocks {
            inner.take(&self.line, Step::Mine).await?;
        }
        Ok(())
    }

    /// True where a transaction waits whose bytes hold these.
    pub(crate) fn waits_with(&self, bytes: &[u8]) -> bool {
        self.line.is_waiting(|raw| raw.windows(bytes.len()).any(|window| window == bytes))
    }

    pub(crate) async fn finalize(&self) -> Result<(), Failure> {
        self.mine(FINALITY_LAG).await
    }

    pub(crate) async fn advance(&self, seconds: u64) -> Result<(), Failure> {
        self.inner.lock().await.take(&self.line, Step::Advance(seconds)).await
    }

    pub(crate) async fn lose_pending(&self) {
        self.line.take_waiting();
    }

    /// Another node that was led the same way, without the transactions of the last blocks.
    pub(crate) async fn reorg(&self, depth: u64) -> Result<(), Failure> {
        let mut inner = self.inner.lock().await;
        let steps = without_last(&inner.past, depth);
        let mut other = Inner::start().await?;
        self.line.lead_to(other.node.node().url());
        for step in steps {
            other.take(&self.line, step).await?;
        }
        let before = std::mem::replace(&mut *inner, other);
        drop(before);
        Ok(())
    }

    /// The open slot.
    async fn slot(&self) -> Result<u64, Failure> {
        let slot = self.line.call("getSlot", json!([{ "commitment": "processed" }])).await?;
        slot.as_u64().ok_or_else(|| Failure::new(format_args!("{slot} is no slot")))
    }
}

/// A command's answer is its own, also after one that was given up on.
pub(crate) async fn assert_answers_belong_to_their_commands() -> Result<(), Failure> {
    let Inner { node, _dir, .. } = Inner::start().await?;
    let before = node.mine(1).await.map_err(Failure::new)?;
    let given_up = timeout(Duration::from_millis(1), node.mine(MANY)).await;
    let after = node.mine(1).await.map_err(Failure::new)?;
    match (given_up, after - before) {
        (Err(_), blocks) if blocks == MANY + 1 => Ok(()),
        other => Err(Failure::new(format_args!("the answer is that of another command: {other:?}"))),
    }
}

/// The same steps without the transactions of the last `depth` blocks.
fn without_last(past: &[Step], depth: u64) -> Vec<Step> {
    let mut closed = 0;
    let mut kept = Vec::with_capacity(past.len());
    for step in past.iter().rev() {
        let is_dropped = match step {
            Step::Send(_) => closed <= depth,
            Step::Mine | Step::Advance(_) => {
                closed += 1;
                false
            }
        };
        if !is_dropped {
            kept.push(step.clone());
        }
    }
    kept.reverse();
    kept
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
