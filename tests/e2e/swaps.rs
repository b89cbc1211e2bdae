//! Atomic swaps: one that both parties lock, one that only one party locks.

use std::time::Duration;

use alloy::primitives::{Address, U256, utils::parse_ether};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{
    chain::Chain,
    command::{list, text},
    devnet::{BSC, Devnet, ETH},
    poll::until,
};

const COMMIT_MAX: Duration = Duration::from_secs(90);
/// What the protocol promises for a refund by certificate.
const ABORT_MAX: Duration = Duration::from_secs(180);

/// Waits until the hub has a deal in this state, which it keeps, and returns the deal as `deals show` has it.
pub(crate) async fn deal_in(devnet: &Devnet, deal: &str, state: &str, within: Duration) -> Result<Value> {
    until(&format!("deal {deal} is {state}"), within, || async {
        let view = devnet.hub("hub_deal", json!([deal])).await?;
        ensure!(view["state"] != "fault" || state == "fault", "the deal is at fault: {}", view["fault"]);
        Ok((view["state"] == state).then_some(()))
    })
    .await?;
    let shown = devnet.cli.ok(&["deals", "show", deal]).await?;
    ensure!(shown["state"] == state, "the hub has the deal as {state}, `deals show` as {}", shown["state"]);
    Ok(shown)
}

/// The only transaction of a command that locked one leg.
fn lock_tx(answer: &Value) -> Result<String> {
    let locked = list(&answer["locked"])?;
    ensure!(locked.len() == 1, "one leg was to be locked, not {locked:?}");
    text(&locked[0]["tx"])
}

/// Native balances of two people on two chains.
async fn balances(pairs: [(&Chain, Address); 4]) -> Result<[U256; 4]> {
    let [a, b, c, d] = pairs;
    Ok([a.0.native(a.1).await?, b.0.native(b.1).await?, c.0.native(c.1).await?, d.0.native(d.1).await?])
}

/// Both lock, both are paid, to the last unit.
pub(crate) async fn commits(devnet: &Devnet) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    let (alice, bob) = (devnet.account("alice")?, devnet.account("bob")?);
    let places = [(eth, alice), (bsc, alice), (eth, bob), (bsc, bob)];
    let before = balances(places).await?;

    let (give, want) = (format!("{ETH}/native:1"), format!("{BSC}/native:5"));
    let new =
        devnet.cli.ok(&["swap", "new", "--as", "alice", "--with", "bob", "--give", &give, "--want", &want]).await?;
    let deal = text(&new["deal_id"])?;
    let accept =
        devnet.cli.ok(&["swap", "accept", &deal, "--as", "bob", "--give", &want, "--want", &give, "--yes"]).await?;
    let shown = deal_in(devnet, &deal, "settled", COMMIT_MAX).await?;
    ensure!(shown["decision"] == "commit", "the decision is {}", shown["decision"]);
    ensure!(list(&shown["legs"])?.iter().all(|leg| leg["state"] == "released"), "legs are {}", shown["legs"]);

    let (one, five) = (parse_ether("1")?, parse_ether("5")?);
    let alice_gas = eth.gas_paid(&lock_tx(&new)?).await?;
    let bob_gas = bsc.gas_paid(&lock_tx(&accept)?).await?;
    let expected = [before[0] - one - alice_gas, before[1] + five, before[2] + one, before[3] - five - bob_gas];
    let after = balances(places).await?;
    ensure!(after == expected, "balances are {after:?} instead of {expected:?}");
    known_everywhere(devnet, &deal).await
}

/// Every command that tells of deals knows this one.
async fn known_everywhere(devnet: &Devnet, deal: &str) -> Result<()> {
    let listed = devnet.cli.ok(&["deals", "list", "--state", "settled"]).await?;
    ensure!(list(&listed)?.iter().any(|entry| entry["id"] == deal), "`deals list` lacks {deal}");
    let history = devnet.cli.ok(&["swap", "history", "--as", "alice"]).await?;
    ensure!(list(&history)?.iter().any(|entry| entry["deal_id"] == deal), "`swap history` lacks {deal}");
    let status = devnet.cli.ok(&["swap", "status", deal]).await?;
    ensure!(status["is_final"] == true && status["state"] == "settled", "`swap status` says {status}");
    Ok(())
}

/// Carol locks, bob never does: she does nothing more and has her money back.
pub(crate) async fn aborts(devnet: &Devnet) -> Result<()> {
    let bsc = devnet.chain(BSC)?;
    let carol = devnet.account("carol")?;
    let before = bsc.native(carol).await?;
    let (give, want) = (format!("{BSC}/native:2"), format!("{ETH}/native:1"));
    let args = ["swap", "new", "--as", "carol", "--with", "bob", "--give", &give, "--want", &want];
    let new = devnet.cli.ok(&[&args[..], &["--lock-within", "15s"]].concat()).await?;
    let deal = text(&new["deal_id"])?;
    let gas = bsc.gas_paid(&lock_tx(&new)?).await?;
    let locked = bsc.native(carol).await?;
    ensure!(locked == before - parse_ether("2")? - gas, "carol has {locked} after her lock");

    let shown = deal_in(devnet, &deal, "settled", ABORT_MAX).await?;
    ensure!(shown["decision"] == "abort", "the decision is {}", shown["decision"]);
    let states: Vec<&Value> = list(&shown["legs"])?.iter().map(|leg| &leg["state"]).collect();
    ensure!(states[0] == "refunded" && states[1] == "waiting", "legs are {states:?}");
    let after = bsc.native(carol).await?;
    ensure!(after == before - gas, "carol has {after} of {before}, and paid {gas} for gas");
    Ok(())
}
