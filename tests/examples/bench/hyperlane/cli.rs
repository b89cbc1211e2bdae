//! Hyperlane's command line on a registry of its own: no name in it is looked up anywhere else.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::install::Tool;
use crate::wait::{Patience, until};

/// About thirty contracts, each of which waits for its block.
const DEPLOY_MAX: Duration = Duration::from_secs(900);
const START: Patience = Patience::seconds(120);
/// What the relayer logs once it listens.
const STARTED: &str = "Starting relayer";
/// Bytes at the end of a log that a failure shows.
const TAIL_BYTES: usize = 2_000;

/// The command line with a registry, one key and logs in a folder.
pub(super) struct Cli<'a> {
    tool: &'a Tool,
    dir: &'a Path,
    key: PrivateKeySigner,
}

/// Where a message enters and leaves a chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contracts {
    pub(super) mailbox: Address,
    pub(super) recipient: Address,
}

impl<'a> Cli<'a> {
    pub(super) fn new(tool: &'a Tool, dir: &'a Path, key: PrivateKeySigner) -> Self {
        Self { tool, dir, key }
    }

    fn registry(&self) -> PathBuf {
        self.dir.join("registry")
    }

    fn chain_dir(&self, name: &str) -> PathBuf {
        self.registry().join("chains").join(name)
    }

    /// Makes a chain known. JSON is YAML, which the registry consists of.
    pub(super) fn register(&self, name: &str, chain_id: u64, url: &str, block_time_s: f64) -> Result<()> {
        let metadata = json!({
            "name": name, "displayName": name, "chainId": chain_id, "domainId": chain_id, "protocol": "ethereum",
            "isTestnet": true, "rpcUrls": [{ "http": url }],
            "nativeToken": { "name": "Coin", "symbol": "COIN", "decimals": 18 },
            "blocks": { "confirmations": 1, "reorgPeriod": 0, "estimateBlockTime": block_time_s },
        });
        fs::create_dir_all(self.chain_dir(name))?;
        Ok(fs::write(self.chain_dir(name).join("metadata.yaml"), metadata.to_string())?)
    }

    /// Deploys Hyperlane's core contracts as `hyperlane core init` sets them up: messages are believed when the named
    /// relayer delivers them, without signatures, and fees are zero.
    pub(super) async fn deploy(&self, name: &str) -> Result<Contracts> {
        let owner = self.key.address();
        let config = json!({
            "owner": owner,
            "defaultIsm": { "type": "trustedRelayerIsm", "relayer": owner },
            "defaultHook": { "type": "merkleTreeHook" },
            "requiredHook": {
                "type": "protocolFee", "maxProtocolFee": "100000000000000000", "protocolFee": "0",
                "beneficiary": owner, "owner": owner,
            },
            "proxyAdmin": { "owner": owner },
            "deployQuotedCalls": false,
        });
        let path = self.dir.join(format!("{name}-core.json"));
        fs::write(&path, config.to_string())?;
        let log = self.dir.join(format!("{name}-deploy.log"));
        let mut command = self.command(&log)?;
        command.args(["core", "deploy", "--chain", name, "--config"]).arg(&path);
        let mut child = self.common(&mut command).spawn().context("Hyperlane's command line does not run")?;
        let ended = timeout(DEPLOY_MAX, child.wait()).await;
        let status =
            ended.with_context(|| format!("no deployment within {} s: {}", DEPLOY_MAX.as_secs(), tail(&log)))??;
        ensure!(status.success(), "Hyperlane's deployment on {name} ended with {status}: {}", tail(&log));
        self.contracts(name)
    }

    /// What the command line wrote into its registry.
    fn contracts(&self, name: &str) -> Result<Contracts> {
        let path = self.chain_dir(name).join("addresses.yaml");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let address = |wanted: &str| -> Result<Address> {
            let line = text.lines().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':'));
            let value = line.with_context(|| format!("{} lacks {wanted}", path.display()))?;
            Ok(value.trim().trim_matches(['"', '\'']).parse()?)
        };
        Ok(Contracts { mailbox: address("mailbox")?, recipient: address("testRecipient")? })
    }

    /// Starts the relayer between the chains and waits until it says that it has started.
    pub(super) async fn relayer(&self, chains: [&str; 2]) -> Result<Child> {
        let log = self.dir.join("relayer.log");
        let mut command = self.command(&log)?;
        command.args(["relayer", "--cache"]).arg(self.dir.join("relayer-cache.json")).arg("--chains").args(chains);
        let child = self.common(&mut command).spawn().context("Hyperlane's relayer does not run")?;
        let started = until("Hyperlane's relayer starts", START, || async {
            Ok(fs::read_to_string(&log)?.contains(STARTED).then_some(()))
        });
        started.await.with_context(|| tail(&log))?;
        Ok(child)
    }

    fn command(&self, log: &Path) -> Result<Command> {
        let output = File::create(log)?;
        let mut command = Command::new(&self.tool.node);
        command.arg(&self.tool.cli).current_dir(self.dir).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // Its home is searched for a registry; the key is one that everybody has.
        command.env("HOME", self.dir).env("HYPERLANE_SKIP_VERSION_CHECK", "1").env("NO_COLOR", "1");
        command.env("HYP_KEY", self.key.to_bytes().to_string());
        Ok(command)
    }

    fn common<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        command.arg("--registry").arg(self.registry()).arg("--yes")
    }
}

/// The end of a log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut from = text.len().saturating_sub(TAIL_BYTES);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].trim().to_owned()
}
