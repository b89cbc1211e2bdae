//! The programs that are measured, and where what they leave goes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The node: named by the environment, or installed by `make setup`.
pub(crate) fn anvil() -> Result<PathBuf> {
    let installed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    let binary = std::env::var_os("INFRASTRUKT_ANVIL").map_or(installed, PathBuf::from);
    ensure!(binary.is_file(), "{} is not there; install it: `make setup`", binary.display());
    binary.canonicalize().with_context(|| binary.display().to_string())
}

/// `relayer` of this build. It finds `hub` beside itself.
pub(crate) fn relayer() -> Result<PathBuf> {
    // target/PROFILE/examples/bench
    let program = std::env::current_exe().context("a program knows its own path")?;
    let build = program.ancestors().nth(2).context("an example lies in the build's folder")?;
    for name in ["relayer", "hub"] {
        let path = build.join(name);
        ensure!(path.is_file(), "{} is not there; build it: `make bench` does", path.display());
    }
    Ok(build.join("relayer"))
}

/// The target folder, for what outlives a run.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let program = std::env::current_exe().context("a program knows its own path")?;
    Ok(program.ancestors().nth(3).context("an example lies in the target folder")?.to_path_buf())
}
