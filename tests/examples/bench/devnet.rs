//! A devnet as users start it, with one command, and the relayer in it: its metrics, its memory, its restart.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use alloy::{primitives::Address, transports::http::reqwest::Client};
use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{
    memory::{self, Memory},
    programs,
    rpc::{self, Rpc},
    wait::{Patience, until},
};

const START: Patience = Patience::seconds(120);
/// A restart is timed, so it is looked at often.
const RESTART: Patience = Patience::seconds(60).every_ms(5);
const GONE_MAX: Duration = Duration::from_secs(5);
const GONE_PAUSE: Duration = Duration::from_millis(20);

/// Stands in for the node: the same one, which keeps its blocks in memory alone. Now and then the devnet's nodes write
/// all blocks since the first to a file, which takes whole seconds once there are a hundred thousand transactions.
const WITHOUT_STATE: &str = r#"#!/bin/sh
skip=0
for argument do
  shift
  case "$argument" in
    --state) set -- "$@" --config-out; continue ;;
    --state-interval) skip=1; continue ;;
    --preserve-historical-states) continue ;;
  esac
  if [ "$skip" = 1 ]; then skip=0; continue; fi
  set -- "$@" "$argument"
done
"#;

/// Which nodes a devnet gets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Nodes {
    /// As `relayer start --devnet` starts them.
    AsShipped,
    /// The same without the file that they write now and then.
    WithoutStateFile,
}

/// One chain of the devnet.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) id: u64,
    pub(crate) rpc: Rpc,
    pub(crate) gateway: Address,
    pub(crate) inbox: Address,
}

/// A running devnet. Dropping it kills every process of it.
pub(crate) struct Devnet {
    pub(crate) eth: Node,
    pub(crate) bsc: Node,
    processes: Processes,
    client: Client,
}

/// How long a relayer takes from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    /// Until `/healthz` answers.
    pub(crate) healthy: Duration,
    /// Until `/readyz` says ready: the hub is reached and no lane is halted.
    pub(crate) ready: Duration,
}

impl Node {
    fn connect(entry: &Value) -> Result<Self> {
        let name = entry["id"].as_str().context("a chain of devnet.json has an id")?.to_owned();
        let contracts: BTreeMap<String, Address> = serde_json::from_value(entry["contracts"].clone())?;
        let contract = |name: &str| contracts.get(name).copied().with_context(|| format!("devnet.json lacks {name}"));
        Ok(Self {
            id: name.strip_prefix("eip155:").context("both chains are EVM chains")?.parse()?,
            rpc: Rpc::new(entry["rpc"].as_str().context("a chain of devnet.json has an rpc")?)?,
            gateway: contract("gateway")?,
            inbox: contract("inbox")?,
            name,
        })
    }
}

impl Devnet {
    /// Starts one in a new data directory and waits until its relayer is ready.
    pub(crate) async fn start(nodes: Nodes) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("infrastrukt-bench-").tempdir()?;
        let dir = home.path().canonicalize()?.join("data");
        let anvil = match nodes {
            Nodes::AsShipped => programs::anvil()?,
            Nodes::WithoutStateFile => without_state(home.path())?,
        };
        let mut command = relayer(home.path(), &dir)?;
        let relayer = command.args(["--devnet", "--only", "evm"]).env("INFRASTRUKT_ANVIL", anvil).spawn()?;
        let processes = Processes { relayer, dir, home };
        let described = processes.dir.join("devnet.json");
        until("devnet.json is written", START, || async { Ok(described.is_file().then_some(())) }).await?;
        let description: Value = serde_json::from_slice(&fs::read(&described)?)?;
        let chains = description["chains"].as_array().context("devnet.json lists chains")?;
        let chain = |place: usize| Node::connect(chains.get(place).context("a devnet has two chains")?);
        let devnet = Self { eth: chain(0)?, bsc: chain(1)?, processes, client: rpc::client()? };
        ensure!(devnet.eth.id == 31_337 && devnet.bsc.id == 56, "the devnet's chains are not the expected ones");
        until("the relayer is ready", START, || async { Ok(devnet.is_answered("readyz").await.then_some(())) }).await?;
        Ok(devnet)
    }

    /// Where the relayer serves health and metrics, as it says itself.
    fn health(&self) -> Result<String> {
        let file = self.processes.dir.join("relayer.json");
        let endpoints: Value = serde_json::from_slice(&fs::read(&file)?)?;
        Ok(endpoints["health"].as_str().context("relayer.json names the health port")?.to_owned())
    }

    async fn page(&self, page: &str) -> Result<String> {
        let response = self.client.get(format!("{}/{page}", self.health()?)).send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "{page}: HTTP {status}: {text}");
        Ok(text)
    }

    async fn is_answered(&self, page: &str) -> bool {
        self.page(page).await.is_ok()
    }

    /// Sum of a metric over all series that carry these labels.
    pub(crate) async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Result<f64> {
        let page = self.page("metrics").await?;
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let is_of = |line: &&str| {
            let rest = line.strip_prefix(name);
            let is_named = rest.is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '));
            is_named && labels.iter().all(|label| line.contains(label.as_str()))
        };
        let values = page.lines().filter(is_of).filter_map(|line| line.rsplit_once(' '));
        values.map(|(_, value)| value.parse::<f64>().with_context(|| format!("{name} is {value}"))).sum()
    }

    /// Calls that the relayer made to both chains since it started.
    pub(crate) async fn calls(&self) -> Result<f64> {
        self.metric("infrastrukt_rpc_calls_total", &[]).await
    }

    /// Messages whose delivery the relayer has seen final since it started.
    pub(crate) async fn delivered(&self) -> Result<f64> {
        self.metric("infrastrukt_deliveries_total", &[]).await
    }

    /// Messages that wait in the relayer's queue for a chain. The relayer publishes it every few seconds.
    pub(crate) async fn queued(&self, node: &Node) -> Result<f64> {
        self.metric("infrastrukt_queue_depth", &[("lane", node.name.as_str()), ("stage", "deliver")]).await
    }

    /// What the relayer's process holds.
    pub(crate) fn memory(&self) -> Result<Memory> {
        memory::of(self.processes.relayer.id().context("the relayer has ended")?)
    }

    /// Kills the relayer and starts one again on its data, as a process of its own. Hub and nodes go on meanwhile.
    pub(crate) async fn restart_relayer(&mut self) -> Result<Restart> {
        self.processes.relayer.kill().await?;
        let endpoints = self.processes.dir.join("relayer.json");
        fs::remove_file(&endpoints)?;
        let mut command = relayer(self.processes.home.path(), &self.processes.dir)?;
        let started = Instant::now();
        self.processes.relayer = command.spawn()?;
        let this = &*self;
        until("the relayer answers", RESTART, || async { Ok(this.is_answered("healthz").await.then_some(())) }).await?;
        let healthy = started.elapsed();
        until("the relayer is ready", RESTART, || async { Ok(this.is_answered("readyz").await.then_some(())) }).await?;
        Ok(Restart { healthy, ready: started.elapsed() })
    }
}

/// `relayer start` on a data directory, without what the caller's environment would set, logging beside it.
fn relayer(home: &Path, dir: &Path) -> Result<Command> {
    let output = File::options().create(true).append(true).open(home.join("relayer.log"))?;
    let mut command = Command::new(programs::relayer()?);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INFRASTRUKT_")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").args(["start", "--data-dir"]).arg(dir).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    Ok(command)
}

fn without_state(home: &Path) -> Result<PathBuf> {
    let path = home.join("anvil");
    fs::write(&path, format!("{WITHOUT_STATE}exec '{}' \"$@\"\n", programs::anvil()?.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Everything that runs. The relayer's children are found by the files that name them.
struct Processes {
    relayer: Child,
    dir: PathBuf,
    home: TempDir,
}

impl Processes {
    /// Hub and nodes that run now: processes of this data directory and no others.
    fn children(&self) -> Vec<Pid> {
        let nodes = fs::read_dir(self.dir.join("nodes")).into_iter().flatten().flatten();
        let files = nodes.map(|node| node.path().join("pid")).chain([self.dir.join("hub/pid")]);
        files.filter_map(|file| self.child(&file)).collect()
    }

    fn child(&self, file: &Path) -> Option<Pid> {
        let pid: i32 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        String::from_utf8_lossy(&line).contains(self.dir.to_str()?).then(|| Pid::from_raw(pid))
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // Errors mean that they are gone already.
        let _ = self.relayer.start_kill();
        for pid in self.children() {
            let _ = kill(pid, Signal::SIGKILL);
        }
        // What is still writing would keep the directory from being removed.
        let end = Instant::now() + GONE_MAX;
        while !self.children().is_empty() && Instant::now() < end {
            std::thread::sleep(GONE_PAUSE);
        }
    }
}
