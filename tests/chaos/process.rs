//! Programs as child processes, which can be ended politely and otherwise.

use std::{
    env,
    ffi::OsString,
    fs::File,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

const END_MAX: Duration = Duration::from_secs(60);

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) relayer: PathBuf,
    pub(crate) hub: PathBuf,
    pub(crate) anvil: PathBuf,
}

impl Programs {
    /// The binaries of this build, and the node in the contracts' packages.
    pub(crate) fn find() -> Result<Self> {
        let own = env::current_exe().context("a program knows its own path")?;
        let build = own.parent().and_then(Path::parent).context("tests and examples lie in a folder of the build")?;
        for name in ["relayer", "hub"] {
            let path = build.join(name);
            ensure!(path.is_file(), "{} is not there; build it: `cargo build --workspace --bins`", path.display());
        }
        let bundled = "../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
        let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join(bundled);
        let anvil = env::var_os("INFRASTRUKT_ANVIL").map_or(bundled, PathBuf::from);
        ensure!(anvil.is_file(), "{} is not there; install it: `make setup`", anvil.display());
        Ok(Self { relayer: build.join("relayer"), hub: build.join("hub"), anvil: anvil.canonicalize()? })
    }
}

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: &'static str,
}

impl Process {
    /// Starts a program with its output added to a log file. What the caller's own environment says to the product is
    /// left out, but for the node it is to run.
    pub(crate) fn start(name: &'static str, program: &Path, args: Vec<OsString>, log: &Path) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(program);
        let is_setting = |name: &str| name.starts_with("INFRASTRUKT_") && name != "INFRASTRUKT_ANVIL";
        for (name, _) in env::vars_os().filter(|(name, _)| is_setting(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.args(args).env("NO_COLOR", "1").stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child =
            command.kill_on_drop(true).spawn().with_context(|| format!("{} does not run", program.display()))?;
        Ok(Self { child, name })
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("{} cannot be killed", self.name))
    }

    /// Tells it to end and waits for it.
    pub(crate) async fn end(mut self) -> Result<()> {
        let pid = self.child.id().with_context(|| format!("{} ended by itself", self.name))?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
        let ended = timeout(END_MAX, self.child.wait()).await;
        ended.with_context(|| format!("{} does not end when told to", self.name))??;
        Ok(())
    }

    /// Fails where it ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(ended.is_none(), "{} ended by itself: {ended:?}", self.name);
        Ok(())
    }
}

/// Arguments from text and paths alike.
pub(crate) fn args<const N: usize>(words: [&dyn AsRef<std::ffi::OsStr>; N]) -> Vec<OsString> {
    words.iter().map(|word| word.as_ref().to_owned()).collect()
}

/// A port of this machine that is free now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
