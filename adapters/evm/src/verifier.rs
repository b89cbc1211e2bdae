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

const NO_EVENT: &str = "the receipts hold no event of the hub's contracts";

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

    /// Refuses blocks before the contracts. Nothing of ours can be there, and whoever offers evidence must not choose
    /// which old blocks endpoints are asked for.
    fn check_start(&self, evidence: &ReceiptEvidence) -> Result<(), PortError> {
        let (chain, number, start) = (self.config.chain, evidence.block_number, self.config.start_block);
        if number >= start {
            return Ok(());
        }
        Err(PortError::reject(format!(
            "block {number} of {chain} is before block {start}, where the hub's contracts begin: prove a later one"
        )))
    }

    async fn verify_receipts(&self, evidence: &ReceiptEvidence) -> Result<Vec<Verified<Fact>>, PortError> {
        self.check_start(evidence)?;
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
            return Err(PortError::reject(NO_EVENT));
        }
        Ok(facts.into_iter().map(Verified::assert_verified).collect())
    }
}

#[async_trait]
impl FactVerifier for EvmVerifier {
    fn chain(&self) -> ChainId {
        self.config.chain
    }

    fn screen(&self, evidence: &Evidence) -> Result<(), PortError> {
        match evidence {
            Evidence::Receipts(receipts) => {
                self.check_start(receipts)?;
                screen_receipts(self.config.chain, &self.facts, receipts)
            }
        }
    }

    async fn final_head(&self) -> Result<u64, PortError> {
        Ok(self.headers.finalized_head().await?.into_inner().fields().number)
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

/// What is wrong by itself: the receipts must be those of one trie, whichever block it belongs to, and hold an event of
/// the hub's contracts.
fn screen_receipts(chain: ChainId, facts: &FactDecoder, evidence: &ReceiptEvidence) -> Result<(), PortError> {
    check_bounds(chain, evidence)?;
    let wrong = |error: receipts::ReceiptError| PortError::reject(error.to_string());
    let mut root = None;
    let mut has_event = false;
    for proof in &evidence.receipts {
        let claimed = receipts::claimed_root(proof).map_err(wrong)?;
        if *root.get_or_insert(claimed) != claimed {
            return Err(PortError::reject("the receipts are proven against different roots: one block has one root"));
        }
        let receipt = receipts::verify(claimed, proof).map_err(wrong)?;
        has_event |= match facts.decode(evidence.block_number, evidence.block_hash, &receipt) {
            Ok(decoded) => !decoded.is_empty(),
            // Judged once its block is proven: then the contract is not what it is taken for, and the chain halts.
            Err(_) => true,
        };
    }
    if has_event { Ok(()) } else { Err(PortError::reject(NO_EVENT)) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bindings::IEscrow, config::Contracts, receipts::BlockReceipts};
    use alloy::{
        consensus::{Eip658Value, Receipt, ReceiptWithBloom},
        rlp::Encodable,
        sol_types::SolEvent,
    };
    use alloy_primitives::{Address, B256, Bloom, Bytes, Log};
    use infrastrukt_ports::Remedy;
    use infrastrukt_types::HubId;

    const CHAIN: ChainId = ChainId(1);
    const ESCROW: Address = Address::repeat_byte(0xbb);

    fn decoder() -> FactDecoder {
        let contracts = Contracts {
            gateway: Address::repeat_byte(0xaa),
            escrow: ESCROW,
            verifier: Address::repeat_byte(1),
            token_bridge: Address::repeat_byte(2),
        };
        FactDecoder::new(HubId(B256::repeat_byte(9)), CHAIN, &contracts, Default::default())
    }

    fn receipt(logs: Vec<Log>) -> Bytes {
        let receipt = Receipt { status: Eip658Value::Eip658(true), cumulative_gas_used: 21_000, logs };
        let mut bytes = Vec::new();
        ReceiptWithBloom { receipt, logs_bloom: Bloom::ZERO }.encode(&mut bytes);
        bytes.into()
    }

    fn locked(address: Address) -> Log {
        let event = IEscrow::Locked { dealId: B256::repeat_byte(1), lockKey: B256::repeat_byte(2), index: 0 };
        Log { address, data: event.encode_log_data() }
    }

    /// Evidence of the last of `receipts`, as one block has them.
    fn evidence(receipts: &[Bytes]) -> ReceiptEvidence {
        let root = match BlockReceipts::new(receipts.to_vec(), B256::ZERO) {
            Err(receipts::ReceiptError::Root { computed, .. }) => computed,
            other => panic!("the zero root is no root: {other:?}"),
        };
        let block = BlockReceipts::new(receipts.to_vec(), root).expect("has its own root");
        let last = u32::try_from(receipts.len() - 1).expect("is small");
        let receipts = block.prove(&[last]).expect("proves");
        ReceiptEvidence { chain: CHAIN, block_number: 7, block_hash: B256::repeat_byte(7), receipts }
    }

    fn check(evidence: &ReceiptEvidence, expected: Result<(), &str>) {
        match (screen_receipts(CHAIN, &decoder(), evidence), expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(reason)) => {
                assert_eq!(error.remedy, Remedy::Reject);
                assert!(error.message.contains(reason), "{error}");
            }
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn junk_is_screened_out_without_asking_anyone() {
        let others: Vec<Bytes> = (0..20).map(|_| receipt(Vec::new())).collect();
        let with = |log: Log| [others.as_slice(), &[receipt(vec![log])]].concat();
        let good = evidence(&with(locked(ESCROW)));
        check(&good, Ok(()));
        check(&evidence(&with(locked(Address::repeat_byte(0xee)))), Err("no event"));

        let mut torn = good.clone();
        torn.receipts[0].nodes.remove(1);
        check(&torn, Err("does not lead from root"));
        let mut empty = good.clone();
        empty.receipts[0].nodes.clear();
        check(&empty, Err("nodes"));
        let mut other = good.clone();
        other.receipts[0].receipt = receipt(vec![locked(ESCROW), locked(ESCROW)]);
        check(&other, Err("does not lead from root"));
        let mut elsewhere = good.clone();
        elsewhere.chain = ChainId(56);
        check(&elsewhere, Err("not of"));

        let mut mixed = evidence(&with(locked(ESCROW))[1..]);
        mixed.receipts.extend(good.receipts);
        check(&mixed, Err("different roots"));
    }
}
