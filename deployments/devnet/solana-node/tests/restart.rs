//! The built node, started, stopped, killed and started again on one folder.

#![allow(clippy::unwrap_used)]

#[path = "../src/rpc.rs"]
mod rpc;

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddrV4, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const KEY: &str = "Vote111111111111111111111111111111111111112";
const LAMPORTS: u64 = 7_000_000_000;
const SLOT_MS: u64 = 50;
/// Slots are dated in whole seconds, and the machine may be busy.
const CLOCK_TOLERANCE_S: u64 = 5;

struct Running {
    process: Child,
    rpc: SocketAddrV4,
    ready: String,
}

impl Running {
    fn start(dir: &Path, funds: &[String]) -> Self {
        Self::start_with_slots_of(SLOT_MS, dir, funds)
    }

    fn start_with_slots_of(slot_ms: u64, dir: &Path, funds: &[String]) -> Self {
        let (rpc, ws) = (free_port(), free_port());
        let mut command = Command::new(env!("CARGO_BIN_EXE_solana-node"));
        command.arg("--data-dir").arg(dir).args(["--slot-ms", &slot_ms.to_string()]);
        command.args(["--rpc-port", &rpc.to_string(), "--ws-port", &ws.to_string()]);
        for fund in funds {
            command.args(["--fund", fund]);
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        Self { process, rpc: SocketAddrV4::new(Ipv4Addr::LOCALHOST, rpc), ready }
    }

    fn call(&self, method: &str, params: &Value) -> Value {
        rpc::call(self.rpc, method, params).unwrap()
    }

    fn slot(&self) -> u64 {
        self.call("getSlot", &json!([{"commitment": "processed"}])).as_u64().unwrap()
    }

    fn wait_for_slot(&self, slot: u64) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.slot() < slot {
            assert!(Instant::now() < deadline, "slot {slot} does not come");
            thread::sleep(Duration::from_millis(SLOT_MS));
        }
    }

    /// The slot of a transaction. The node tells it once the next slot is open.
    fn slot_of(&self, signature: &Value) -> u64 {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let statuses = self.call("getSignatureStatuses", &json!([[signature], {"searchTransactionHistory": true}]));
            if let Some(slot) = statuses["value"][0]["slot"].as_u64() {
                return slot;
            }
            assert!(Instant::now() < deadline, "the transaction is in no block");
            thread::sleep(Duration::from_millis(SLOT_MS));
        }
    }

    fn terminate(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A test that fails leaves no node behind.
impl Drop for Running {
    fn drop(&mut self) {
        // Refused for a process that has ended, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn word<'a>(ready: &'a str, name: &str) -> &'a str {
    ready.split_whitespace().find_map(|word| word.strip_prefix(name)).unwrap()
}

#[test]
fn a_chain_goes_on_after_a_stop_and_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let funds = [format!("{KEY}={LAMPORTS}")];

    let first = Running::start(dir.path(), &funds);
    assert!(first.ready.starts_with("ready "), "{}", first.ready);
    let genesis = word(&first.ready, "genesis=").to_owned();
    assert_eq!(first.call("getGenesisHash", &json!([])), json!(genesis));
    let slot = first.slot() + 20;
    first.wait_for_slot(slot);
    let seen = first.slot();
    first.terminate();

    let second = Running::start(dir.path(), &funds);
    assert!(second.slot() >= seen, "slots must never go backwards");
    assert_eq!(word(&second.ready, "genesis="), genesis);
    assert_eq!(second.call("getBalance", &json!([KEY]))["value"], json!(LAMPORTS));
    let seen = second.slot();
    second.kill();

    let third = Running::start(dir.path(), &funds);
    assert!(third.slot() >= seen, "slots must never go backwards");
    third.terminate();
}

#[test]
fn a_transaction_of_the_open_slot_is_in_a_block_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    // Slots so long that the kill comes before the block.
    let first = Running::start_with_slots_of(8_000, dir.path(), &[]);
    let signature = first.call("requestAirdrop", &json!([KEY, LAMPORTS]));
    first.kill();

    let second = Running::start(dir.path(), &[]);
    let slot = second.slot_of(&signature);
    second.wait_for_slot(slot + 40);
    let block = second.call("getBlock", &json!([slot, {"transactionDetails": "signatures", "rewards": false}]));
    assert!(block["signatures"].as_array().unwrap().contains(&signature), "{block}");
    assert_eq!(second.call("getBalance", &json!([KEY]))["value"], json!(LAMPORTS));
    second.terminate();
}

#[test]
fn the_chain_keeps_to_the_clock_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = Running::start(dir.path(), &[]);
    // Ten seconds of slots: an age that were added once more would show.
    let slot = first.slot() + 10_000 / SLOT_MS;
    first.wait_for_slot(slot);
    first.terminate();

    let second = Running::start(dir.path(), &[]);
    let time = second.call("getBlockTime", &json!([second.slot() - 1])).as_u64().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(time.abs_diff(now) <= CLOCK_TOLERANCE_S, "the chain says {time}, the clock {now}");
    second.terminate();
}

#[test]
fn no_cheatcode_answers() {
    let dir = tempfile::tempdir().unwrap();
    let node = Running::start(dir.path(), &[]);
    for method in ["surfnet_setAccount", "surfnet_timeTravel", "surfnet_enableCheatcode", "surfnet_resetNetwork"] {
        let refused = rpc::call(node.rpc, method, &json!([]));
        assert!(
            matches!(&refused, Err(rpc::RpcError::Refused { error, .. })
            if error["message"].as_str().is_some_and(|message| message.contains("disabled"))),
            "{refused:?}"
        );
    }
    node.terminate();
}

#[test]
fn a_folder_of_another_genesis_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Running::start(dir.path(), &[]).terminate();
    let mut other = Running::start(dir.path(), &[format!("{KEY}={LAMPORTS}")]);
    assert_eq!(other.ready, "");
    assert_eq!(other.process.wait().unwrap().code(), Some(1));
}
