//! One Solana node: started, awaited, and ended with its parent.

use infrastrukt_types::Account;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use solana_pubkey::Pubkey;
use std::{
    env,
    fs::{self, File},
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use crate::address::pubkey_of;

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const STEER_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Names the node's binary, where it is not the one that `make solana-node` keeps.
const BINARY_VARIABLE: &str = "INFRASTRUKT_SOLANA_NODE";

/// Names the gateway's ELF, where it is not the committed one.
const PROGRAM_VARIABLE: &str = "INFRASTRUKT_SOLANA_PROGRAM";

/// Where this checkout has the node's sources and the committed build of the gateway.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// How to start a node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The `solana-node` binary.
    pub binary: PathBuf,
    /// A program that exists from the first slot: its id and its ELF.
    pub program: (Pubkey, PathBuf),
    /// Who may upgrade it, and so set it up.
    pub upgrade_authority: Account,
    /// Accounts that hold lamports from the first slot.
    pub funds: Vec<(Account, u64)>,
    /// Loopback port of JSON-RPC; a free one is chosen where it is `None` or taken. The port after it serves
    /// subscriptions where it is free.
    pub port: Option<u16>,
    /// Milliseconds from slot to slot; a slot is final 31 slots later.
    pub slot_ms: u64,
    /// Folder for state, log and process id; the state survives restarts.
    pub dir: PathBuf,
}

/// A running node. Dropping it kills the process; [`Node::stop`] ends it cleanly, with its state written.
#[derive(Debug)]
pub struct Node {
    child: Child,
    url: String,
    port: u16,
    ws_port: u16,
    genesis_hash: String,
    pid_file: PathBuf,
}

/// A node that makes blocks on command only.
#[derive(Debug)]
pub struct Steered {
    node: Node,
    line: Mutex<SteeringLine>,
}

#[derive(Debug)]
struct SteeringLine {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// Commands whose answers nobody has read.
    unanswered: usize,
}

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Nobody built it.
    #[error("{0} is missing: run `make solana-node`, or name the binary in {BINARY_VARIABLE}")]
    NoBinary(PathBuf),
    /// The program was not built.
    #[error("{0} is missing: run `make programs`, or name the ELF in {PROGRAM_VARIABLE}")]
    NoProgram(PathBuf),
    /// The sources of the node are not where they belong.
    #[error("cannot tell where the Solana node is kept: {0}; name the binary in {BINARY_VARIABLE}")]
    NoPath(String),
    /// The binary cannot be started.
    #[error("cannot start {binary}: {source}; run `make solana-node`, or name the binary in {BINARY_VARIABLE}")]
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
    /// It ended or was never ready.
    #[error("the Solana node was not ready within {}s; see {log}", START_TIMEOUT.as_secs())]
    Start {
        /// Its log.
        log: PathBuf,
    },
    /// It did not do as told.
    #[error("the Solana node did not carry out `{command}`: {answer}")]
    Steer {
        /// What it was told.
        command: String,
        /// What it said.
        answer: String,
    },
}

/// The binary that `make solana-node` keeps for these sources, or the one that the environment names.
pub fn binary() -> Result<PathBuf, NodeError> {
    if let Some(named) = env::var_os(BINARY_VARIABLE).map(PathBuf::from) {
        return existing(named, NodeError::NoBinary);
    }
    let script = Path::new(CHECKOUT).join("deployments/devnet/solana-node/path.sh");
    let told = std::process::Command::new("sh").arg(&script).output();
    let told = told.map_err(|error| NodeError::NoPath(error.to_string()))?;
    let path = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    if path.is_empty() {
        return Err(NodeError::NoPath(format!("{} said nothing", script.display())));
    }
    existing(PathBuf::from(path), NodeError::NoBinary)
}

/// The committed build of the gateway, or the one that the environment names.
pub fn gateway_program() -> Result<PathBuf, NodeError> {
    let committed = || Path::new(CHECKOUT).join("programs/artifacts/infrastrukt_gateway.so");
    let path = env::var_os(PROGRAM_VARIABLE).map_or_else(committed, PathBuf::from);
    existing(path, NodeError::NoProgram)
}

fn existing(path: PathBuf, missing: fn(PathBuf) -> NodeError) -> Result<PathBuf, NodeError> {
    if path.is_file() { Ok(path) } else { Err(missing(path)) }
}

/// The wanted port if it is free, else any free one.
fn choose_port(wanted: Option<u16>) -> io::Result<TcpListener> {
    match wanted.map(|port| TcpListener::bind(("127.0.0.1", port))) {
        Some(Ok(listener)) => Ok(listener),
        Some(Err(_)) | None => TcpListener::bind(("127.0.0.1", 0)),
    }
}

/// Ports for requests and subscriptions. Both are held until both are chosen.
fn choose_ports(wanted: Option<u16>) -> io::Result<(u16, u16)> {
    let rpc = choose_port(wanted)?;
    let port = rpc.local_addr()?.port();
    let ws = choose_port(port.checked_add(1))?;
    Ok((port, ws.local_addr()?.port()))
}

/// Ends a node that an earlier, killed parent left behind: only a process whose command line names our folder.
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

impl Node {
    /// Starts a node that makes blocks by the clock, and waits until it serves.
    pub async fn start(options: &NodeOptions) -> Result<Self, NodeError> {
        Ok(Self::launch(options, false).await?.node)
    }

    /// Starts a node that makes blocks on command only.
    pub async fn start_steered(options: &NodeOptions) -> Result<Steered, NodeError> {
        Self::launch(options, true).await
    }

    async fn launch(options: &NodeOptions, is_steered: bool) -> Result<Steered, NodeError> {
        let dir_error = |source| NodeError::Dir { path: options.dir.clone(), source };
        fs::create_dir_all(&options.dir).map_err(dir_error)?;
        let (state, log) = (options.dir.join("chain"), options.dir.join("solana-node.log"));
        let pid_file = options.dir.join("pid");
        end_orphan(&pid_file, &state).await;
        let (port, ws_port) = choose_ports(options.port).map_err(dir_error)?;
        let errors = File::create(&log).map_err(dir_error)?;
        let spawned = command(options, &state, (port, ws_port), is_steered).stderr(errors).spawn();
        let mut child = spawned.map_err(|source| NodeError::Spawn { binary: options.binary.clone(), source })?;
        if let Some(pid) = child.id() {
            fs::write(&pid_file, pid.to_string()).map_err(dir_error)?;
        }
        let failed = || NodeError::Start { log: log.clone() };
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Err(failed()) };
        let mut lines = BufReader::new(output).lines();
        let ready = timeout(START_TIMEOUT, lines.next_line()).await.map_err(|_| failed())?.ok().flatten();
        let genesis = ready.as_deref().and_then(|line| line.split("genesis=").nth(1)).ok_or_else(failed)?;
        let (url, genesis_hash) = (format!("http://127.0.0.1:{port}"), genesis.trim().to_owned());
        let node = Self { child, url, port, ws_port, genesis_hash, pid_file };
        Ok(Steered { node, line: Mutex::new(SteeringLine { input, output: lines, unanswered: 0 }) })
    }

    /// Where it answers JSON-RPC.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it serves subscriptions.
    pub fn ws_url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.ws_port)
    }

    /// The port of JSON-RPC.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The hash by which clients tell the chain from others.
    pub fn genesis_hash(&self) -> &str {
        &self.genesis_hash
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

impl Steered {
    /// The node.
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// Makes blocks; returns the slot that is open afterwards.
    pub async fn mine(&self, blocks: u64) -> Result<u64, NodeError> {
        self.tell(format!("mine {blocks}")).await
    }

    /// Moves the chain's clock ahead and makes a block at the new time.
    pub async fn advance(&self, seconds: u64) -> Result<u64, NodeError> {
        self.tell(format!("advance {seconds}")).await
    }

    async fn tell(&self, command: String) -> Result<u64, NodeError> {
        let mut line = self.line.lock().await;
        let answer = match timeout(STEER_TIMEOUT, line.ask(&command)).await {
            Ok(Ok(Some(answer))) => answer,
            Ok(Ok(None)) => "it has ended".into(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {}s", STEER_TIMEOUT.as_secs()),
        };
        let slot = answer.strip_prefix("at ").and_then(|slot| slot.trim().parse().ok());
        slot.ok_or(NodeError::Steer { command, answer })
    }
}

impl SteeringLine {
    /// The answer to this command. One that its caller gave up on is carried out all the same, and its answer is passed
    /// over here.
    async fn ask(&mut self, command: &str) -> io::Result<Option<String>> {
        // A pipe takes so short a line whole or not at all.
        self.input.write_all(format!("{command}\n").as_bytes()).await?;
        self.unanswered += 1;
        loop {
            let answer = self.output.next_line().await?;
            self.unanswered -= 1;
            if self.unanswered == 0 || answer.is_none() {
                return Ok(answer);
            }
        }
    }
}

fn command(options: &NodeOptions, state: &Path, (port, ws_port): (u16, u16), is_steered: bool) -> Command {
    let (program, elf) = &options.program;
    let mut command = Command::new(&options.binary);
    command.arg("--data-dir").arg(state);
    command.args(["--rpc-port", &port.to_string(), "--ws-port", &ws_port.to_string()]);
    command.args(["--slot-ms", &options.slot_ms.to_string()]);
    command.arg("--program").arg(format!("{program}={}", elf.display()));
    command.args(["--upgrade-authority", &pubkey_of(options.upgrade_authority).to_string()]);
    for (account, lamports) in &options.funds {
        command.args(["--fund", &format!("{}={lamports}", pubkey_of(*account))]);
    }
    if is_steered {
        command.arg("--steer");
    }
    // A terminal's interrupt goes to the parent alone, which ends its children in order.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}
