//! A validator's check of evidence against its own endpoints.

use async_trait::async_trait;
use infrastrukt_ports::{Check, CheckStatus, FactVerifier, PortError};
use infrastrukt_types::{
    B256, Bytes, ChainId, Evidence, Fact, Origin, ReceiptEvidence, ReceiptProof, Verified, codec, keccak256,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{Contracts, SimReceipt, SimView, reader::facts_of, receipts_root};

/// How long evidence of a block that is not final yet should wait.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Final blocks whose hashes are remembered, so that a changed one is noticed.
const SEEN_MAX: usize = 4096;

/// Judges evidence by what a quorum of endpoints says about the block it names.
pub struct SimVerifier {
    views: Vec<Arc<SimView>>,
    quorum: usize,
    seen: Mutex<BTreeMap<u64, B256>>,
}

/// What one endpoint says about a block.
enum Answer {
    Final { hash: B256, receipts_root: B256 },
    NotFinal,
    Failed,
}

impl SimVerifier {
    /// A verifier that needs `quorum` of these endpoints to agree, at least one.
    pub fn new(views: Vec<Arc<SimView>>, quorum: usize) -> Self {
        Self { views, quorum: quorum.max(1), seen: Mutex::new(BTreeMap::new()) }
    }

    fn ask(view: &SimView, number: u64) -> Answer {
        let Ok(head) = view.finalized() else { return Answer::Failed };
        if head.number < number {
            return Answer::NotFinal;
        }
        match view.block(number) {
            Ok(Some(block)) => Answer::Final { hash: block.header.hash(), receipts_root: block.header.receipts_root },
            Ok(None) => Answer::NotFinal,
            Err(_) => Answer::Failed,
        }
    }

    /// The block that a quorum agrees on. Endpoints that do not answer may still join either side; only when no side
    /// can win any more do they contradict each other.
    fn agreed(&self, number: u64) -> Result<(B256, B256), PortError> {
        let (mut votes, mut open) = (BTreeMap::<(B256, B256), usize>::new(), 0);
        for view in &self.views {
            match Self::ask(view, number) {
                Answer::Final { hash, receipts_root } => *votes.entry((hash, receipts_root)).or_default() += 1,
                Answer::NotFinal | Answer::Failed => open += 1,
            }
        }
        let (most, winner) = votes.into_iter().map(|(block, count)| (count, block)).max().unwrap_or_default();
        if most >= self.quorum {
            return Ok(winner);
        }
        if most + open >= self.quorum {
            return Err(PortError::retry(
                RETRY_AFTER,
                format!(
                    "{most} of {} endpoints have block {number} as final, {} are needed",
                    self.views.len(),
                    self.quorum
                ),
            ));
        }
        Err(PortError::halt(format!("no {} endpoints agree on final block {number}: some of them lie", self.quorum)))
    }

    fn check_chain(&self, evidence: &ReceiptEvidence) -> Result<(), PortError> {
        let (given, here) = (evidence.chain, self.chain());
        if given != here {
            return Err(PortError::reject(format!("the evidence is of {given}, this verifier judges {here}")));
        }
        Ok(())
    }

    /// Remembers a final block, and halts when it is not the one remembered.
    fn remember(&self, number: u64, hash: B256) -> Result<(), PortError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.get(&number).is_some_and(|known| *known != hash) {
            return Err(PortError::halt(format!("final block {number} changed to {hash}")));
        }
        seen.insert(number, hash);
        if seen.len() > SEEN_MAX {
            seen.pop_first();
        }
        Ok(())
    }
}

/// The nodes of a proof: the digests of all receipts of the block.
fn digests(nodes: &[Bytes]) -> Result<Vec<B256>, PortError> {
    let digests = nodes.iter().map(|node| B256::try_from(node.as_ref()));
    digests.collect::<Result<_, _>>().map_err(|_| PortError::reject("a node of the proof is no digest"))
}

/// The receipt that the proof carries, if the block contains it at that place.
fn proven(proof: &ReceiptProof, root: B256) -> Result<SimReceipt, PortError> {
    let wrong = |what: &str| PortError::reject(format!("receipt {}: {what}", proof.tx_index));
    let digests = digests(&proof.nodes)?;
    if receipts_root(&digests) != root {
        return Err(wrong("the nodes do not lead to the block's root"));
    }
    let place = usize::try_from(proof.tx_index).ok().and_then(|index| digests.get(index));
    if place != Some(&keccak256(&proof.receipt)) {
        return Err(wrong("it does not stand at that place of the block"));
    }
    codec::decode(&proof.receipt).map_err(|error| wrong("it does not decode").caused_by(error))
}

fn facts(evidence: &ReceiptEvidence, root: B256, contracts: &Contracts) -> Result<Vec<Fact>, PortError> {
    if evidence.receipts.is_empty() {
        return Err(PortError::reject("the evidence carries no receipt"));
    }
    let ascending = evidence.receipts.windows(2).all(|pair| pair[0].tx_index < pair[1].tx_index);
    if !ascending {
        return Err(PortError::reject("the receipts are repeated or out of order"));
    }
    let mut facts = Vec::new();
    for proof in &evidence.receipts {
        let origin = Origin {
            chain: evidence.chain,
            block_number: evidence.block_number,
            block_hash: evidence.block_hash,
            tx_index: proof.tx_index,
            event_index: 0,
        };
        facts.extend(facts_of(&proven(proof, root)?, origin, contracts));
    }
    Ok(facts)
}

#[async_trait]
impl FactVerifier for SimVerifier {
    fn chain(&self) -> ChainId {
        self.views.first().map(|view| view.chain().chain()).unwrap_or_default()
    }

    fn screen(&self, evidence: &Evidence) -> Result<(), PortError> {
        let Evidence::Receipts(evidence) = evidence;
        self.check_chain(evidence)?;
        let contracts = self.views.first().map(|view| view.contracts());
        let contracts = contracts.ok_or_else(|| PortError::halt("a verifier needs an endpoint"))?;
        let nodes = evidence.receipts.first().map(|proof| proof.nodes.as_slice()).unwrap_or_default();
        if facts(evidence, receipts_root(&digests(nodes)?), &contracts)?.is_empty() {
            return Err(PortError::reject("the receipts hold no event of the hub's contracts"));
        }
        Ok(())
    }

    async fn final_head(&self) -> Result<u64, PortError> {
        let mut heads: Vec<u64> =
            self.views.iter().filter_map(|view| view.finalized().ok()).map(|head| head.number).collect();
        heads.sort_unstable_by(|one, other| other.cmp(one));
        let too_few = || PortError::retry(RETRY_AFTER, format!("{} endpoints are needed", self.quorum));
        heads.get(self.quorum - 1).copied().ok_or_else(too_few)
    }

    async fn verify(&self, evidence: &Evidence) -> Result<Vec<Verified<Fact>>, PortError> {
        let Evidence::Receipts(evidence) = evidence;
        self.check_chain(evidence)?;
        let (hash, root) = self.agreed(evidence.block_number)?;
        self.remember(evidence.block_number, hash)?;
        if evidence.block_hash != hash {
            let (number, given) = (evidence.block_number, evidence.block_hash);
            return Err(PortError::reject(format!("final block {number} is {hash}, not {given}")));
        }
        let contracts = self.views.first().map(|view| view.contracts());
        let contracts = contracts.ok_or_else(|| PortError::halt("a verifier needs an endpoint"))?;
        Ok(facts(evidence, root, &contracts)?.into_iter().map(Verified::assert_verified).collect())
    }

    async fn check(&self) -> Vec<Check> {
        let answering = self.views.iter().filter(|view| view.head().is_ok()).count();
        let status = match answering {
            all if all == self.views.len() => CheckStatus::Ok,
            enough if enough >= self.quorum => CheckStatus::Warn,
            _ => CheckStatus::Fail,
        };
        let detail = format!("{answering} of {} endpoints answer, {} are needed", self.views.len(), self.quorum);
        vec![Check { name: "endpoints".into(), status, detail }]
    }
}
