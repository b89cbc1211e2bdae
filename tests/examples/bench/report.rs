//! The table, the file and the verdict.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// How this program was built: rates of an unoptimised build say little.
pub(crate) const PROFILE: &str = if cfg!(debug_assertions) { "development" } else { "release" };

/// One operation with what it may cost and what the best peer pays. Peers' figures were measured with their own
/// published contracts on the same kind of node; the hash-time-lock baseline is the compact contract of that kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    target: u64,
    peer: &'static str,
    peer_gas: u64,
}

pub(crate) const SEND: Operation =
    Operation { name: "send, 32-byte payload", target: 36_000, peer: "Axelar Amplifier 6.2", peer_gas: 36_322 };
pub(crate) const DELIVER: Operation =
    Operation { name: "deliver 1 message, 3 of 4", target: 80_000, peer: "Hyperlane 12.1", peer_gas: 94_330 };
pub(crate) const DELIVER_BATCH: Operation = Operation {
    name: "deliver in a batch of 10, 3 of 4, a message",
    target: 30_000,
    peer: "Axelar Amplifier 6.2",
    peer_gas: 85_400,
};
pub(crate) const LOCK_NATIVE: Operation =
    Operation { name: "lock native", target: 51_000, peer: "hash time lock", peer_gas: 50_837 };
pub(crate) const LOCK_TOKEN: Operation =
    Operation { name: "lock ERC-20, exact allowance", target: 70_000, peer: "hash time lock", peer_gas: 69_261 };
pub(crate) const SETTLE_NATIVE: Operation = Operation {
    name: "settle native in a batch of 10, a leg",
    target: 40_000,
    peer: "hash time lock",
    peer_gas: 40_388,
};
pub(crate) const SETTLE_TOKEN: Operation = Operation {
    name: "settle ERC-20 in a batch of 10, a leg",
    target: 49_000,
    peer: "hash time lock",
    peer_gas: 49_402,
};

/// One measured operation.
#[derive(Clone, Debug)]
struct Row {
    operation: Operation,
    samples: Vec<u64>,
    median: u64,
}

/// One rate beside the bare one that bounds it.
#[derive(Clone, Debug)]
struct Rate {
    name: &'static str,
    ours: f64,
    bare_name: &'static str,
    bare: f64,
}

/// Everything measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    rates: Vec<Rate>,
}

impl Report {
    /// Takes the gas of several equal transactions, each of which did the operation `each` times.
    pub(crate) fn gas(&mut self, operation: Operation, mut samples: Vec<u64>, each: u64) -> Result<()> {
        samples.sort_unstable();
        let median = samples.get(samples.len() / 2).context("something was measured")? / each;
        self.rows.push(Row { operation, samples, median });
        Ok(())
    }

    /// Takes a rate a second.
    pub(crate) fn rate(&mut self, name: &'static str, ours: f64, bare_name: &'static str, bare: f64) {
        self.rates.push(Rate { name, ours, bare_name, bare });
    }

    /// True where no target is missed.
    pub(crate) fn is_met(&self) -> bool {
        self.rows.iter().all(|row| row.median <= row.operation.target)
    }

    pub(crate) fn print(&self) {
        println!();
        println!(
            "| {:<43} | {:>7} | {:>7} | {:<28} | {:>5} | {:<6} |",
            "gas", "ours", "target", "best peer", "ratio", ""
        );
        println!("|{:-<45}|{:->9}|{:->9}|{:-<30}|{:->7}|{:-<8}|", "", "", "", "", "", "");
        for row in &self.rows {
            let Operation { name, target, peer, peer_gas } = row.operation;
            let verdict = if row.median <= target { "met" } else { "MISSED" };
            let peer = format!("{peer_gas} {peer}");
            println!(
                "| {name:<43} | {:>7} | {target:>7} | {peer:<28} | {:>5.2} | {verdict:<6} |",
                row.median,
                ratio(row)
            );
        }
        println!();
        println!(
            "| {:<43} | {:>9} | {:<28} | {:>9} | {:>5} |",
            "a CPU-second or second", "ours", "beside", "bare", "ratio"
        );
        println!("|{:-<45}|{:->11}|{:-<30}|{:->11}|{:->7}|", "", "", "", "", "");
        for Rate { name, ours, bare_name, bare } in &self.rates {
            println!("| {name:<43} | {ours:>9.0} | {bare_name:<28} | {bare:>9.0} | {:>5.2} |", ours / bare);
        }
        println!();
    }

    /// Writes everything as JSON beside the build.
    pub(crate) fn write(&self) -> Result<PathBuf> {
        let program = std::env::current_exe()?;
        // target/PROFILE/examples/bench
        let target = program.ancestors().nth(3).context("an example lies in the target folder")?;
        let path = target.join("bench.json");
        let document = json!({
            "profile": PROFILE,
            "gas": self.rows.iter().map(row_json).collect::<Vec<_>>(),
            "rates": self.rates.iter().map(rate_json).collect::<Vec<_>>(),
            "met": self.is_met(),
        });
        std::fs::write(&path, serde_json::to_vec_pretty(&document)?)?;
        Ok(path)
    }
}

/// Our gas as a part of the peer's.
fn ratio(row: &Row) -> f64 {
    row.median as f64 / row.operation.peer_gas as f64
}

fn row_json(row: &Row) -> Value {
    let Operation { name, target, peer, peer_gas } = row.operation;
    json!({
        "operation": name, "gas": row.median, "target": target, "met": row.median <= target,
        "best_peer": { "name": peer, "gas": peer_gas }, "ratio": ratio(row), "transactions": row.samples,
    })
}

fn rate_json(rate: &Rate) -> Value {
    json!({ "name": rate.name, "per_second": rate.ours, "beside": { "name": rate.bare_name, "per_second": rate.bare } })
}
