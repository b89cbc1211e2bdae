//! Headers of final blocks: who says which block is final, and which header it has.

use alloy::consensus::Header;
use async_trait::async_trait;
use infrastrukt_ports::{BlockRef, PortError};
use infrastrukt_types::{B256, ChainId, Finalized, Timestamp};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::rpc::{CallError, Endpoint, Quorum, RpcHeader, quantity};

/// Headers of final blocks that are remembered.
const CACHED_HEADERS_MAX: usize = 4_096;

/// A header whose hash was recomputed from its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    hash: B256,
    header: Header,
}

impl BlockHeader {
    /// Hashes the fields.
    pub fn seal(header: Header) -> Self {
        Self { hash: header.hash_slow(), header }
    }

    /// Hash of the fields.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// The fields.
    pub const fn fields(&self) -> &Header {
        &self.header
    }

    /// Number, hash and time.
    pub const fn block_ref(&self) -> BlockRef {
        BlockRef { number: self.header.number, hash: self.hash, time: Timestamp(self.header.timestamp) }
    }
}

/// Says which blocks are final. Whoever implements it answers for finality by the chain's own rule: a quorum of
/// endpoints here, proofs of the chain's consensus where a chain has them.
#[async_trait]
pub trait HeaderSource: Send + Sync {
    /// Header of the last final block. Never older than one returned before.
    async fn finalized_head(&self) -> Result<Finalized<BlockHeader>, PortError>;

    /// Header of the final block `number`. `Retry` while it is not final; `Halt` where nobody can be believed or a final
    /// block changed.
    async fn finalized_header(&self, number: u64) -> Result<Finalized<BlockHeader>, PortError>;
}

/// Finality by agreement of k of n endpoints at the chain's finality tag; blocks are never counted.
pub struct QuorumHeaders {
    chain: ChainId,
    finality_tag: &'static str,
    quorum: Arc<Quorum>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    headers: BTreeMap<u64, BlockHeader>,
    head: Option<BlockHeader>,
}

impl QuorumHeaders {
    /// Finality of `chain` as `quorum` sees it.
    pub fn new(chain: ChainId, finality_tag: &'static str, quorum: Arc<Quorum>) -> Self {
        Self { chain, finality_tag, quorum, known: Mutex::default() }
    }

    /// What endpoints call final, highest first, from k of them at least. Where the first k differ all others are asked
    /// too, so that one that stands still does not hold up the rest.
    async fn endpoint_heads(&self) -> Result<Vec<BlockHeader>, PortError> {
        let k = self.quorum.k();
        let mut waiting = self.quorum.endpoints().iter();
        let mut heads: Vec<BlockHeader> = Vec::new();
        let mut failures = Vec::new();
        while heads.len() < k || heads.iter().any(|head| *head != heads[0]) {
            let wave_max = if heads.len() < k { k - heads.len() } else { usize::MAX };
            let wave: Vec<_> = waiting.by_ref().take(wave_max).map(|endpoint| self.endpoint_head(endpoint)).collect();
            if wave.is_empty() {
                break;
            }
            for answer in futures::future::join_all(wave).await {
                match answer {
                    Ok(header) => heads.push(header),
                    Err(error) => failures.push(error),
                }
            }
        }
        if heads.len() < k {
            return Err(no_head(self.chain, failures));
        }
        heads.sort_unstable_by_key(|header| std::cmp::Reverse(header.fields().number));
        Ok(heads)
    }

    async fn endpoint_head(&self, endpoint: &Endpoint) -> Result<BlockHeader, CallError> {
        let head = fetch_header(endpoint, json!(self.finality_tag)).await?;
        let head = head.ok_or_else(|| CallError::retry(format!("{} has no final block yet", endpoint.host())))?;
        endpoint.saw_finalized(head.fields().number);
        Ok(head)
    }

    /// One endpoint's opinion on the final block `number`; `None` while it is not final there.
    async fn opinion(&self, endpoint: &Endpoint, number: u64) -> Result<Option<BlockHeader>, CallError> {
        if endpoint.finalized_seen() < number {
            let head = self.endpoint_head(endpoint).await?;
            if head.fields().number < number {
                return Ok(None);
            }
            if head.fields().number == number {
                return Ok(Some(head));
            }
        }
        let Some(header) = fetch_header(endpoint, json!(quantity(number))).await? else { return Ok(None) };
        if header.fields().number != number {
            let (host, given) = (endpoint.host(), header.fields().number);
            return Err(CallError::halt(format!("{host} gave block {given} where block {number} was asked for")));
        }
        Ok(Some(header))
    }

    /// Stores an agreed header, or stops where another one was agreed before.
    fn remember(&self, header: BlockHeader) -> Result<Finalized<BlockHeader>, PortError> {
        let number = header.fields().number;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = known.headers.get(&number).filter(|before| before.hash() != header.hash()) {
            return Err(PortError::halt(format!(
                "final block {number} of {} changed from {} to {}: finality broke or the endpoints lie; stop and find \
                 out which chain is right before anything is resumed",
                self.chain,
                before.hash(),
                header.hash()
            )));
        }
        known.headers.insert(number, header.clone());
        while known.headers.len() > CACHED_HEADERS_MAX {
            known.headers.pop_first();
        }
        if known.head.as_ref().is_none_or(|head| head.fields().number < number) {
            known.head = Some(header.clone());
        }
        Ok(Finalized::assert_final(header))
    }

    fn recall(&self, number: u64) -> Option<Finalized<BlockHeader>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.headers.get(&number).cloned().map(Finalized::assert_final)
    }

    fn last_head(&self) -> Option<BlockHeader> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).head.clone()
    }

    async fn ask(&self, number: u64) -> Result<Finalized<BlockHeader>, PortError> {
        let what = format!("final block {number} of {}", self.chain);
        let agreed = self.quorum.agree(&what, |endpoint| async move { self.opinion(&endpoint, number).await }).await?;
        self.remember(agreed)
    }
}

#[async_trait]
impl HeaderSource for QuorumHeaders {
    async fn finalized_head(&self) -> Result<Finalized<BlockHeader>, PortError> {
        let heads = self.endpoint_heads().await?;
        // The k-th highest: k endpoints have it behind them.
        let agreed = &heads[self.quorum.k() - 1];
        let number = agreed.fields().number;
        match self.last_head() {
            // Endpoints that lag behind after a fail-over do not take finality back.
            Some(head) if head.fields().number > number => Ok(Finalized::assert_final(head)),
            Some(_) | None if heads.iter().all(|head| head == agreed) => self.remember(agreed.clone()),
            // The head is asked for again even if it is known: a change of it must not go unnoticed.
            Some(_) | None => self.ask(number).await,
        }
    }

    async fn finalized_header(&self, number: u64) -> Result<Finalized<BlockHeader>, PortError> {
        match self.recall(number) {
            Some(header) => Ok(header),
            None => self.ask(number).await,
        }
    }
}

/// Reads a header and recomputes its hash. Number or tag as parameter.
pub(crate) async fn fetch_header(endpoint: &Endpoint, block: Value) -> Result<Option<BlockHeader>, CallError> {
    let header: Option<RpcHeader> = endpoint.request("eth_getBlockByNumber", json!([block, false])).await?;
    header.map(|header| check_header(&endpoint.host(), header)).transpose()
}

/// The header, if its fields have the hash that `host` claims for them; a halt where they have not.
pub fn check_header(host: &str, claimed: RpcHeader) -> Result<BlockHeader, CallError> {
    let sealed = BlockHeader::seal(claimed.inner);
    if sealed.hash() == claimed.hash {
        return Ok(sealed);
    }
    Err(CallError::halt(format!(
        "{host} gave a header of block {} whose fields hash to {} and not to {}: it changed the block, or the chain has \
         header fields that this version does not know",
        sealed.fields().number,
        sealed.hash(),
        claimed.hash
    )))
}

/// A lie halts only where no endpoint is merely away: one that comes back may complete the quorum.
fn no_head(chain: ChainId, mut failures: Vec<CallError>) -> PortError {
    if failures.iter().all(CallError::is_halt)
        && let Some(lie) = failures.pop()
    {
        return lie.into();
    }
    let messages: Vec<String> = failures.into_iter().map(CallError::into_message).collect();
    PortError::retry(
        crate::rpc::RETRY_AFTER,
        format!("too few endpoints of {chain} name a final block: {}", messages.join("; ")),
    )
}
