//! A validator's own check of evidence.
//!
//! A Solana block proves nothing of its transactions to those who have not run it. Evidence says which events to look
//! for: it travels in the form of receipts, the signature of a transaction as the receipt and the data of the gateway's
//! events as its nodes. The validator fetches the final block from its own endpoints, and believes what k of them agree
//! on; evidence that says anything else is refused.

use async_trait::async_trait;
use infrastrukt_evm::{EVIDENCE_BYTES_MAX, EVIDENCE_RECEIPTS_MAX};
use infrastrukt_ports::{Check, FactVerifier, PortError};
use infrastrukt_types::{Bytes, ChainId, Evidence, Fact, ReceiptEvidence, ReceiptProof, Verified};
use std::sync::Arc;

use crate::{
    block::{Block, EVENTS_MAX, Emission},
    chain::Parts,
    facts::FactError,
    health,
};

/// Bytes of a transaction's signature.
const SIGNATURE_LEN: usize = 64;

const NO_EVENT: &str = "the evidence holds no event that is a fact to the hub";

/// Judges evidence of one chain by blocks that its own endpoints agree on.
pub struct SolanaVerifier {
    parts: Arc<Parts>,
}

/// Evidence of all facts of a block.
pub(crate) fn evidence(parts: &Parts, block: &Block) -> Result<Evidence, FactError> {
    let mut receipts = Vec::new();
    for emission in &block.emissions {
        if has_fact(parts, &emission.events)? {
            let receipt = Bytes::copy_from_slice(emission.signature.as_ref());
            receipts.push(ReceiptProof { tx_index: emission.tx_index, receipt, nodes: emission.events.clone() });
        }
    }
    let (chain, block_number, block_hash) = (parts.config.chain, block.slot, block.hash);
    Ok(Evidence::Receipts(ReceiptEvidence { chain, block_number, block_hash, receipts }))
}

fn has_fact(parts: &Parts, events: &[Bytes]) -> Result<bool, FactError> {
    for event in events {
        if parts.facts.kind(event)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl SolanaVerifier {
    pub(crate) const fn new(parts: Arc<Parts>) -> Self {
        Self { parts }
    }

    /// Everything that can be refused before anyone is asked.
    fn check_bounds(&self, evidence: &ReceiptEvidence) -> Result<(), PortError> {
        let (chain, start) = (self.parts.config.chain, self.parts.config.start_slot);
        if evidence.chain != chain {
            return Err(PortError::reject(format!("the evidence is of {}, not of {chain}", evidence.chain)));
        }
        // Whoever offers evidence must not choose which old blocks endpoints are asked for.
        if evidence.block_number < start {
            let slot = evidence.block_number;
            let text =
                format!("slot {slot} of {chain} is before slot {start}, where the gateway begins: prove a later one");
            return Err(PortError::reject(text));
        }
        let count = evidence.receipts.len();
        if count == 0 || count > EVIDENCE_RECEIPTS_MAX {
            return Err(PortError::reject(format!("evidence has 1 to {EVIDENCE_RECEIPTS_MAX} receipts, not {count}")));
        }
        if let Some(pair) = evidence.receipts.windows(2).find(|pair| pair[0].tx_index >= pair[1].tx_index) {
            let index = pair[1].tx_index;
            return Err(PortError::reject(format!("transaction {index} is repeated or out of order")));
        }
        evidence.receipts.iter().try_for_each(check_receipt)?;
        let bytes: usize = evidence.receipts.iter().flat_map(|proof| &proof.nodes).map(|node| node.len()).sum();
        if bytes > EVIDENCE_BYTES_MAX {
            return Err(PortError::reject(format!("evidence of {bytes} bytes is above {EVIDENCE_BYTES_MAX}")));
        }
        Ok(())
    }

    async fn verify_events(&self, evidence: &ReceiptEvidence) -> Result<Vec<Verified<Fact>>, PortError> {
        self.check_bounds(evidence)?;
        let (chain, slot) = (self.parts.config.chain, evidence.block_number);
        let skipped = || PortError::reject(format!("slot {slot} of {chain} was skipped: there is no block to prove"));
        let block = self.parts.view.block_or_skip(slot).await?.ok_or_else(skipped)?;
        if block.hash != evidence.block_hash {
            return Err(PortError::reject(format!(
                "the block of slot {slot} of {chain} is {}, not {} as the evidence says: prove it anew",
                block.hash, evidence.block_hash
            )));
        }
        let emissions = evidence.receipts.iter().map(|proof| told(&block, proof)).collect::<Result<Vec<_>, _>>()?;
        // k endpoints agree on the events: what does not decode now never will.
        let facts = self.parts.facts.block(&Block { emissions, ..block });
        let facts = facts.map_err(|error| PortError::halt(format!("{chain}: {error}")))?;
        if facts.is_empty() {
            return Err(PortError::reject(NO_EVENT));
        }
        Ok(facts.into_iter().map(Verified::assert_verified).collect())
    }
}

#[async_trait]
impl FactVerifier for SolanaVerifier {
    fn chain(&self) -> ChainId {
        self.parts.config.chain
    }

    fn screen(&self, evidence: &Evidence) -> Result<(), PortError> {
        match evidence {
            Evidence::Receipts(receipts) => {
                self.check_bounds(receipts)?;
                // An event that does not decode is judged once its block is agreed on.
                let is_one = |proof: &ReceiptProof| has_fact(&self.parts, &proof.nodes).unwrap_or(true);
                if receipts.receipts.iter().all(is_one) { Ok(()) } else { Err(PortError::reject(NO_EVENT)) }
            }
        }
    }

    async fn final_head(&self) -> Result<u64, PortError> {
        self.parts.view.head_slot().await
    }

    async fn verify(&self, evidence: &Evidence) -> Result<Vec<Verified<Fact>>, PortError> {
        match evidence {
            Evidence::Receipts(receipts) => self.verify_events(receipts).await,
        }
    }

    async fn check(&self) -> Vec<Check> {
        health::endpoints(&self.parts).await
    }
}

/// The form of one receipt: a signature, and events enough to be worth a question.
fn check_receipt(proof: &ReceiptProof) -> Result<(), PortError> {
    let (index, length, events) = (proof.tx_index, proof.receipt.len(), proof.nodes.len());
    if length != SIGNATURE_LEN {
        let text = format!("transaction {index} is named by {length} bytes: a signature has {SIGNATURE_LEN}");
        return Err(PortError::reject(text));
    }
    if events == 0 || events > EVENTS_MAX {
        return Err(PortError::reject(format!("transaction {index} has 1 to {EVENTS_MAX} events, not {events}")));
    }
    Ok(())
}

/// What the block has at the place that the evidence names, if it is the same.
fn told(block: &Block, proof: &ReceiptProof) -> Result<Emission, PortError> {
    let found = block.emissions.iter().find(|emission| emission.tx_index == proof.tx_index);
    let same = found.filter(|found| {
        let signature: &[u8] = found.signature.as_ref();
        proof.receipt[..] == *signature && found.events == proof.nodes
    });
    let (slot, index) = (block.slot, proof.tx_index);
    let differs =
        || PortError::reject(format!("transaction {index} of slot {slot} emitted something else: prove it anew"));
    same.cloned().ok_or_else(differs)
}
