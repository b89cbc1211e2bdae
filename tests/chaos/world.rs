//! Everything that runs, and the ways to kill it and bring it back.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    bootstrap,
    chain::Chain,
    files::{Files, VALIDATORS},
    poll::until,
    process::{Process, Programs, args, free_port},
    proxy::Views,
    rpc::{Rpc, list, text},
    side::Side,
    swap::Hub,
};

const ANSWER_MAX: Duration = Duration::from_secs(90);
/// Longest until everything that was struck is well again by itself.
const WELL_MAX: Duration = Duration::from_secs(90);

/// Two chains with their forks, the endpoints in front of them, a hub and a relayer.
pub(crate) struct World {
    programs: Programs,
    /// Where logs are, and the devnet's data directory.
    home: PathBuf,
    files: Files,
    pub(crate) chains: [Arc<Chain>; 2],
    pub(crate) views: Views,
    pub(crate) hub: Hub,
    hub_process: Option<Process>,
    relayer_process: Option<Process>,
    nodes: Vec<Process>,
    /// The validator that is not hosted now.
    absent: Option<usize>,
}

impl World {
    /// Starts everything in a new folder, which stays where that fails.
    pub(crate) async fn start() -> Result<Self> {
        let programs = Programs::find()?;
        let home = tempfile::Builder::new().prefix("infrastrukt-chaos-").tempdir()?.keep();
        let started = Self::start_in(programs, home.canonicalize()?).await;
        started.with_context(|| format!("nothing runs; logs are in {}", home.display()))
    }

    async fn start_in(programs: Programs, home: PathBuf) -> Result<Self> {
        let dir = home.join("data");
        let described = bootstrap::devnet(&programs, &dir, &home).await?;
        let (chains, nodes) = bootstrap::chains(&programs, &dir, &home, &described).await?;
        let views = Views::open(&chains).await?;
        let files = Files::new(dir, free_port()?)?;
        files.write_relayer(&views)?;
        let hub = Hub { rpc: Rpc::new(files.hub_url())?, id: Default::default() };
        let (hub_process, relayer_process, absent) = (None, None, None);
        let mut world = Self { programs, home, files, chains, views, hub, hub_process, relayer_process, nodes, absent };
        world.start_hub().await?;
        world.start_relayer().await?;
        let status = world.hub.rpc.ask("hub_status", json!([])).await?;
        world.hub.id = text(&status["hub_id"])?.parse()?;
        Ok(world)
    }

    pub(crate) fn chain(&self, side: Side) -> &Chain {
        &self.chains[side.place()]
    }

    /// Starts the hub with all validators but the absent one.
    pub(crate) async fn start_hub(&mut self) -> Result<()> {
        self.files.write_hub(&self.views, self.absent)?;
        let config = self.files.hub();
        let words = args([&"start", &"--config", &config]);
        self.hub_process = Some(Process::start("the hub", &self.programs.hub, words, &self.home.join("hub.log"))?);
        let expected = VALIDATORS - usize::from(self.absent.is_some());
        let hub = &self.hub.rpc;
        until("the hub answers", ANSWER_MAX, || async {
            let status = hub.ask("hub_status", json!([])).await?;
            Ok((list(&status["hosted"])?.len() == expected).then_some(()))
        })
        .await
    }

    /// `kill -9` of the process that hosts the validators.
    pub(crate) async fn kill_hub(&mut self) -> Result<()> {
        self.hub_process.take().context("the hub does not run")?.kill().await
    }

    /// Kills the hub and starts it without one validator, or with all.
    pub(crate) async fn restart_hub_without(&mut self, absent: Option<usize>) -> Result<()> {
        if self.hub_process.is_some() {
            self.kill_hub().await?;
        }
        self.absent = absent;
        self.start_hub().await
    }

    /// The same with those that were hosted before.
    pub(crate) async fn restart_hub(&mut self) -> Result<()> {
        self.restart_hub_without(self.absent).await
    }

    pub(crate) async fn start_relayer(&mut self) -> Result<()> {
        let told = self.files.endpoints();
        if told.is_file() {
            // A file of the one that was killed would end the wait below too early.
            fs::remove_file(&told)?;
        }
        let config = self.files.relayer();
        let words = args([&"start", &"--config", &config, &"--data-dir", &self.files.dir]);
        let log = self.home.join("relayer.log");
        self.relayer_process = Some(Process::start("the relayer", &self.programs.relayer, words, &log)?);
        until("the relayer answers", ANSWER_MAX, || async { self.relayer_status().await.map(Some) }).await?;
        Ok(())
    }

    /// `kill -9` of the relayer.
    pub(crate) async fn kill_relayer(&mut self) -> Result<()> {
        self.relayer_process.take().context("the relayer does not run")?.kill().await
    }

    /// What the relayer says about itself.
    pub(crate) async fn relayer_status(&self) -> Result<Value> {
        let told = fs::read(self.files.endpoints()).context("the relayer has not said where it listens")?;
        let told: Value = serde_json::from_slice(&told)?;
        Rpc::new(text(&told["admin"])?)?.ask("relayer_status", json!([])).await
    }

    /// The relayer's lane of a chain, as it says.
    pub(crate) async fn lane(&self, side: Side) -> Result<Value> {
        let status = self.relayer_status().await?;
        let lane = list(&status["lanes"])?.iter().find(|lane| lane["chain"] == side.name());
        lane.cloned().with_context(|| format!("the relayer has no lane {side}: {status}"))
    }

    /// Why validators gave a chain up, one line each.
    pub(crate) async fn halts(&self) -> Result<Vec<String>> {
        let status = self.hub.rpc.ask("hub_status", json!([])).await?;
        Ok(list(&status["hosted"])?.iter().filter_map(|one| one["halted"].as_str().map(str::to_owned)).collect())
    }

    /// Waits until nothing is halted, frozen, or away.
    pub(crate) async fn is_well(&mut self) -> Result<()> {
        let processes = self.nodes.iter_mut().chain(&mut self.hub_process).chain(&mut self.relayer_process);
        for process in processes {
            process.check()?;
        }
        until("hub and relayer are well", WELL_MAX, || async {
            let halts = self.halts().await?;
            ensure!(halts.is_empty(), "validators gave up: {halts:?}");
            let hub = self.hub.rpc.ask("hub_status", json!([])).await?;
            let frozen: Vec<&Value> = list(&hub["chains"])?.iter().filter(|chain| !chain["frozen"].is_null()).collect();
            ensure!(frozen.is_empty(), "frozen: {frozen:?}");
            let relayer = self.relayer_status().await?;
            ensure!(relayer["ready"] == true, "the relayer is not ready: {}", relayer["problems"]);
            Ok(Some(()))
        })
        .await
    }

    /// Where logs and data are.
    pub(crate) fn place(&self) -> &Path {
        &self.home
    }

    /// Ends everything, and removes its files unless they are to be kept.
    pub(crate) async fn end(mut self, keep: bool) -> Result<()> {
        let parts = self.relayer_process.take().into_iter().chain(self.hub_process.take()).chain(self.nodes);
        for process in parts {
            // One that is dead already has nothing to say any more.
            let _ = process.end().await;
        }
        if keep { Ok(()) } else { Ok(fs::remove_dir_all(&self.home)?) }
    }
}
