//! A devnet started with the one command that users have, and the ways in which it can be ended.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::primitives::Address;
use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::{
    chain::Chain,
    command::{Cli, clean, json_file, list, run, text},
    poll::until,
    programs::Programs,
    svm::Svm,
};

/// The two EVM chains.
pub(crate) const ETH: &str = "eip155:31337";
pub(crate) const BSC: &str = "eip155:56";

const START_MAX: Duration = Duration::from_secs(120);
const STOP_MAX: Duration = Duration::from_secs(60);

/// A running devnet.
pub(crate) struct Devnet {
    pub(crate) cli: Cli,
    pub(crate) programs: Programs,
    home: Option<TempDir>,
    relayer: Option<Child>,
    /// A hub that was started by hand, in place of one that was killed.
    hub: Option<Child>,
    /// A node that was started by hand, in place of one that was killed.
    node: Option<Child>,
    chains: Vec<Chain>,
    solana: Option<Svm>,
    pub(crate) hub_url: String,
    accounts: Value,
}

impl Devnet {
    /// Starts one in a new data directory.
    pub(crate) async fn start() -> Result<Self> {
        let programs = Programs::find()?;
        let home = tempfile::Builder::new().prefix("infrastrukt-e2e-").tempdir()?;
        let cli = Cli { program: programs.relayer.clone(), dir: home.path().canonicalize()?.join("data") };
        let mut devnet = Self {
            cli,
            programs,
            home: Some(home),
            relayer: None,
            hub: None,
            node: None,
            chains: Vec::new(),
            solana: None,
            hub_url: String::new(),
            accounts: Value::Null,
        };
        devnet.up().await?;
        Ok(devnet)
    }

    /// Starts it, again in the same data directory where it ran before, and waits until everything answers.
    pub(crate) async fn up(&mut self) -> Result<()> {
        let described = self.dir().join("devnet.json");
        if described.is_file() {
            // A file of the last run would end the wait below before this run is up.
            fs::remove_file(&described)?;
        }
        self.relayer = Some(self.spawn()?);
        until("devnet.json is written", START_MAX, || async { Ok(described.is_file().then_some(())) }).await?;
        let description = json_file(&described)?;
        self.hub_url = text(&description["hub"]["rpc"])?;
        self.accounts = description["accounts"].clone();
        let (evm, others): (Vec<&Value>, Vec<&Value>) = list(&description["chains"])?
            .iter()
            .partition(|chain| chain["id"].as_str().is_some_and(|name| name.starts_with("eip155:")));
        self.chains = evm.into_iter().map(Chain::connect).collect::<Result<_>>()?;
        self.solana = others.into_iter().next().map(Svm::connect).transpose()?;
        self.answers().await
    }

    /// Waits until hub and relayer both answer.
    pub(crate) async fn answers(&self) -> Result<()> {
        until("the hub answers", START_MAX, || async { self.hub("hub_status", json!([])).await.map(Some) }).await?;
        until("the relayer answers", START_MAX, || async { self.cli.ok(&["dlq", "list"]).await.map(Some) }).await?;
        Ok(())
    }

    fn spawn(&self) -> Result<Child> {
        let mut command = Command::new(&self.programs.relayer);
        clean(&mut command);
        command.args(["start", "--devnet", "--data-dir"]).arg(self.dir());
        command.env("INFRASTRUKT_ANVIL", &self.programs.anvil);
        command.env("INFRASTRUKT_SOLANA_NODE", &self.programs.solana_node);
        self.logged(command, "relayer.log").context("`relayer start --devnet` does not run")
    }

    fn logged(&self, mut command: Command, log: &str) -> Result<Child> {
        let output = File::options().create(true).append(true).open(self.home()?.join(log))?;
        Ok(command.stdout(output.try_clone()?).stderr(output).spawn()?)
    }

    /// Starts the hub by hand. A devnet whose hub was killed goes on without one until somebody does.
    pub(crate) async fn start_hub(&mut self) -> Result<()> {
        let mut command = Command::new(&self.programs.hub);
        clean(&mut command);
        command.args(["start", "--config"]).arg(self.hub_config());
        self.hub = Some(self.logged(command, "hub-by-hand.log").context("`hub start` does not run")?);
        self.answers().await
    }

    /// Starts another relayer of this devnet, with a configuration and a data directory of its own. It ends when it is
    /// dropped.
    pub(crate) fn second_relayer(&self, config: &Path) -> Result<Child> {
        let mut command = Command::new(&self.programs.relayer);
        clean(&mut command);
        command.args(["start", "--config"]).arg(config).arg("--data-dir").arg(self.home()?.join("second"));
        self.logged(command, "second-relayer.log").context("`relayer start` does not run")
    }

    /// Ends the hub that runs, and starts it by hand: it reads its configuration anew.
    pub(crate) async fn restart_hub(&mut self) -> Result<()> {
        if self.hub.is_some() {
            self.stop_hub().await?;
        } else {
            self.kill_hub()?;
            until("the hub is gone", STOP_MAX, || async { Ok(self.hub_pid().is_none().then_some(())) }).await?;
        }
        self.start_hub().await
    }

    /// The configuration of the hub.
    pub(crate) fn hub_config(&self) -> PathBuf {
        self.dir().join("hub/hub.toml")
    }

    /// Runs a command of `hub` that must succeed, and returns what it printed.
    pub(crate) async fn hub_command(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.programs.hub);
        command.args(args);
        let line = format!("hub {}", args.join(" "));
        let answer = run(command, &line).await?;
        ensure!(answer.code == 0, "`{line}` failed with {}: {}", answer.code, answer.stderr);
        Ok(answer.stdout)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.cli.dir
    }

    fn home(&self) -> Result<&Path> {
        self.home.as_ref().map(TempDir::path).context("the devnet has ended")
    }

    /// A chain by its name.
    pub(crate) fn chain(&self, name: &str) -> Result<&Chain> {
        self.chains.iter().find(|chain| chain.name == name).with_context(|| format!("devnet.json lacks {name}"))
    }

    /// Both EVM chains, the Ethereum-like one first.
    pub(crate) fn both(&self) -> Result<(&Chain, &Chain)> {
        Ok((self.chain(ETH)?, self.chain(BSC)?))
    }

    /// The Solana chain.
    pub(crate) fn solana(&self) -> Result<&Svm> {
        self.solana.as_ref().context("devnet.json has no chain but EVM chains")
    }

    /// A person's account, the same on both EVM chains.
    pub(crate) fn account(&self, name: &str) -> Result<Address> {
        let entry = list(&self.accounts)?.iter().find(|entry| entry["name"] == name);
        let entry = entry.with_context(|| format!("devnet.json lacks {name}"))?;
        Ok(text(&entry["addresses"][ETH])?.parse()?)
    }

    /// Calls a method of the hub as any client would.
    pub(crate) async fn hub(&self, method: &str, params: Value) -> Result<Value> {
        let answer = self.hub_raw(method, params).await?;
        match answer.get("error") {
            None => Ok(answer["result"].clone()),
            Some(error) => bail!("{method}: {error}"),
        }
    }

    /// The whole answer, an error included.
    pub(crate) async fn hub_raw(&self, method: &str, params: Value) -> Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (status, body) = self.post(request.to_string()).await?;
        serde_json::from_str(&body).with_context(|| format!("{method}: HTTP {status}: {body}"))
    }

    /// Posts any bytes to the hub; returns the HTTP status and the body.
    pub(crate) async fn post(&self, body: String) -> Result<(u16, String)> {
        let client = alloy::transports::http::reqwest::Client::builder().timeout(Duration::from_secs(20)).build()?;
        let request = client.post(self.hub_url.as_str()).header("content-type", "application/json").body(body);
        let response = request.send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }

    fn pid_files(&self) -> Vec<PathBuf> {
        let nodes = fs::read_dir(self.dir().join("nodes")).into_iter().flatten().flatten();
        nodes.map(|node| node.path().join("pid")).chain([self.dir().join("hub/pid")]).collect()
    }

    /// The process that a file names, if it still is one of this data directory.
    fn child(&self, file: &Path) -> Option<Pid> {
        let pid: i32 = fs::read_to_string(file).ok()?.trim().parse().ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        String::from_utf8_lossy(&line).contains(self.dir().to_str()?).then(|| Pid::from_raw(pid))
    }

    /// The process of the Solana node.
    fn solana_pid(&self) -> Result<Pid> {
        let runs_it =
            |pid: &Pid| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == self.programs.solana_node);
        self.children().into_iter().find(runs_it).context("the Solana node does not run")
    }

    /// `kill -9` of the Solana node, which is then started by hand with the very same arguments.
    pub(crate) async fn kill_solana_node(&mut self) -> Result<()> {
        let pid = self.solana_pid()?;
        let line = fs::read(format!("/proc/{pid}/cmdline"))?;
        let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
        let words: Vec<String> = words.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        kill(pid, Signal::SIGKILL)?;
        // Its threads die one after the other, and the last of them lets go of the folder.
        let lock = fs::File::open(self.dir().join("nodes/solana/chain/node.lock"))?;
        until("the Solana node is gone", STOP_MAX, || async { Ok(lock.try_lock().ok()) }).await?;
        drop(lock);
        let mut command = Command::new(&self.programs.solana_node);
        command.args(words.iter().skip(1)).kill_on_drop(true);
        self.node = Some(self.logged(command, "solana-node-by-hand.log").context("`solana-node` does not run")?);
        until("the Solana node answers", START_MAX, || async { self.solana()?.slot().await.map(Some) }).await?;
        Ok(())
    }

    /// Child processes that run now: hub and nodes.
    fn children(&self) -> Vec<Pid> {
        self.pid_files().iter().filter_map(|file| self.child(file)).collect()
    }

    /// The hub's process.
    pub(crate) fn hub_pid(&self) -> Option<Pid> {
        self.child(&self.dir().join("hub/pid"))
    }

    /// Sends a signal to the process that was started, and to nothing else.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.relayer.as_ref().and_then(Child::id).context("the relayer does not run")?;
        Ok(kill(Pid::from_raw(i32::try_from(pid)?), signal)?)
    }

    /// True while the process that was started runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.relayer.as_mut().is_some_and(|relayer| matches!(relayer.try_wait(), Ok(None)))
    }

    /// Ends everything as an operator does; no process may be left behind.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.signal(Signal::SIGTERM)?;
        let mut relayer = self.relayer.take().context("the relayer does not run")?;
        let status = timeout(STOP_MAX, relayer.wait()).await.context("the devnet does not end when told to")??;
        self.stop_hub().await?;
        self.stop_node().await?;
        ensure!(status.success(), "a devnet that is told to end ended with {status}");
        let left = self.children();
        ensure!(left.is_empty(), "processes {left:?} were left behind");
        Ok(())
    }

    /// Ends the hub that was started by hand, as an operator does.
    pub(crate) async fn stop_hub(&mut self) -> Result<()> {
        let Some(mut hub) = self.hub.take() else { return Ok(()) };
        let pid = hub.id().context("the hub that was started by hand ended by itself")?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        let status = timeout(STOP_MAX, hub.wait()).await.context("the hub does not end when told to")??;
        ensure!(status.success(), "a hub that is told to end ended with {status}");
        Ok(())
    }

    /// Ends the node that was started by hand, as an operator does.
    async fn stop_node(&mut self) -> Result<()> {
        let Some(mut node) = self.node.take() else { return Ok(()) };
        let pid = node.id().context("the node that was started by hand ended by itself")?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        let status = timeout(STOP_MAX, node.wait()).await.context("the node does not end when told to")??;
        ensure!(status.success(), "a node that is told to end ended with {status}");
        Ok(())
    }

    /// `kill -9` of the relayer; hub and nodes go on without it.
    pub(crate) async fn kill_relayer(&mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        let mut relayer = self.relayer.take().context("the relayer does not run")?;
        relayer.wait().await?;
        Ok(())
    }

    /// `kill -9` of the hub.
    pub(crate) fn kill_hub(&self) -> Result<()> {
        Ok(kill(self.hub_pid().context("the hub does not run")?, Signal::SIGKILL)?)
    }

    /// Ends everything at the end of a test; returns where the data directory was, or still is.
    pub(crate) async fn end(mut self, keep: bool) -> String {
        if self.is_running() && self.stop().await.is_err() {
            println!("the devnet had to be killed");
        }
        self.sweep();
        let home = self.home.take();
        let shown = home.as_ref().map_or_else(String::new, |home| home.path().display().to_string());
        if let Some(home) = home.filter(|_| keep) {
            // The path is all that is wanted: keeping it is what disarms the removal.
            let _ = home.keep();
        }
        shown
    }

    fn sweep(&self) {
        for pid in self.children() {
            // An error means that it is gone already.
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        if let Some(relayer) = self.relayer.as_mut() {
            // An error means that it is gone already.
            let _ = relayer.start_kill();
        }
        self.sweep();
    }
}
