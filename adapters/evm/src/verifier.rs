//! A validator's own check of evidence.

use async_trait::async_trait;
use infrastrukt_ports::{Check, FactVerifier, PortError};
use infrastrukt_types::{ChainId, Evidence, Fact, ReceiptEvidence, Verified};
use std::sync::Arc;

use crate::{config::EvmConfig, facts::FactDecoder, header::HeaderSource, health, receipts, rpc::Quorum};

/// Receipts in one piece of evidence at most.
pub const EVIDENCE_RECEIPTS_MAX: usize = 2_048;

/// Bytes of one piece of evidence at most. A transaction can write about two megabytes of logs under EIP-7825, and a
/// receipt travels twice: as itself and inside its leaf.
pub const EVIDENCE_BYTES_MAX: usize = 32 << 20;

/// Judges evidence of one chain by headers that its own endpoints agree on.
pub struct EvmVerifier {
    config: Arc<EvmConfig>,
    quorum: Arc<Quorum>,
    headers: Arc<dyn HeaderSource>,
    facts: FactDecoder,
}

impl EvmVerifier {
    /// Judges by `headers`; `quorum` is used for health checks only.
    pub fn new(
        config: Arc<EvmConfig>,
        quorum: Arc<Quorum>,
        headers: Arc<dyn HeaderSource>,
        facts: FactDecoder,
    ) -> Self {
        Self { config, quorum, headers, facts }
    }

    async fn verify_receipts(&self, evidence: &ReceiptEvidence) -> Result<Vec<Verified<Fact>>, PortError> {
        check_bounds(self.config.chain, evidence)?;
        let header = self.headers.finalized_header(evidence.block_number).await?.into_inner();
        if header.hash() != evidence.block_hash {
            return Err(PortError::reject(format!(
                "block {} of {} is {}, not {} as the evidence says: prove it anew",
                evidence.block_number,
                self.config.chain,
                header.hash(),
                evidence.block_hash
            )));
        }
        let mut facts = Vec::new();
        for proof in &evidence.receipts {
            let receipt = receipts::verify(header.fields().receipts_root, proof)
                .map_err(|error| PortError::reject(error.to_string()))?;
            let decoded = self.facts.decode(evidence.block_number, header.hash(), &receipt);
            // The block is final and the receipt is proven: what does not decode now never will.
            facts.extend(decoded.map_err(|error| PortError::halt(error.to_string()))?);
        }
        if facts.is_empty() {
            return Err(PortError::reject("the receipts hold no event of the hub's contracts"));
        }
        Ok(facts.into_iter().map(Verified::assert_verified).collect())
    }
}

#[async_trait]
impl FactVerifier for EvmVerifier {
    fn chain(&self) -> ChainId {
        self.config.chain
    }

    async fn verify(&self, evidence: &Evidence) -> Result<Vec<Verified<Fact>>, PortError> {
        match evidence {
            Evidence::Receipts(receipts) => self.verify_receipts(receipts).await,
        }
    }

    async fn check(&self) -> Vec<Check> {
        health::endpoints(&self.config, &self.quorum).await
    }
}

/// Everything that can be refused before anyone is asked.
fn check_bounds(chain: ChainId, evidence: &ReceiptEvidence) -> Result<(), PortError> {
    if evidence.chain != chain {
        return Err(PortError::reject(format!("the evidence is of {}, not of {chain}", evidence.chain)));
    }
    let count = evidence.receipts.len();
    if count == 0 || count > EVIDENCE_RECEIPTS_MAX {
        return Err(PortError::reject(format!("evidence has 1 to {EVIDENCE_RECEIPTS_MAX} receipts, not {count}")));
    }
    let bytes: usize = evidence
        .receipts
        .iter()
        .map(|proof| proof.receipt.len() + proof.nodes.iter().map(|node| node.len()).sum::<usize>())
        .sum();
    if bytes > EVIDENCE_BYTES_MAX {
        return Err(PortError::reject(format!("evidence of {bytes} bytes is above {EVIDENCE_BYTES_MAX}")));
    }
    if let Some(pair) = evidence.receipts.windows(2).find(|pair| pair[0].tx_index >= pair[1].tx_index) {
        let index = pair[1].tx_index;
        return Err(PortError::reject(format!("receipt of transaction {index} is repeated or out of order")));
    }
    Ok(())
}
