//! The hub is dead for good, and the relayer with it: whoever locked gets the money back from the chain alone.

use std::time::Duration;

use alloy::primitives::utils::parse_ether;
use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use super::{
    chain::Chain,
    command::{list, number, text},
    devnet::{BSC, Devnet, ETH},
    poll::until,
};

const BLOCK_MAX: Duration = Duration::from_secs(15);

pub(crate) async fn refund(devnet: &mut Devnet) -> Result<()> {
    let alice = devnet.account("alice")?;
    let before = devnet.chain(ETH)?.native(alice).await?;
    let (give, want) = (format!("{ETH}/native:3"), format!("{BSC}/native:1"));
    let args = ["swap", "new", "--as", "alice", "--with", "bob", "--give", &give, "--want", &want];
    let new = devnet.cli.ok(&[&args[..], &["--lock-within", "60s"]].concat()).await?;
    let deal = text(&new["deal_id"])?;
    let mut gas = devnet.chain(ETH)?.gas_paid(&text(&new["locked"][0]["tx"])?).await?;
    let locked = devnet.chain(ETH)?.native(alice).await?;
    ensure!(locked == before - parse_ether("3")? - gas, "alice has {locked} after her lock");
    let shown = devnet.cli.ok(&["deals", "show", &deal]).await?;
    let leg = &shown["legs"][0];
    let (escape_at, window) = (number(&leg["escape_at"])?, number(&leg["escape_window_s"])?);

    let hub = devnet.hub_pid().context("the hub does not run")?;
    devnet.kill_relayer().await?;
    kill(hub, Signal::SIGKILL)?;
    let eth = devnet.chain(ETH)?;
    // Too early is no failure of the deal: the answer names the time.
    let early = devnet.cli.json(&["swap", "refund", &deal, "--as", "alice"]).await?;
    ensure!(early.code == 6 && early.json["error"]["code"] == "unavailable", "too early is {early:?}");

    pass(eth, escape_at).await?;
    let first = step(devnet, &deal, "escape_requested").await?;
    gas += eth.gas_paid(&first).await?;
    pass(eth, eth.now().await? + window).await?;
    let second = step(devnet, &deal, "escaped").await?;
    gas += eth.gas_paid(&second).await?;

    let after = eth.native(alice).await?;
    ensure!(after == before - gas, "alice has {after} of {before}, and paid {gas} for gas");
    let again = devnet.cli.ok(&["swap", "refund", &deal, "--as", "alice"]).await?;
    ensure!(again["done"] == true && again["legs"][0]["step"] == "paid_before", "once more says {again}");
    let status = devnet.cli.ok(&["swap", "status", &deal]).await?;
    ensure!(!status["hub_error"].is_null(), "a dead hub is not mentioned: {status}");
    Ok(())
}

/// One call of the refund command; returns its transaction.
async fn step(devnet: &Devnet, deal: &str, expected: &str) -> Result<String> {
    let answer = devnet.cli.ok(&["swap", "refund", deal, "--as", "alice"]).await?;
    let leg = list(&answer["legs"])?.first().context("alice has a leg")?;
    ensure!(leg["step"] == expected, "the refund is {} and not {expected}", leg["step"]);
    text(&leg["tx"])
}

/// Lets the chain's clock run beyond `time`.
async fn pass(chain: &Chain, time: u64) -> Result<()> {
    let ahead = time.saturating_sub(chain.now().await?) + 2;
    chain.ask::<Value>("evm_increaseTime", json!([ahead])).await?;
    chain.ask::<Value>("evm_mine", json!([])).await?;
    until("the chain's clock has moved", BLOCK_MAX, || async { Ok((chain.now().await? > time).then_some(())) }).await
}
