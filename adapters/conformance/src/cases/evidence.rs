//! What a verifier believes.

use infrastrukt_ports::{FactVerifier, Remedy};
use infrastrukt_types::{B256, Bytes, ChainId, Evidence, ReceiptEvidence, Timestamp, Verified, keccak256};

use crate::{
    Failure, Harness, Party,
    failure::{ensure, ensure_eq},
    steps::{Locked, Outcome, execute, key, scan_all, send},
};

/// Positions of a byte string that are flipped, spread over its whole length.
const FLIPS: usize = 48;

/// The evidence of every scanned block proves exactly the facts that the scan reported.
pub(crate) async fn evidence_proves_what_was_scanned<H: Harness>(h: &H) -> Outcome {
    let alice = h.writer(Party::Alice).await?;
    execute(h, alice.as_ref(), "send", &send(h, b"payload", Timestamp(0))).await?;
    let locked = Locked::terms(h, infrastrukt_types::Account::ZERO, 1000, 0).await?;
    execute(h, alice.as_ref(), "lock", &locked.lock()).await?;

    let verifier = h.verifier().await?;
    ensure_eq!(verifier.chain(), h.world().chain, "chain of the verifier");
    let blocks = scan_all(h).await?;
    ensure_eq!(blocks.len(), 2, "blocks with facts");
    let head = h.reader().await?.finalized().await?.into_inner();
    ensure_eq!(verifier.final_head().await?, head.number, "last final block of the verifier");
    for block in blocks {
        verifier.screen(&block.evidence)?;
        let verified = verifier.verify(&block.evidence).await?;
        let proven: Vec<_> = verified.into_iter().map(Verified::into_inner).collect();
        ensure_eq!(proven, block.facts, format!("block {}", block.block.number));
    }
    Ok(())
}

/// Evidence with any field changed is refused for ever, and never halts a validator: anyone may submit some.
pub(crate) async fn tampered_evidence_is_rejected<H: Harness>(h: &H) -> Outcome {
    let alice = h.writer(Party::Alice).await?;
    let bob = h.writer(Party::Bob).await?;
    alice.submit(key("alice"), &send(h, b"one", Timestamp(0))).await?;
    bob.submit(key("bob"), &send(h, b"two", Timestamp(0))).await?;
    h.mine(1).await?;
    h.finalize().await?;
    let blocks = scan_all(h).await?;
    let block = blocks.first().ok_or_else(|| Failure::new("two messages left no block with facts"))?;
    let Evidence::Receipts(good) = &block.evidence;
    let verifier = h.verifier().await?;
    for (name, bad) in tampered(good) {
        refuse(verifier.as_ref(), &name, bad).await?;
    }
    // The honest evidence still counts after all the bad.
    ensure_eq!(verifier.verify(&block.evidence).await?.len(), block.facts.len(), "facts proven at the end");
    not_yet(verifier.as_ref(), good).await
}

/// A screening may let it pass, since it asks nobody; it must not fail in any other way.
async fn refuse(verifier: &dyn FactVerifier, name: &str, bad: ReceiptEvidence) -> Outcome {
    let bad = Evidence::Receipts(bad);
    if let Err(error) = verifier.screen(&bad) {
        crate::steps::expect_reject(&format!("screening of {name}"), &error)?;
    }
    match verifier.verify(&bad).await {
        Ok(facts) => Err(Failure::new(format_args!("{name}: tampered evidence proved {facts:?}"))),
        Err(error) => crate::steps::expect_reject(name, &error),
    }
}

/// A block far in the future may be judged later or never, but not now.
async fn not_yet(verifier: &dyn FactVerifier, good: &ReceiptEvidence) -> Outcome {
    let future = ReceiptEvidence { block_number: good.block_number + (1 << 40), ..good.clone() };
    match verifier.verify(&Evidence::Receipts(future)).await {
        Ok(facts) => Err(Failure::new(format_args!("a block that does not exist proved {facts:?}"))),
        Err(error) => {
            let passes = matches!(error.remedy, Remedy::Retry { .. } | Remedy::Reject);
            ensure!(passes, "evidence of a future block must not end in {:?} ({error})", error.remedy);
            Ok(())
        }
    }
}

/// Every field of the evidence in turn, changed.
fn tampered(good: &ReceiptEvidence) -> Vec<(String, ReceiptEvidence)> {
    let mut all = Vec::new();
    let mut with = |name: String, change: &dyn Fn(&mut ReceiptEvidence)| {
        let mut bad = good.clone();
        change(&mut bad);
        all.push((name, bad));
    };
    with("chain".into(), &|bad| bad.chain = ChainId(bad.chain.0 ^ 1));
    with("block number".into(), &|bad| bad.block_number -= 1);
    with("block hash".into(), &|bad| bad.block_hash = flip_hash(bad.block_hash));
    with("no receipts".into(), &|bad| bad.receipts.clear());
    with("a receipt twice".into(), &|bad| bad.receipts.extend_from_within(..1));
    for at in 0..good.receipts.len() {
        with(format!("index of receipt {at}"), &|bad| bad.receipts[at].tx_index ^= 1 << 8);
        with(format!("neighbour's index for receipt {at}"), &|bad| bad.receipts[at].tx_index ^= 1);
        with(format!("no nodes for receipt {at}"), &|bad| bad.receipts[at].nodes.clear());
        with(format!("a node too many for receipt {at}"), &|bad| {
            let last = bad.receipts[at].nodes.last().cloned().unwrap_or_default();
            bad.receipts[at].nodes.push(last);
        });
        with(format!("a path longer than any key for receipt {at}"), &|bad| bad.receipts[at].nodes = long_path());
        for byte in spread(good.receipts[at].receipt.len()) {
            with(format!("byte {byte} of receipt {at}"), &|bad| flip(&mut bad.receipts[at].receipt, byte));
        }
        with(format!("receipt {at} cut"), &|bad| {
            let receipt = &mut bad.receipts[at].receipt;
            *receipt = receipt.slice(..receipt.len() - 1);
        });
        for node in 0..good.receipts[at].nodes.len() {
            for byte in spread(good.receipts[at].nodes[node].len()) {
                let name = format!("byte {byte} of node {node} for receipt {at}");
                with(name, &|bad| flip(&mut bad.receipts[at].nodes[node], byte));
            }
        }
    }
    all
}

/// Two well-formed nodes of a Patricia trie, the second named by the first, that lead along 65 nibbles: one more than the
/// longest key of any trie has. Their root is of nobody's making but the submitter's.
fn long_path() -> Vec<Bytes> {
    // A leaf: list of 42 bytes, one nibble of path, a value of 40 bytes.
    let leaf = [[0xea_u8, 0x3a, 0xa8].as_slice(), &[1; 40]].concat();
    // An extension: list of 67 bytes, 64 nibbles of path behind a byte of flags, the hash of what follows.
    let extension = [[0xf8_u8, 67, 0xa1, 0x00].as_slice(), &[0x11; 32], &[0xa0], keccak256(&leaf).as_slice()].concat();
    vec![extension.into(), leaf.into()]
}

fn spread(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(len.div_ceil(FLIPS).max(1))
}

fn flip(bytes: &mut Bytes, at: usize) {
    let mut changed = bytes.to_vec();
    changed[at] ^= 0x01;
    *bytes = changed.into();
}

fn flip_hash(mut hash: B256) -> B256 {
    hash[31] ^= 0x01;
    hash
}
