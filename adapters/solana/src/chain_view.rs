//! Final blocks as k of n independent endpoints agree on them.
//!
//! Solana's block hash cannot be recomputed from what an endpoint gives, and there is no proof of a transaction against
//! it: whatever is believed of a block, its place in the chain and every event in it, is put to the vote. Which slots
//! were skipped is voted on as well, and the chain of parents must then leave none out.

use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use infrastrukt_evm::{CallError, Quorum, Voter};
use infrastrukt_ports::{BlockRef, PortError};
use infrastrukt_types::{B256, ChainId, Finalized};
use solana_signature::Signature;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    block::{self, Block, BlockError, Lens, Outcome, Told},
    rpc::{Endpoint, wire::WireBlock},
};

/// Final blocks that are remembered.
const CACHED_BLOCKS_MAX: usize = 1_024;

/// Slots that one question about skipped slots may span.
const SLOT_SPAN_MAX: u64 = 4_096;

/// Blocks in which a transaction may have landed while its block hash was valid, with room for those before its first
/// height is known: a block hash is valid for 150 blocks.
const LIFETIME_SLOTS_MAX: u64 = SLOT_SPAN_MAX;

/// Questions about one head after which a newer one is asked for.
const HEAD_TRIES_MAX: u8 = 8;

/// Final blocks of one chain.
pub(crate) struct ChainView {
    chain: ChainId,
    quorum: Arc<Quorum<Endpoint>>,
    lens: Lens,
    fetches_max: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    blocks: BTreeMap<u64, Block>,
    head: u64,
    /// The head that k endpoints did not agree on yet, and how often they were asked.
    awaited: Option<(u64, u8)>,
    /// The last one that they agreed on.
    agreed: u64,
    anchor: Option<Anchor>,
}

/// A final block that transactions may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) slot: u64,
    /// Number of blocks up to it; skipped slots do not count.
    pub(crate) height: u64,
    pub(crate) hash: B256,
}

/// Final blocks one after the other, and where they end.
pub(crate) struct Stretch {
    pub(crate) blocks: Vec<Block>,
    /// Hash of the last block up to the end of the stretch, whether in it or before.
    pub(crate) tip: Option<B256>,
}

impl ChainView {
    pub(crate) fn new(chain: ChainId, quorum: Arc<Quorum<Endpoint>>, lens: Lens, fetches_max: usize) -> Self {
        Self { chain, quorum, lens, fetches_max, known: Mutex::default() }
    }

    /// The highest slot that k endpoints have behind them as final. Never lower than one returned before.
    pub(crate) async fn head_slot(&self) -> Result<u64, PortError> {
        let what = format!("the final slot of {}", self.chain);
        let reached = self.quorum.reached(&what, |endpoint| async move { endpoint.finalized_slot().await }).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Endpoints that lag behind after a fail-over do not take finality back.
        known.head = known.head.max(reached);
        Ok(known.head)
    }

    /// The newest final block that k endpoints agree on.
    pub(crate) async fn head(&self) -> Result<Finalized<BlockRef>, PortError> {
        let head = self.block(self.awaited_slot().await?).await?;
        self.arrived(head.slot);
        Ok(Finalized::assert_final(BlockRef { number: head.slot, hash: head.hash, time: head.time }))
    }

    /// The slot whose block is the head, once k endpoints have it. It is waited for, since of a newer one the slower
    /// endpoints know even less; not for ever, since fewer than k may have invented it.
    async fn awaited_slot(&self) -> Result<u64, PortError> {
        let reached = self.head_slot().await?;
        if self.quorum.endpoints().len() == 1 {
            return Ok(reached);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let agreed = known.agreed;
        let awaited = known.awaited.filter(|(slot, tries)| *tries < HEAD_TRIES_MAX && *slot > agreed);
        let (slot, tries) = awaited.unwrap_or((reached, 0));
        known.awaited = Some((slot, tries.saturating_add(1)));
        Ok(slot)
    }

    /// k endpoints agree on this head.
    fn arrived(&self, slot: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.agreed = known.agreed.max(slot);
        known.awaited = known.awaited.filter(|(awaited, _)| *awaited > slot);
    }

    /// The newest final block, for transactions to name. k endpoints agree on its hash and height: with a hash that was
    /// invented nothing would ever land, and by a height that is too low the same would be signed twice.
    pub(crate) async fn anchor(&self) -> Result<Anchor, PortError> {
        let slot = self.awaited_slot().await?;
        let before = self.known.lock().unwrap_or_else(PoisonError::into_inner).anchor;
        if let Some(anchor) = before.filter(|anchor| anchor.slot == slot) {
            self.arrived(slot);
            return Ok(anchor);
        }
        let what = format!("the height of final block {slot} of {}", self.chain);
        let agreed = self.quorum.agree(&what, |endpoint| async move { self.named(&endpoint, slot).await });
        let anchor = agreed.await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = known.blocks.get(&slot).filter(|before| before.hash != anchor.hash) {
            return Err(changed(self.chain, slot, before.hash, anchor.hash));
        }
        known.anchor = Some(anchor);
        drop(known);
        self.arrived(slot);
        Ok(anchor)
    }

    /// The final block of `slot`. `Retry` while it is not final, `Halt` where it changed or nobody can be believed.
    pub(crate) async fn block(&self, slot: u64) -> Result<Block, PortError> {
        if let Some(block) = self.recall(slot) {
            return Ok(block);
        }
        let what = format!("final block {slot} of {}", self.chain);
        let agreed = self.quorum.agree(&what, |endpoint| async move { self.opinion(&endpoint, slot).await }).await?;
        let block = agreed.read();
        self.remember(block.map_err(|error| PortError::halt(format!("{what} cannot be read: {error}")))?)
    }

    /// The same, or `None` where the slot was skipped.
    pub(crate) async fn block_or_skip(&self, slot: u64) -> Result<Option<Block>, PortError> {
        if self.recall(slot).is_none() && self.slots(slot, slot).await?.is_empty() {
            return Ok(None);
        }
        self.block(slot).await.map(Some)
    }

    /// The final blocks from `first` to `last`, at most [`SLOT_SPAN_MAX`] slots, all of them final. `parent` is the hash
    /// of the last block before `first`, where it is known.
    pub(crate) async fn stretch(&self, first: u64, last: u64, parent: Option<B256>) -> Result<Stretch, PortError> {
        let slots = self.slots(first, last).await?;
        let reads: Vec<BoxFuture<'_, _>> = slots.into_iter().map(|slot| self.block(slot).boxed()).collect();
        let blocks: Vec<Block> = stream::iter(reads).buffered(self.fetches_max).try_collect().await?;
        check_chain(self.chain, first, parent, &blocks)?;
        let tip = blocks.last().map(|block| block.hash).or(parent);
        Ok(Stretch { blocks, tip })
    }

    /// Final slots with a block.
    pub(crate) async fn slots(&self, first: u64, last: u64) -> Result<Vec<u64>, PortError> {
        if last < first || last - first >= SLOT_SPAN_MAX {
            return Err(PortError::reject(format!("slots {first} to {last} are no range of 1 to {SLOT_SPAN_MAX}")));
        }
        let what = format!("the slots {first} to {last} of {}", self.chain);
        let agreed = self.quorum.agree(&what, |endpoint| async move {
            match endpoint.has_finalized(last).await? {
                true => endpoint.slots(first, last).await.map(Some),
                false => Ok(None),
            }
        });
        agreed.await
    }

    /// What became of a transaction in the final block of `slot`, and that block's hash; `None` where the block does not
    /// hold it.
    pub(crate) async fn outcome(&self, slot: u64, of: &Signature) -> Result<Option<(B256, Outcome)>, PortError> {
        let what = format!("transaction {of} in final block {slot} of {}", self.chain);
        let agreed = self.quorum.agree(&what, |endpoint| async move {
            let Some(wire) = self.fetch(&endpoint, slot).await? else { return Ok(None) };
            let read = block::hash(&wire.blockhash).and_then(|hash| Ok((hash, self.lens.outcome(&wire, of)?)));
            let (hash, outcome) = read.map_err(|error| unreadable(&endpoint, slot, error))?;
            Ok(Some(outcome.map(|outcome| (hash, outcome))))
        });
        agreed.await
    }

    /// True where no final block from `first`, which it names, up to the first one above `height` holds the transaction:
    /// it did not land while it could. `Retry` while blocks of that range are not final yet.
    pub(crate) async fn never_landed(&self, of: &Signature, first: u64, height: u64) -> Result<bool, PortError> {
        let name = &of.to_string();
        let head = self.head_slot().await?.min(first.saturating_add(LIFETIME_SLOTS_MAX - 1));
        let mut was_valid = false;
        for slot in self.slots(first, head).await? {
            let what = format!("the signatures of final block {slot} of {}", self.chain);
            let ask = |endpoint: Arc<Endpoint>| async move {
                if !endpoint.has_finalized(slot).await? {
                    return Ok(None);
                }
                let Some(wire) = endpoint.block_signatures(slot).await? else { return Ok(None) };
                let (Some(signatures), Some(at)) = (wire.signatures, wire.block_height) else {
                    let host = endpoint.host();
                    return Err(CallError::retry(format!("{host} gave block {slot} without signatures or height")));
                };
                Ok(Some((signatures.contains(name), at > height)))
            };
            let (holds, is_beyond) = self.quorum.agree(&what, ask).await?;
            if holds {
                return Ok(false);
            }
            if is_beyond && was_valid {
                return Ok(true);
            }
            if is_beyond {
                // Nothing that could hold it was looked at: its last height was wrong from the first.
                let why = format!("the first block it could be in is above its last height {height} already");
                return Err(PortError::retry(crate::rpc::RETRY_AFTER, why));
            }
            was_valid = true;
        }
        let why = format!("no final block of {} is above height {height} yet", self.chain);
        Err(PortError::retry(crate::rpc::RETRY_AFTER, why))
    }

    /// One endpoint's opinion on a final block; `None` while it is not final there.
    async fn opinion(&self, endpoint: &Endpoint, slot: u64) -> Result<Option<Told>, CallError> {
        let Some(wire) = self.fetch(endpoint, slot).await? else { return Ok(None) };
        self.lens.block(slot, &wire).map(Some).map_err(|error| unreadable(endpoint, slot, error))
    }

    /// What one endpoint says of a final block that transactions name; `None` while it is not final there.
    async fn named(&self, endpoint: &Endpoint, slot: u64) -> Result<Option<Anchor>, CallError> {
        if !endpoint.has_finalized(slot).await? {
            return Ok(None);
        }
        let Some(wire) = endpoint.block_header(slot).await? else { return Ok(None) };
        let hash = block::hash(&wire.blockhash).map_err(|error| unreadable(endpoint, slot, error))?;
        let missing = || CallError::retry(format!("{} gave block {slot} without its height", endpoint.host()));
        Ok(Some(Anchor { slot, height: wire.block_height.ok_or_else(missing)?, hash }))
    }

    async fn fetch(&self, endpoint: &Endpoint, slot: u64) -> Result<Option<WireBlock>, CallError> {
        if !endpoint.has_finalized(slot).await? {
            return Ok(None);
        }
        endpoint.block(slot).await
    }

    /// Stores an agreed block, or stops where another one was agreed before.
    fn remember(&self, block: Block) -> Result<Block, PortError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = known.blocks.get(&block.slot).filter(|before| **before != block) {
            return Err(changed(self.chain, block.slot, before.hash, block.hash));
        }
        known.blocks.insert(block.slot, block.clone());
        while known.blocks.len() > CACHED_BLOCKS_MAX {
            known.blocks.pop_first();
        }
        Ok(block)
    }

    fn recall(&self, slot: u64) -> Option<Block> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).blocks.get(&slot).cloned()
    }
}

/// An endpoint that keeps too little is no liar, so that this passes when another takes its place.
fn unreadable(endpoint: &Endpoint, slot: u64, error: BlockError) -> CallError {
    CallError::retry(format!("block {slot} of {} cannot be read: {error}", endpoint.host()))
}

fn changed(chain: ChainId, slot: u64, before: B256, after: B256) -> PortError {
    PortError::halt(format!(
        "final block {slot} of {chain} changed from {before} to {after}: finality broke or the endpoints lie; stop and \
         find out which chain is right before anything is resumed"
    ))
}

/// Every block's parent is the one before it, and the first one's is the block that reading stopped at. So no slot with
/// a block is left out, whatever was said of skipped ones.
fn check_chain(chain: ChainId, first: u64, parent: Option<B256>, blocks: &[Block]) -> Result<(), PortError> {
    let Some(earliest) = blocks.first() else { return Ok(()) };
    if earliest.parent_slot >= first {
        return Err(left_out(chain, earliest));
    }
    if let Some(expected) = parent.filter(|expected| *expected != earliest.parent_hash) {
        return Err(changed(chain, earliest.parent_slot, expected, earliest.parent_hash));
    }
    for pair in blocks.windows(2) {
        if pair[1].parent_slot != pair[0].slot {
            return Err(left_out(chain, &pair[1]));
        }
        if pair[1].parent_hash != pair[0].hash {
            return Err(changed(chain, pair[0].slot, pair[0].hash, pair[1].parent_hash));
        }
    }
    Ok(())
}

fn left_out(chain: ChainId, block: &Block) -> PortError {
    PortError::halt(format!(
        "final block {} of {chain} has block {} as its parent, which endpoints call skipped or do not follow: they \
         contradict themselves; find out which one is wrong and replace it",
        block.slot, block.parent_slot
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_ports::Remedy;
    use infrastrukt_types::Timestamp;

    const CHAIN: ChainId = ChainId(1 << 63);

    fn hash(slot: u64) -> B256 {
        B256::with_last_byte(u8::try_from(slot).expect("is small"))
    }

    fn block(slot: u64, parent_slot: u64) -> Block {
        let (hash, parent_hash) = (hash(slot), hash(parent_slot));
        Block { slot, hash, parent_slot, parent_hash, time: Timestamp(0), emissions: Vec::new() }
    }

    fn check(first: u64, parent: Option<B256>, blocks: &[Block], halts: bool) {
        match check_chain(CHAIN, first, parent, blocks) {
            Ok(()) => assert!(!halts, "{blocks:?} must not pass"),
            Err(error) => assert!(halts && error.remedy == Remedy::Halt, "{error}"),
        }
    }

    #[test]
    fn skipped_slots_are_no_gaps() {
        check(5, Some(hash(3)), &[], false);
        check(5, Some(hash(3)), &[block(6, 3), block(9, 6), block(10, 9)], false);
        check(5, None, &[block(6, 3)], false);
    }

    #[test]
    fn a_block_that_was_left_out_or_changed_halts() {
        check(5, Some(hash(3)), &[block(6, 3), block(10, 9)], true);
        check(5, Some(hash(3)), &[block(7, 6)], true);
        check(5, Some(hash(2)), &[block(6, 3)], true);
        let mut other = block(9, 6);
        other.parent_hash = hash(99);
        check(5, Some(hash(3)), &[block(6, 3), other], true);
    }
}
