//! Configurations that are wrong in their text, or that name the wrong place.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    command::{Kind, list, number, says, text},
    devnet::{BSC, Devnet, ETH},
};

/// The devnet's own configuration with one change.
struct Broken {
    file: PathBuf,
    /// Line of the change, from 1.
    line: usize,
}

impl Broken {
    /// Replaces `old` by `new`; the last line of `new` is the wrong one.
    fn new(devnet: &Devnet, name: &str, old: &str, new: &str) -> Result<Self> {
        let text = fs::read_to_string(devnet.dir().join("config.toml"))?;
        let start = text.find(old).with_context(|| format!("config.toml has no `{old}`"))?;
        let line = text[..start].matches('\n').count() + 1 + new.trim_end().matches('\n').count();
        let file = devnet.dir().join(format!("{name}.toml"));
        fs::write(&file, text.replacen(old, new, 1))?;
        Ok(Self { file, line })
    }

    fn path(&self) -> Result<&str> {
        self.file.to_str().context("temporary paths are plain text")
    }
}

/// Every mistake is named with its line, by `config validate` and by `start` alike.
pub(crate) async fn refused_with_the_line(devnet: &Devnet) -> Result<()> {
    let cases = [
        ("unknown-key", "[relayer]\n", "[relayer]\nfrobnicate = 1\n", "frobnicate"),
        ("wrong-type", "[relayer]\n", "[relayer]\nbatch_max = \"ten\"\n", "ten"),
        ("zero", "[relayer]\n", "[relayer]\nbatch_max = 0\n", "batch_max"),
        ("unknown-section", "[relayer]\n", "[relayers]\n", "relayers"),
        ("syntax", "[relayer]\n", "[relayer\n", ""),
    ];
    for (name, old, new, word) in cases {
        let broken = Broken::new(devnet, name, old, new)?;
        one_case(devnet, &broken, word).await.with_context(|| format!("case {name}"))?;
    }
    let missing = devnet.dir().join("no-such.toml");
    let missing = missing.to_str().context("temporary paths are plain text")?;
    let said = devnet.cli.refused(&["config", "validate", "--config", missing], Kind::Config).await?;
    says(&said, &["no-such.toml"])?;
    devnet.cli.ok(&["config", "validate"]).await.map(drop)
}

async fn one_case(devnet: &Devnet, broken: &Broken, word: &str) -> Result<()> {
    let path = broken.path()?;
    let said = devnet.cli.refused(&["config", "validate", "--config", path], Kind::Config).await?;
    says(&said, &[word])?;
    for command in [&["config", "validate"][..], &["start"]] {
        let answer = devnet.cli.json(&[command, &["--config", path]].concat()).await?;
        ensure!(answer.code == 3, "`{}` ended with {}", command.join(" "), answer.code);
        let complaints = list(&answer.json["error"]["complaints"])?;
        let first = complaints.first().context("a refused configuration has complaints")?;
        ensure!(number(&first["line"])? == broken.line as u64, "line {} instead of {}", first["line"], broken.line);
        ensure!(!text(&first["remedy"])?.is_empty(), "a complaint says what to do: {first}");
    }
    let people = devnet.cli.text(&["config", "validate", "--config", path]).await?;
    ensure!(people.code == 3, "for people it ended with {}", people.code);
    says(&people.stderr, &[&format!("{path}:{}:", broken.line)])
}

/// A configuration whose file of the second chain has one change.
fn with_chain(devnet: &Devnet, name: &str, old: &str, new: &str) -> Result<String> {
    let chains = devnet.dir().join("chains");
    let chain = fs::read_to_string(chains.join("eip155-56.toml"))?;
    ensure!(chain.contains(old), "the chain's file has no `{old}`");
    fs::write(chains.join(format!("{name}.toml")), chain.replacen(old, new, 1))?;
    let broken = Broken::new(devnet, name, "chains/eip155-56.toml", &format!("chains/{name}.toml"))?;
    broken.path().map(str::to_owned)
}

/// Text that is right in itself, but names another chain, an empty address, or too few endpoints.
pub(crate) async fn wrong_places(devnet: &Devnet) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    let config = with_chain(devnet, "wrong-chain", &bsc.rpc, &eth.rpc)?;
    fails_at(devnet, &config, "31337").await?;
    let args = ["send", "--as", "bob", "--from", BSC, "--to", ETH, "--payload", "0xbad0", "--config", &config];
    let answer = devnet.cli.json(&args).await?;
    ensure!(answer.code != 0, "a message was sent over the wrong chain: {}", answer.json);
    says(&answer.json["error"].to_string(), &["31337", "correct"])?;

    let escrow = bsc.contract("escrow")?.to_string();
    let config = with_chain(devnet, "no-code", &escrow, "0x00000000000000000000000000000000c0ffee01")?;
    fails_at(devnet, &config, "no code").await?;
    let (give, want) = (format!("{ETH}/native:1"), format!("{BSC}/native:1"));
    let swap = ["swap", "new", "--as", "bob", "--with", "alice", "--give", &give, "--want", &want];
    let said = devnet.cli.refused(&[&swap[..], &["--config", &config]].concat(), Kind::Refused).await?;
    says(&said, &["escrow", "do not lock"])?;

    let config = with_chain(devnet, "zero", &escrow, "0x0000000000000000000000000000000000000000")?;
    says(&devnet.cli.refused(&["config", "validate", "--config", &config], Kind::Config).await?, &["zero"])?;
    let testnet = Broken::new(devnet, "lone-endpoint", "environment = \"devnet\"", "environment = \"testnet\"")?;
    let said = devnet.cli.refused(&["config", "validate", "--config", testnet.path()?], Kind::Config).await?;
    says(&said, &["quorum of 1"])
}

/// `doctor` finds it, and says where.
async fn fails_at(devnet: &Devnet, config: &str, word: &str) -> Result<()> {
    let answer = devnet.cli.json(&["doctor", "--config", config]).await?;
    ensure!(answer.code == 6 && answer.json["status"] == "fail", "doctor finds nothing: {}", answer.json);
    let wrong = |check: &&Value| check["status"] == "fail" && check["place"] == BSC;
    let failed: Vec<String> =
        list(&answer.json["checks"])?.iter().filter(wrong).map(|check| check["detail"].to_string()).collect();
    says(&failed.join("\n"), &[word])
}
