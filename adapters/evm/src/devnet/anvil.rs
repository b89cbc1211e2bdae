//! One anvil node: started, awaited, and ended with its parent.

use alloy::providers::{Provider, ProviderBuilder};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::{self, File},
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

const START_TIMEOUT: Duration = Duration::from_secs(20);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// How to start a node.
#[derive(Clone, Debug)]
pub struct AnvilOptions {
    /// The anvil binary.
    pub binary: PathBuf,
    /// EIP-155 id.
    pub chain_id: u64,
    /// Loopback port; a free one is chosen where it is `None` or taken.
    pub port: Option<u16>,
    /// Seconds between blocks.
    pub block_time_s: f64,
    /// Folder for state, log and process id; the state survives restarts.
    pub dir: PathBuf,
}

/// A running node. Dropping it kills the process; [`Anvil::stop`] ends it cleanly, with its state written.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    url: String,
    port: u16,
    pid_file: PathBuf,
}

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
pub enum AnvilError {
    /// The binary cannot be started.
    #[error("cannot start {binary}: {source}; run `make setup`, or name the binary in INFRASTRUKT_ANVIL")]
    Spawn {
        /// What was tried.
        binary: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The folder cannot be written.
    #[error("cannot write {path}: {source}")]
    Dir {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It ended or never answered.
    #[error("the node of chain {chain_id} did not answer within {}s; see {log}", START_TIMEOUT.as_secs())]
    Start {
        /// Which chain.
        chain_id: u64,
        /// Its log.
        log: PathBuf,
    },
}

/// The wanted port if it is free, else any free one.
fn choose_port(wanted: Option<u16>) -> io::Result<u16> {
    let listener = match wanted.map(|port| TcpListener::bind(("127.0.0.1", port))) {
        Some(Ok(listener)) => listener,
        Some(Err(_)) | None => TcpListener::bind(("127.0.0.1", 0))?,
    };
    Ok(listener.local_addr()?.port())
}

/// Ends a node that an earlier, killed parent left behind: only a process whose command line names our state file.
async fn end_orphan(pid_file: &Path, state: &Path) {
    let Some(pid) = fs::read_to_string(pid_file).ok().and_then(|text| text.trim().parse::<i32>().ok()) else { return };
    let command_line = format!("/proc/{pid}/cmdline");
    let is_ours = || {
        let line = fs::read(&command_line).unwrap_or_default();
        state.to_str().is_some_and(|path| String::from_utf8_lossy(&line).contains(path))
    };
    if !is_ours() || kill(Pid::from_raw(pid), Signal::SIGTERM).is_err() {
        return;
    }
    let deadline = Instant::now() + STOP_TIMEOUT;
    while is_ours() && Instant::now() < deadline {
        sleep(POLL).await;
    }
}

impl Anvil {
    /// Starts a node and waits until it answers.
    pub async fn start(options: &AnvilOptions) -> Result<Self, AnvilError> {
        let dir_error = |source| AnvilError::Dir { path: options.dir.clone(), source };
        fs::create_dir_all(&options.dir).map_err(dir_error)?;
        let (state, log) = (options.dir.join("state.json"), options.dir.join("anvil.log"));
        let pid_file = options.dir.join("pid");
        end_orphan(&pid_file, &state).await;
        let port = choose_port(options.port).map_err(dir_error)?;
        let output = File::create(&log).map_err(dir_error)?;
        let errors = output.try_clone().map_err(dir_error)?;
        let child = Command::new(&options.binary)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--chain-id", &options.chain_id.to_string()])
            .args(["--block-time", &options.block_time_s.to_string(), "--slots-in-an-epoch", "1"])
            .args(["--hardfork", "osaka", "--gas-limit", "60000000", "--disable-code-size-limit"])
            .args(["--state-interval", "30", "--preserve-historical-states", "--quiet", "--state"])
            .arg(&state)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // A terminal's interrupt goes to the parent alone, which ends its children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| AnvilError::Spawn { binary: options.binary.clone(), source })?;
        if let Some(pid) = child.id() {
            fs::write(&pid_file, pid.to_string()).map_err(dir_error)?;
        }
        let mut node = Self { child, url: format!("http://127.0.0.1:{port}"), port, pid_file };
        node.wait_until_up(options.chain_id).await.ok_or(AnvilError::Start { chain_id: options.chain_id, log })?;
        Ok(node)
    }

    async fn wait_until_up(&mut self, chain_id: u64) -> Option<()> {
        let provider = ProviderBuilder::new().connect_http(self.url.parse().ok()?);
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if matches!(provider.get_chain_id().await, Ok(id) if id == chain_id) {
                return Some(());
            }
            if !matches!(self.child.try_wait(), Ok(None)) {
                return None;
            }
            sleep(POLL).await;
        }
        None
    }

    /// Where it answers JSON-RPC.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The child's process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends the node; it writes its state first.
    pub async fn stop(mut self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // An error means that it is gone already.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        if timeout(STOP_TIMEOUT, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
        let _ = fs::remove_file(&self.pid_file);
    }
}
