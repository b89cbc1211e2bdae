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
    pub(crate) solana_node: PathBuf,
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
        let solana_node = env::var_os("INFRASTRUKT_SOLANA_NODE").map_or_else(solana_node, |path| Ok(path.into()))?;
        let (relayer, hub, cast) = (build.join("relayer"), build.join("hub"), tool("cast")?);
        Ok(Self { relayer, hub, anvil, cast, solana_node })
    }
}

/// The node of these sources, where this machine keeps it.
fn solana_node() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deployments/devnet/solana-node/path.sh");
    let output = std::process::Command::new("sh").arg(&script).output()?;
    let path = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    ensure!(path.is_file(), "{} is not there; build it: `make solana-node`", path.display());
    path.canonicalize().with_context(|| path.display().to_string())
}
