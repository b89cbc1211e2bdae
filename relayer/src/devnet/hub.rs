//! The hub as a child process.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use super::{DevnetError, Layout};

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

/// A running hub. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct HubProcess {
    child: Child,
    pid_file: PathBuf,
}

/// Finds a program: named by `variable`, beside this program, or on the PATH.
pub(super) fn find_program(name: &'static str, variable: &'static str) -> Result<PathBuf, DevnetError> {
    let named = env::var_os(variable).map(PathBuf::from);
    let beside = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(name)));
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).map(|dir| dir.join(name)).collect::<Vec<_>>());
    named
        .into_iter()
        .chain(beside)
        .chain(on_path.unwrap_or_default())
        .find(|path| path.is_file())
        .ok_or(DevnetError::Missing { name, variable })
}

/// True while the process is a hub of this configuration.
fn is_hub_of(pid: i32, config: &Path) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|argument| argument == config.as_os_str().as_encoded_bytes())
}

/// Ends a hub that an earlier, killed parent left behind. One that somebody else started is not ours to end.
async fn end_orphan(layout: &Layout) -> Result<(), DevnetError> {
    let config = layout.hub_config();
    let ours = fs::read_to_string(layout.hub_pid()).ok().and_then(|text| text.trim().parse::<i32>().ok());
    if let Some(pid) = ours.filter(|pid| is_hub_of(*pid, &config)) {
        // An error means that it is gone already.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let deadline = Instant::now() + STOP_TIMEOUT;
        while is_hub_of(pid, &config) && Instant::now() < deadline {
            sleep(POLL).await;
        }
    }
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    match pids.find(|pid| is_hub_of(*pid, &config)) {
        Some(pid) => Err(DevnetError::HubRuns { pid }),
        None => Ok(()),
    }
}

impl HubProcess {
    /// Starts the hub and waits until its API takes connections.
    pub(super) async fn start(layout: &Layout, api: std::net::SocketAddr) -> Result<Self, DevnetError> {
        let program = find_program("hub", "INFRASTRUKT_HUB_BIN")?;
        end_orphan(layout).await?;
        let log = layout.hub_log();
        let output = File::options().create(true).append(true).open(&log).map_err(DevnetError::file(&log))?;
        let errors = output.try_clone().map_err(DevnetError::file(&log))?;
        let child = Command::new(&program)
            .args([Path::new("start"), Path::new("--config"), &layout.hub_config()])
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // A terminal's interrupt goes to the parent alone, which ends its children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(DevnetError::file(&program))?;
        if let Some(pid) = child.id() {
            fs::write(layout.hub_pid(), pid.to_string()).map_err(DevnetError::file(layout.hub_pid()))?;
        }
        let mut hub = Self { child, pid_file: layout.hub_pid() };
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if !hub.is_running() {
                return Err(DevnetError::HubEnded { log });
            }
            if TcpStream::connect(api).await.is_ok() {
                return Ok(hub);
            }
            sleep(POLL).await;
        }
        Err(DevnetError::HubStart { seconds: START_TIMEOUT.as_secs(), log })
    }

    /// False once the process has ended.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for the process to end by itself.
    pub(super) async fn ended(&mut self) {
        // An error means that there is no such child any more.
        let _ = self.child.wait().await;
    }

    /// Ends the hub and waits for it.
    pub(super) async fn stop(mut self) {
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
