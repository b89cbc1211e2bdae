//! Deals of three parties over two chains, and a deal that its parties call off.

use std::time::Duration;

use alloy::primitives::{U256, utils::parse_ether};
use anyhow::{Result, ensure};
use serde_json::Value;

use super::{
    command::{list, number, text},
    devnet::{BSC, Devnet, ETH},
    people::Person,
    sheet::Sheet,
    swaps::deal_in,
};

const COMMIT_MAX: Duration = Duration::from_secs(90);
/// What the protocol promises for a refund by certificate.
const ABORT_MAX: Duration = Duration::from_secs(180);
/// A deal that is called off does not wait for its deadlines.
const CANCEL_MAX: Duration = Duration::from_secs(90);
/// Seconds before `decide_by` at which the money of a deal that was called off is back at the latest.
const CANCEL_MARGIN_S: u64 = 300;
/// Time for two parties to lock while the third one does not.
const LOCK_WITHIN: &str = "25s";

/// Test tokens of the first leg, coins of the second and of the third.
const AMOUNTS: [&str; 3] = ["3", "2", "1"];

/// What the legs lock, in order: a token, a coin of the other chain, a coin of the first.
fn assets() -> [String; 3] {
    let [tokens, there, here] = AMOUNTS;
    [format!("{ETH}/DEV:{tokens}"), format!("{BSC}/native:{there}"), format!("{ETH}/native:{here}")]
}

/// A ring: each pays the next.
fn ring(parties: [&str; 3]) -> [String; 3] {
    let [a, b, c] = parties;
    let [first, second, third] = assets();
    [format!("{a}={first}>{b}"), format!("{b}={second}>{c}"), format!("{c}={third}>{a}")]
}

fn units() -> Result<[U256; 3]> {
    let [a, b, c] = AMOUNTS;
    Ok([parse_ether(a)?, parse_ether(b)?, parse_ether(c)?])
}

/// Proposes the ring and locks the proposer's leg; returns the deal.
async fn propose(devnet: &Devnet, who: &str, parties: [&str; 3], within: &str) -> Result<String> {
    let [first, second, third] = ring(parties);
    let legs = ["--leg", &first, "--leg", &second, "--leg", &third];
    let new = devnet.cli.ok(&[&["swap", "new", "--as", who, "--lock-within", within][..], &legs].concat()).await?;
    ensure!(list(&new["locked"])?.len() == 1, "{who} locks one leg, not {}", new["locked"]);
    text(&new["deal_id"])
}

/// Locks the one leg of a party that expects to give and get exactly this.
pub(crate) async fn accept(devnet: &Devnet, deal: &str, who: &str, give: &str, want: &str) -> Result<()> {
    let args = ["swap", "accept", deal, "--as", who, "--give", give, "--want", want, "--yes"];
    let accepted = devnet.cli.ok(&args).await?;
    ensure!(list(&accepted["locked"])?.len() == 1, "{who} locks one leg, not {}", accepted["locked"]);
    Ok(())
}

pub(crate) fn ended(shown: &Value, decision: &str, legs: &[&str]) -> Result<()> {
    ensure!(shown["decision"] == decision, "the decision is {}", shown["decision"]);
    let states: Vec<&Value> = list(&shown["legs"])?.iter().map(|leg| &leg["state"]).collect();
    ensure!(states == legs, "legs are {states:?}, not {legs:?}");
    Ok(())
}

/// All three lock, and each has given and got to the unit.
pub(crate) async fn three_commit(devnet: &Devnet, people: [&Person; 3]) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    let token = eth.token("DEV")?;
    let [a, b, c] = people;
    let a_gives = Sheet::of(eth, a.address, token).await?;
    let a_gets = Sheet::native(eth, a.address).await?;
    let b_gives = Sheet::native(bsc, b.address).await?;
    let b_gets = Sheet::of(eth, b.address, token).await?;
    let c_gives = Sheet::native(eth, c.address).await?;
    let c_gets = Sheet::native(bsc, c.address).await?;

    let [tokens, there, here] = assets();
    let deal = propose(devnet, &a.name, [&a.name, &b.name, &c.name], "10m").await?;
    tokio::try_join!(accept(devnet, &deal, &b.name, &there, &tokens), accept(devnet, &deal, &c.name, &here, &there))?;
    ended(&deal_in(devnet, &deal, "settled", COMMIT_MAX).await?, "commit", &["released"; 3])?;

    let (nothing, [tokens, there, here]) = (U256::ZERO, units()?);
    a_gives.agrees(nothing, tokens).await?;
    b_gets.agrees(tokens, nothing).await?;
    b_gives.agrees(nothing, there).await?;
    c_gets.agrees(there, nothing).await?;
    c_gives.agrees(nothing, here).await?;
    a_gets.agrees(here, nothing).await
}

/// Two of three lock; the third never does, and both have their money back without doing anything.
pub(crate) async fn three_abort(devnet: &Devnet, people: [&Person; 2]) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    let [a, b] = people;
    let tokens = Sheet::of(eth, a.address, eth.token("DEV")?).await?;
    let coins_here = Sheet::native(eth, a.address).await?;
    let coins_there = Sheet::native(bsc, b.address).await?;

    // The one whose lock is a single transaction goes first, so that the time for locking is enough for both.
    let [give, _, want] = assets();
    let deal = propose(devnet, &b.name, [&a.name, &b.name, "bob"], LOCK_WITHIN).await?;
    accept(devnet, &deal, &a.name, &give, &want).await?;
    tokens.agrees(U256::ZERO, units()?[0]).await?;
    coins_there.agrees(U256::ZERO, units()?[1]).await?;

    let shown = deal_in(devnet, &deal, "settled", ABORT_MAX).await?;
    ended(&shown, "abort", &["refunded", "refunded", "waiting"])?;
    for sheet in [tokens, coins_here, coins_there] {
        sheet.agrees(U256::ZERO, U256::ZERO).await?;
    }
    Ok(())
}

/// One locks, both sign that they want it no more: the money comes back long before any deadline.
pub(crate) async fn called_off(devnet: &Devnet, people: [&Person; 2]) -> Result<()> {
    let bsc = devnet.chain(BSC)?;
    let [a, b] = people;
    let coins = Sheet::native(bsc, a.address).await?;
    let (give, want) = (format!("{BSC}/native:4"), format!("{ETH}/native:1"));
    let args = ["swap", "new", "--as", &a.name, "--with", &b.name, "--give", &give, "--want", &want];
    let new = devnet.cli.ok(&args).await?;
    let (deal, decide_by) = (text(&new["deal_id"])?, number(&new["deal"]["decide_by"])?);
    coins.agrees(U256::ZERO, parse_ether("4")?).await?;

    let signed = devnet.cli.ok(&["swap", "cancel", &deal, "--as", &a.name]).await?;
    ensure!(signed["state"] == "signed", "one signature of two makes it {}", signed["state"]);
    ensure!(list(&signed["missing"])?.len() == 1, "missing are {}", signed["missing"]);
    let signature = text(&signed["signature"])?;
    let shown = devnet.cli.ok(&["deals", "show", &deal]).await?;
    ensure!(shown["decision"].is_null(), "one party alone decided {}", shown["decision"]);
    let cancelled = devnet.cli.ok(&["swap", "cancel", &deal, "--as", &b.name, "--signature", &signature]).await?;
    ensure!(cancelled["state"] == "cancelled", "both signatures make it {}", cancelled["state"]);

    ended(&deal_in(devnet, &deal, "settled", CANCEL_MAX).await?, "abort", &["refunded", "waiting"])?;
    let now = bsc.now().await?;
    ensure!(now + CANCEL_MARGIN_S < decide_by, "the money is back at {now}, and decide_by is {decide_by}");
    coins.agrees(U256::ZERO, U256::ZERO).await
}
