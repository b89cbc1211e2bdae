//! The programs under test and the tools beside them.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) relayer: PathBuf,
    pub(crate) hub: PathBuf,
    pub(crate) anvil: PathBuf,
    pub(crate) cast: PathBuf,
}

impl Programs {
    /// Finds the binaries of this build, beside the test itself, and the node in the contracts' packages.
    pub(crate) fn find() -> Result<Self> {
        let test = env::current_exe().context("a test knows its own path")?;
        let build = test.parent().and_then(Path::parent).context("tests lie in the build's `deps` folder")?;
        for name in ["relayer", "hub"] {
            let path = build.join(name);
            ensure!(path.is_file(), "{} is not there; build it: `cargo build --workspace --bins`", path.display());
        }
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/node_modules/@foundry-rs");
        let tool = |name: &str| {
            let path = tools.join(format!("{name}-linux-amd64/bin/{name}"));
            ensure!(path.is_file(), "{} is not there; install it: `make setup`", path.display());
            path.canonicalize().with_context(|| path.display().to_string())
        };
        let anvil = env::var_os("INFRASTRUKT_ANVIL").map_or_else(|| tool("anvil"), |path| Ok(PathBuf::from(path)))?;
        Ok(Self { relayer: build.join("relayer"), hub: build.join("hub"), anvil, cast: tool("cast")? })
    }
}
