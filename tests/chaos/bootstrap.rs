//! The devnet as `relayer start --devnet` makes it: run once for its keys, contracts and files, then taken apart, so
//! that everything between its parts can be put under control.

use std::{ffi::OsString, fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use super::{
    chain::Chain,
    poll::until,
    process::{Process, Programs, args, free_port},
    rpc::{Rpc, list, number},
    side::Side,
};

const DEVNET_MAX: Duration = Duration::from_secs(120);
const NODE_MAX: Duration = Duration::from_secs(30);
/// Seconds between blocks, as the devnet's own nodes take them.
const BLOCK_TIME_S: &str = "0.5";

/// Lets the product make a devnet in `dir` and ends it; returns what it wrote about itself.
pub(crate) async fn devnet(programs: &Programs, dir: &Path, logs: &Path) -> Result<Value> {
    let described = dir.join("devnet.json");
    let words = args([&"start", &"--devnet", &"--only", &"evm", &"--data-dir", &dir]);
    // The relayer finds hub and node where they are bundled: beside itself, and in the contracts' packages.
    let mut devnet = Process::start("the devnet", &programs.relayer, words, &logs.join("devnet.log"))?;
    let written = until("devnet.json is written", DEVNET_MAX, || async { Ok(described.is_file().then_some(())) }).await;
    let ended = match written.and_then(|()| devnet.check()) {
        Ok(()) => devnet.end().await,
        Err(error) => Err(error),
    };
    if ended.is_err() {
        sweep(dir);
    }
    ended.with_context(|| format!("see {}", logs.join("devnet.log").display()))?;
    Ok(serde_json::from_slice(&fs::read(&described)?)?)
}

/// Kills what a devnet that was cut off left behind: processes that its files name and that still are its own.
fn sweep(dir: &Path) {
    let nodes = Side::BOTH.map(|side| dir.join("nodes").join(side.id().to_string()).join("pid"));
    for file in nodes.into_iter().chain([dir.join("hub/pid")]) {
        let Some(pid) = fs::read_to_string(file).ok().and_then(|text| text.trim().parse::<i32>().ok()) else {
            continue;
        };
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if dir.to_str().is_some_and(|dir| String::from_utf8_lossy(&line).contains(dir)) {
            // An error means that it is gone already.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// The chains of a devnet that was ended, each run again with a fork beside it.
pub(crate) async fn chains(
    programs: &Programs,
    dir: &Path,
    logs: &Path,
    described: &Value,
) -> Result<([Arc<Chain>; 2], Vec<Process>)> {
    let mut nodes = Vec::with_capacity(4);
    let mut chains = Vec::with_capacity(2);
    for side in Side::BOTH {
        let state = dir.join("nodes").join(side.id().to_string()).join("state.json");
        let (process, node) = start_node(programs, side, &state, &logs.join(format!("node-{}.log", side.id()))).await?;
        nodes.push(process);
        let (process, fork) = start_node(programs, side, &state, &logs.join(format!("fork-{}.log", side.id()))).await?;
        nodes.push(process);
        let entries = list(&described["chains"])?;
        let entry = entries.iter().find(|entry| entry["id"] == side.name());
        let entry = entry.with_context(|| format!("devnet.json lacks {side}"))?;
        let chain = Chain::new(side, entry, node, fork)?;
        chain.part_ways().await?;
        chain.keep_time().await?;
        chains.push(Arc::new(chain));
    }
    let chains = <[Arc<Chain>; 2]>::try_from(chains);
    Ok((chains.map_err(|_| anyhow::anyhow!("there are two sides"))?, nodes))
}

/// The flags of the devnet's own nodes but one: state is loaded and not written, since nobody kills a node here, and
/// writing all of it again and again is what a long run would be spent on.
async fn start_node(programs: &Programs, side: Side, state: &Path, log: &Path) -> Result<(Process, Rpc)> {
    let port = free_port()?;
    let (id, port_text) = (side.id().to_string(), port.to_string());
    let mut words: Vec<OsString> = args([&"--host", &"127.0.0.1", &"--port", &port_text, &"--chain-id", &id]);
    words.extend(args([&"--block-time", &BLOCK_TIME_S, &"--slots-in-an-epoch", &"1"]));
    words.extend(args([&"--hardfork", &"osaka", &"--gas-limit", &"60000000", &"--disable-code-size-limit"]));
    words.extend(args([&"--quiet", &"--load-state", &state]));
    let mut process = Process::start("a node", &programs.anvil, words, log)?;
    let node = Rpc::new(format!("http://127.0.0.1:{port}"))?;
    until(&format!("a node of {side} answers"), NODE_MAX, || async {
        let id = number(&node.ask("eth_chainId", json!([])).await?)?;
        Ok((id == side.id()).then_some(()))
    })
    .await?;
    process.check()?;
    Ok((process, node))
}
