//! Hyperlane's npm relayer, its TypeScript one, on two nodes of the devnet's kind: the same binary, chain ids, block
//! times and rules, started for it in this run and left to it alone. Its production agent is another program, written
//! in Rust, of which no figure is published.
//!
//! It gets a smaller burst, since it delivers one message after another.

mod cli;
mod install;

use std::time::{Duration, Instant};

use alloy::{
    node_bindings::{Anvil, AnvilInstance},
    primitives::{Address, B256, Bytes, keccak256},
    sol,
    sol_types::{SolCall, SolEvent},
};
use anyhow::{Context, Result, ensure};
use infrastrukt_evm::devnet::dev_key;
use serde_json::{Value, json};
use tokio::time::sleep;

use cli::{Cli, Contracts};

use crate::{figures, memory, programs, report::Report, rpc::Rpc};

sol! {
    function dispatch(uint32 destinationDomain, bytes32 recipientAddress, bytes messageBody)
        external payable returns (bytes32 messageId);
    event ProcessId(bytes32 indexed messageId);
}

const MESSAGES: usize = 40;
/// After this, what has arrived counts.
const WITHIN: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(100);
/// The relayer asks for new messages every four seconds and overlooks those sent before its first question.
const LISTENS_AFTER: Duration = Duration::from_secs(12);
/// Development accounts: one deploys and relays, the other sends.
const RELAYER: u32 = 7;
const SENDER: u32 = 8;
const DISPATCH_GAS: u64 = 500_000;
const GAS_PRICE_WEI: u64 = 100_000_000_000;

/// A chain of the devnet, as far as Hyperlane is told.
struct Spec {
    name: &'static str,
    id: u64,
    block_time_s: f64,
}

const SOURCE: Spec = Spec { name: "ethdevnet", id: 31_337, block_time_s: 0.5 };
const TARGET: Spec = Spec { name: "bscdevnet", id: 56, block_time_s: 0.5 };

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    let tool = match install::tool().await? {
        Ok(tool) => tool,
        Err(reason) => {
            report.leave_out("hyperlane", reason);
            return Ok(());
        }
    };
    let home = tempfile::Builder::new().prefix("infrastrukt-bench-hyperlane-").tempdir()?;
    let dir = home.path().canonicalize()?;
    let (source, target) = (node(&SOURCE)?, node(&TARGET)?);
    let cli = Cli::new(&tool, &dir, dev_key(RELAYER));
    for (spec, node) in [(&SOURCE, &source), (&TARGET, &target)] {
        cli.register(spec.name, spec.id, &node.endpoint(), spec.block_time_s)?;
    }
    println!("    deploying Hyperlane's contracts by its own command line: some minutes");
    let (at_source, at_target) = tokio::try_join!(cli.deploy(SOURCE.name), cli.deploy(TARGET.name))?;
    let relayer = cli.relayer([SOURCE.name, TARGET.name]).await?;
    sleep(LISTENS_AFTER).await;

    let run =
        Run { source: Rpc::new(&source.endpoint())?, target: Rpc::new(&target.endpoint())?, at_source, at_target };
    let arrived = run.burst().await?;
    let memory = memory::of(relayer.id().context("Hyperlane's relayer has ended")?)?;
    add(report, arrived, memory.resident);
    Ok(())
}

fn add(report: &mut Report, arrived: Arrived, resident_mb: f64) {
    let rate = arrived.count as f64 / arrived.took.as_secs_f64();
    let detail = json!({ "sent": MESSAGES, "arrived": arrived.count, "seconds": arrived.took.as_secs_f64() });
    report.add(figures::HYPERLANE, rate, detail);
    report.add(figures::HYPERLANE_MEMORY, resident_mb, json!({}));
    if let Some(ours) = report.value(&figures::BURST) {
        let detail = json!({ "ours_a_second": ours, "its_a_second": rate });
        report.add(figures::TIMES_HYPERLANE, ours / rate, detail);
    }
}

/// A node like the devnet's, without the devnet's file of its state, which costs a node time.
fn node(spec: &Spec) -> Result<AnvilInstance> {
    let node = Anvil::new().path(programs::anvil()?).chain_id(spec.id).block_time_f64(spec.block_time_s);
    let rules = ["--hardfork", "osaka", "--gas-limit", "60000000", "--slots-in-an-epoch", "1"];
    Ok(node.args(rules).try_spawn()?)
}

/// Two chains with Hyperlane on them.
struct Run {
    source: Rpc,
    target: Rpc,
    at_source: Contracts,
    at_target: Contracts,
}

/// What came of a burst: how many arrived, and how long it took until the last one.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    count: usize,
    took: Duration,
}

impl Run {
    async fn burst(&self) -> Result<Arrived> {
        let mut next = self.target.height().await? + 1;
        let started = Instant::now();
        self.dispatch().await?;
        let mut arrived = Arrived { count: 0, took: Duration::ZERO };
        while arrived.count < MESSAGES && started.elapsed() < WITHIN {
            sleep(LOOK).await;
            let head = self.target.height().await?;
            if head < next {
                continue;
            }
            let seen = started.elapsed();
            let found = self.target.logs(self.at_target.mailbox, ProcessId::SIGNATURE_HASH, next, head).await?;
            next = head + 1;
            if !found.is_empty() {
                arrived = Arrived { count: arrived.count + found.len(), took: seen };
            }
        }
        ensure!(arrived.count > 0, "Hyperlane's relayer delivered nothing within {} s", WITHIN.as_secs());
        Ok(arrived)
    }

    /// Sends all messages in one request, as our own burst is sent.
    async fn dispatch(&self) -> Result<()> {
        let from = dev_key(SENDER).address();
        let first = self.source.mined(from).await?;
        let transactions = (first..).take(MESSAGES).map(|nonce| self.transaction(from, nonce)).collect();
        self.source.batch("eth_sendTransaction", transactions).await
    }

    fn transaction(&self, from: Address, nonce: u64) -> Value {
        let body: B256 = keccak256(nonce.to_be_bytes());
        let call = dispatchCall {
            destinationDomain: TARGET.id as u32,
            recipientAddress: self.at_target.recipient.into_word(),
            messageBody: Bytes::from(body.to_vec()),
        };
        json!([{
            "from": from, "to": self.at_source.mailbox, "input": Bytes::from(call.abi_encode()),
            "gas": format!("{DISPATCH_GAS:#x}"), "gasPrice": format!("{GAS_PRICE_WEI:#x}"),
            "nonce": format!("{nonce:#x}"),
        }])
    }
}
