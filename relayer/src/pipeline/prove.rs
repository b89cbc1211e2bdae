//! Prove: cuts a block's evidence into pieces that the hub takes in one call.

use infrastrukt_ports::ScannedBlock;
use infrastrukt_types::{Evidence, Fact, ReceiptEvidence, ReceiptProof};

use crate::store::{EvidenceKey, EvidenceRecord};

/// Most bytes of one piece; a single receipt may be larger and then stands alone.
pub(super) const PIECE_BYTES_MAX: usize = 256 * 1024;
/// Most receipts of one piece.
const PIECE_RECEIPTS_MAX: usize = 64;

/// A piece of evidence, ready to be stored.
pub(super) struct Piece {
    pub(super) key: EvidenceKey,
    pub(super) record: EvidenceRecord,
    /// All facts that it proves: it is needed until the hub knows each of them.
    pub(super) facts: Vec<Fact>,
    pub(super) body: Evidence,
}

/// The pieces of a block's evidence, in order.
pub(super) fn pieces(scanned: ScannedBlock, now_ms: u64) -> Vec<Piece> {
    let ScannedBlock { block, facts, evidence } = scanned;
    let bodies = match evidence {
        Evidence::Receipts(receipts) => split(receipts),
    };
    let numbered = (0u32..).zip(bodies);
    numbered
        .map(|(part, body)| {
            let facts: Vec<Fact> = facts.iter().filter(|fact| proves(&body, fact)).cloned().collect();
            let count = u32::try_from(facts.len()).unwrap_or(u32::MAX);
            let record = EvidenceRecord { observed_at_ms: now_ms, facts: count };
            Piece { key: EvidenceKey { block: block.number, part }, record, facts, body }
        })
        .collect()
}

fn size(proof: &ReceiptProof) -> usize {
    proof.receipt.len() + proof.nodes.iter().map(|node| node.len()).sum::<usize>()
}

fn split(evidence: ReceiptEvidence) -> Vec<Evidence> {
    let ReceiptEvidence { chain, block_number, block_hash, receipts } = evidence;
    let mut pieces: Vec<Vec<ReceiptProof>> = Vec::new();
    let mut bytes = 0;
    for proof in receipts {
        let added = size(&proof);
        match pieces.last_mut() {
            Some(piece) if piece.len() < PIECE_RECEIPTS_MAX && bytes + added <= PIECE_BYTES_MAX => {
                piece.push(proof);
                bytes += added;
            }
            Some(_) | None => {
                pieces.push(vec![proof]);
                bytes = added;
            }
        }
    }
    let whole = |receipts| Evidence::Receipts(ReceiptEvidence { chain, block_number, block_hash, receipts });
    pieces.into_iter().map(whole).collect()
}

fn proves(evidence: &Evidence, fact: &Fact) -> bool {
    match evidence {
        Evidence::Receipts(receipts) => receipts.receipts.iter().any(|proof| proof.tx_index == fact.origin.tx_index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_ports::BlockRef;
    use infrastrukt_types::{B256, Bytes, ChainId, FactKind, MessageId, Origin, Timestamp};

    fn block(receipts: u32, bytes: usize) -> ScannedBlock {
        let chain = ChainId(1);
        let proof = |tx_index| ReceiptProof { tx_index, receipt: Bytes::from(vec![0; bytes]), nodes: Vec::new() };
        let origin = |tx_index| Origin { chain, block_number: 7, block_hash: B256::ZERO, tx_index, event_index: 0 };
        let id = |tx_index: u32| MessageId(B256::left_padding_from(&tx_index.to_be_bytes()));
        ScannedBlock {
            block: BlockRef { number: 7, hash: B256::ZERO, time: Timestamp(1) },
            facts: (0..receipts).map(|tx| Fact { origin: origin(tx), kind: FactKind::Delivered(id(tx)) }).collect(),
            evidence: Evidence::Receipts(ReceiptEvidence {
                chain,
                block_number: 7,
                block_hash: B256::ZERO,
                receipts: (0..receipts).map(proof).collect(),
            }),
        }
    }

    fn check(receipts: u32, bytes: usize, expected: &[u32]) {
        let pieces = pieces(block(receipts, bytes), 0);
        let facts: Vec<u32> = pieces.iter().map(|piece| piece.record.facts).collect();
        assert_eq!(facts, expected);
        assert!(pieces.iter().all(|piece| piece.facts.len() == piece.record.facts as usize));
        let proven: u32 = expected.iter().sum();
        assert_eq!(proven, receipts, "every fact is in the piece that proves it");
        assert!(pieces.iter().zip(0..).all(|(piece, part)| piece.key == EvidenceKey { block: 7, part }));
    }

    #[test]
    fn pieces_hold_everything_and_stay_small() {
        check(1, 10, &[1]);
        check(64, 10, &[64]);
        check(130, 10, &[64, 64, 2]);
        check(3, PIECE_BYTES_MAX / 2, &[2, 1]);
        check(2, PIECE_BYTES_MAX + 1, &[1, 1]);
    }
}
