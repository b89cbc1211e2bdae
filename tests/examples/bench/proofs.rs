//! How fast a validator judges proofs, beside the recovery of a signer, which every signature costs.

use std::hint::black_box;

use alloy::{
    consensus::{ReceiptEnvelope, proofs::calculate_receipt_root},
    eips::Encodable2718,
    providers::Provider,
    signers::{SignerSync, local::PrivateKeySigner},
};
use anyhow::{Context, Result, ensure};
use infrastrukt_evm::receipts::{self, BlockReceipts};
use infrastrukt_types::{B256, Bytes, keccak256};
use serde_json::json;

use super::{chain::Bench, figures, pace::per_cpu_second, report::Report};

/// Receipts of a full block.
const BLOCK_RECEIPTS: usize = 150;

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let recorded = recorded(bench).await?;
    let figure = figures::PROOFS.beside("ecrecover here, a CPU-second", recovers()?);
    report.add(figure, proofs(&recorded)?, json!({ "receipts_of_the_block": BLOCK_RECEIPTS, "threads": 1 }));
    Ok(())
}

/// The receipts that this bench's own transactions left, as one block.
async fn recorded(bench: &Bench) -> Result<Vec<ReceiptEnvelope>> {
    let provider = bench.provider();
    let mut recorded = Vec::with_capacity(BLOCK_RECEIPTS);
    for number in 1..=provider.get_block_number().await? {
        for receipt in provider.get_block_receipts(number.into()).await?.unwrap_or_default() {
            recorded.push(receipt.into_primitives_receipt().into_inner());
        }
        if recorded.len() >= BLOCK_RECEIPTS {
            break;
        }
    }
    ensure!(recorded.len() >= BLOCK_RECEIPTS, "{} receipts are no full block", recorded.len());
    recorded.truncate(BLOCK_RECEIPTS);
    Ok(recorded)
}

fn proofs(recorded: &[ReceiptEnvelope]) -> Result<f64> {
    let root: B256 = calculate_receipt_root(recorded);
    let encoded: Vec<Bytes> = recorded.iter().map(|receipt| receipt.encoded_2718().into()).collect();
    let indices: Vec<u32> = (0..).zip(&encoded).map(|(index, _)| index).collect();
    let proofs = BlockReceipts::new(encoded, root)?.prove(&indices)?;
    let mut turn = proofs.iter().cycle();
    per_cpu_second(|| {
        let proof = turn.next().context("a cycle has no end")?;
        black_box(receipts::verify(root, black_box(proof))?);
        Ok(())
    })
}

fn recovers() -> Result<f64> {
    let key = PrivateKeySigner::from_bytes(&keccak256("a signer of the bench"))?;
    let digest = keccak256("a digest");
    let signature = key.sign_hash_sync(&digest)?;
    per_cpu_second(|| {
        let signer = black_box(signature).recover_address_from_prehash(&black_box(digest))?;
        ensure!(signer == key.address(), "the signer recovered is another one");
        Ok(())
    })
}
