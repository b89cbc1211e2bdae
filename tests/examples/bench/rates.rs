//! How fast a validator judges proofs and how fast the store takes batches, each beside the bare operation below it.

use std::{
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

use alloy::{
    consensus::{ReceiptEnvelope, proofs::calculate_receipt_root},
    eips::Encodable2718,
    providers::Provider,
    signers::{SignerSync, local::PrivateKeySigner},
};
use anyhow::{Context, Result, ensure};
use infrastrukt_evm::receipts::{self, BlockReceipts};
use infrastrukt_ports::{Batch, Column, Store};
use infrastrukt_store::RocksStore;
use infrastrukt_types::{B256, Bytes, keccak256, verify_share};

use super::{chain::Bench, report::Report};

/// Receipts of a full block.
const BLOCK_RECEIPTS: usize = 150;
const LASTS: Duration = Duration::from_secs(2);
/// Writes of one batch, and bytes of one value: what one step of a state machine stores.
const BATCH_WRITES: usize = 10;
const VALUE_BYTES: usize = 200;
const COLUMN: Column = Column("bench");

pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let recovers = recovers()?;
    report.rate("receipt proofs verified, CPU-second", proofs(bench).await?, "ecrecover", recovers);
    let dir = tempfile::tempdir()?;
    let ours = store(&RocksStore::open(dir.path().join("ours"), &[COLUMN])?)?;
    let bare = rocks(&rocksdb::DB::open_default(dir.path().join("bare"))?)?;
    report.rate("synced store batches of 10 writes, second", ours, "bare RocksDB", bare);
    Ok(())
}

/// Nanoseconds that this thread has spent on a CPU.
fn cpu_ns() -> Result<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").context("the kernel counts a thread's CPU time")?;
    let first = text.split_whitespace().next().context("schedstat begins with CPU time")?;
    Ok(first.parse()?)
}

/// How often `work` succeeds in a second of CPU time.
fn per_cpu_second(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let (started, before) = (Instant::now(), cpu_ns()?);
    let mut count = 0u32;
    while started.elapsed() < LASTS {
        work()?;
        count += 1;
    }
    let spent_ns = cpu_ns()?.saturating_sub(before).max(1);
    Ok(f64::from(count) * 1e9 / spent_ns as f64)
}

/// How often `work` succeeds in a second on the clock: a synced write waits for the disk.
fn per_second(mut work: impl FnMut(u32) -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    let mut count = 0u32;
    while started.elapsed() < LASTS {
        work(count)?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
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

async fn proofs(bench: &Bench) -> Result<f64> {
    let recorded = recorded(bench).await?;
    let root: B256 = calculate_receipt_root(&recorded);
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
    let signature = key.sign_hash_sync(&digest)?.as_bytes();
    per_cpu_second(|| Ok(verify_share(key.address(), black_box(digest), &signature)?))
}

fn key(batch: u32, write: usize) -> [u8; 32] {
    keccak256([&batch.to_be_bytes()[..], &write.to_be_bytes()].concat()).0
}

fn store(store: &RocksStore) -> Result<f64> {
    per_second(|number| {
        let mut batch = Batch::default();
        for write in 0..BATCH_WRITES {
            batch.put(COLUMN, key(number, write), [7u8; VALUE_BYTES]);
        }
        Ok(store.commit(batch)?)
    })
}

fn rocks(db: &rocksdb::DB) -> Result<f64> {
    let mut options = rocksdb::WriteOptions::default();
    options.set_sync(true);
    per_second(|number| {
        let mut batch = rocksdb::WriteBatch::default();
        for write in 0..BATCH_WRITES {
            batch.put(key(number, write), [7u8; VALUE_BYTES]);
        }
        Ok(db.write_opt(batch, &options)?)
    })
}
