//! Solana beside the EVM chains: swaps, deals over all three chains, messages and tokens, both ways.

use std::time::Duration;

use alloy::primitives::{B256, U256, utils::parse_ether};
use anyhow::{Result, ensure};

use super::{
    command::{list, number, text},
    deals::{accept, ended},
    devnet::{BSC, Devnet, ETH},
    messages::{SENDER, message_in},
    people::Person,
    poll::until,
    sheet::Sheet,
    svm::{SOL, Svm, account_bytes},
    swaps::deal_in,
    tokens,
};

const COMMIT_MAX: Duration = Duration::from_secs(120);
/// What the protocol promises for a refund by certificate.
const ABORT_MAX: Duration = Duration::from_secs(180);
const ARRIVE_MAX: Duration = Duration::from_secs(120);
/// Time for two parties to lock while the third one does not.
const LOCK_WITHIN: &str = "30s";
/// Time for all to lock where nobody waits for its end.
const LOCK_WITHIN_LONG: &str = "10m";
/// Most lamports that somebody pays for one thing beside what it moves: fees, and the rent of accounts it opens.
const COSTS_MAX: u64 = SOL / 50;
/// Messages by the EVM chain to Solana.
const MESSAGES: usize = 10;

/// Lamports of an account at the start of a step.
struct Purse<'a> {
    chain: &'a Svm,
    account: &'a str,
    lamports: u64,
}

impl<'a> Purse<'a> {
    async fn of(chain: &'a Svm, account: &'a str) -> Result<Self> {
        Ok(Self { chain, account, lamports: chain.lamports(account).await? })
    }

    /// Fails unless the account has exactly so much more.
    async fn gained(&self, lamports: u64) -> Result<()> {
        let (before, after) = (self.lamports, self.chain.lamports(self.account).await?);
        ensure!(after == before + lamports, "{} has {after} lamports: {before} before, +{lamports}", self.account);
        Ok(())
    }

    /// Fails unless the account has so much less, and what it paid for doing it.
    async fn gave(&self, lamports: u64) -> Result<()> {
        let (before, after) = (self.lamports, self.chain.lamports(self.account).await?);
        let cost = (before - lamports).checked_sub(after);
        ensure!(
            cost.is_some_and(|cost| (1..=COSTS_MAX).contains(&cost)),
            "{} has {after} lamports: {before} before, -{lamports}, and costs up to {COSTS_MAX}",
            self.account
        );
        Ok(())
    }
}

/// Coins of an EVM chain for coins of Solana: both lock, both are paid to the last unit.
pub(crate) async fn swap_commits(devnet: &Devnet, [a, b]: [&Person; 2]) -> Result<()> {
    let (eth, sol) = (devnet.both()?.0, devnet.solana()?);
    let (a_gives, b_gets) = (Sheet::native(eth, a.address).await?, Sheet::native(eth, b.address).await?);
    let (a_gets, b_gives) = (Purse::of(sol, &a.solana).await?, Purse::of(sol, &b.solana).await?);

    let (give, want) = (format!("{ETH}/native:1"), format!("{}/native:2.5", sol.name));
    let args = ["swap", "new", "--as", &a.name, "--with", &b.name, "--give", &give, "--want", &want];
    let new = devnet.cli.ok(&args).await?;
    let deal = text(&new["deal_id"])?;
    ensure!(new["others"] == serde_json::json!([b.solana]), "the others are {}", new["others"]);
    accept(devnet, &deal, &b.name, &want, &give).await?;
    ended(&deal_in(devnet, &deal, "settled", COMMIT_MAX).await?, "commit", &["released"; 2])?;

    let nothing = U256::ZERO;
    a_gives.agrees(nothing, parse_ether("1")?).await?;
    b_gets.agrees(parse_ether("1")?, nothing).await?;
    a_gets.gained(5 * SOL / 2).await?;
    b_gives.gave(5 * SOL / 2).await
}

/// A leg on each of three chains, a token and two coins: all three lock, and each has given and got to the unit.
pub(crate) async fn three_chains_commit(devnet: &Devnet, [a, b, c]: [&Person; 3]) -> Result<()> {
    let ((eth, bsc), sol) = (devnet.both()?, devnet.solana()?);
    let token = eth.token("DEV")?;
    let (a_gives, b_gets) = (Sheet::of(eth, a.address, token).await?, Sheet::of(eth, b.address, token).await?);
    let (b_gives, c_gets) = (Sheet::native(bsc, b.address).await?, Sheet::native(bsc, c.address).await?);
    let (c_gives, a_gets) = (Purse::of(sol, &c.solana).await?, Purse::of(sol, &a.solana).await?);

    let assets = [format!("{ETH}/DEV:3"), format!("{BSC}/native:2"), format!("{}/native:1.5", sol.name)];
    let deal = propose(devnet, a, [a, b, c], &assets, LOCK_WITHIN_LONG).await?;
    let [tokens, there, lamports] = &assets;
    tokio::try_join!(accept(devnet, &deal, &b.name, there, tokens), accept(devnet, &deal, &c.name, lamports, there))?;
    ended(&deal_in(devnet, &deal, "settled", COMMIT_MAX).await?, "commit", &["released"; 3])?;

    let nothing = U256::ZERO;
    a_gives.agrees(nothing, parse_ether("3")?).await?;
    b_gets.agrees(parse_ether("3")?, nothing).await?;
    b_gives.agrees(nothing, parse_ether("2")?).await?;
    c_gets.agrees(parse_ether("2")?, nothing).await?;
    a_gets.gained(3 * SOL / 2).await?;
    c_gives.gave(3 * SOL / 2).await
}

/// The same ring, of which one party never locks: the other two do nothing more and have their money back.
pub(crate) async fn three_chains_abort(devnet: &Devnet, [a, b, c]: [&Person; 3]) -> Result<()> {
    let (eth, sol) = (devnet.both()?.0, devnet.solana()?);
    let coins = Sheet::native(eth, b.address).await?;

    let assets = [format!("{}/native:1.5", sol.name), format!("{ETH}/native:2"), format!("{BSC}/native:1")];
    let deal = propose(devnet, a, [a, b, c], &assets, LOCK_WITHIN).await?;
    let locked = Purse::of(sol, &a.solana).await?;
    let [lamports, here, _] = &assets;
    accept(devnet, &deal, &b.name, here, lamports).await?;
    coins.agrees(U256::ZERO, parse_ether("2")?).await?;

    let shown = deal_in(devnet, &deal, "settled", ABORT_MAX).await?;
    ended(&shown, "abort", &["refunded", "refunded", "waiting"])?;
    locked.gained(3 * SOL / 2).await?;
    coins.agrees(U256::ZERO, U256::ZERO).await
}

/// One locks on Solana; both sign, each as accounts of their own chain do, and the money comes back at once.
pub(crate) async fn called_off(devnet: &Devnet, [a, b]: [&Person; 2]) -> Result<()> {
    let sol = devnet.solana()?;
    let (give, want) = (format!("{}/native:1", sol.name), format!("{ETH}/native:1"));
    let args = ["swap", "new", "--as", &a.name, "--with", &b.name, "--give", &give, "--want", &want];
    let new = devnet.cli.ok(&args).await?;
    let (deal, decide_by) = (text(&new["deal_id"])?, number(&new["deal"]["decide_by"])?);
    let locked = Purse::of(sol, &a.solana).await?;

    let signed = devnet.cli.ok(&["swap", "cancel", &deal, "--as", &a.name]).await?;
    ensure!(signed["state"] == "signed", "one signature of two makes it {}", signed["state"]);
    let signature = text(&signed["signature"])?;
    ensure!(signature.len() == 2 + 2 * 64, "an ed25519 signature has 64 bytes: {signature}");
    let cancelled = devnet.cli.ok(&["swap", "cancel", &deal, "--as", &b.name, "--signature", &signature]).await?;
    ensure!(cancelled["state"] == "cancelled", "both signatures make it {}", cancelled["state"]);

    ended(&deal_in(devnet, &deal, "settled", COMMIT_MAX).await?, "abort", &["refunded", "waiting"])?;
    let now = devnet.both()?.0.now().await?;
    ensure!(now < decide_by, "the money is back at {now}, and decide_by is {decide_by}");
    locked.gained(SOL).await
}

/// Proposes a ring, in which each pays the next, and locks the proposer's leg; returns the deal.
async fn propose(
    devnet: &Devnet,
    who: &Person,
    parties: [&Person; 3],
    assets: &[String; 3],
    within: &str,
) -> Result<String> {
    let leg = |place: usize| {
        let (party, payee) = (&parties[place].name, &parties[(place + 1) % 3].name);
        format!("{party}={}>{payee}", assets[place])
    };
    let [first, second, third] = [leg(0), leg(1), leg(2)];
    let args = ["swap", "new", "--as", &who.name, "--lock-within", within];
    let new = devnet.cli.ok(&[&args[..], &["--leg", &first, "--leg", &second, "--leg", &third]].concat()).await?;
    ensure!(list(&new["locked"])?.len() == 1, "{} locks one leg, not {}", who.name, new["locked"]);
    text(&new["deal_id"])
}

/// Sends a message by the command line and returns its id.
pub(crate) async fn send(devnet: &Devnet, who: &Person, from: &str, to: &str, payload: &str) -> Result<B256> {
    let args = ["send", "--as", &who.name, "--from", from, "--to", to, "--payload", payload];
    Ok(text(&devnet.cli.ok(&args).await?["id"])?.parse()?)
}

/// Every direction: each arrives once, and the hub learns of it.
pub(crate) async fn messages_arrive_both_ways(devnet: &Devnet, [a, b]: [&Person; 2]) -> Result<()> {
    let ((eth, bsc), sol) = (devnet.both()?, devnet.solana()?);
    let recipients = vec![account_bytes(&b.solana)?; MESSAGES];
    let many = eth.send_to(SENDER, wire_id(devnet, &sol.name).await?, &recipients).await?;
    let there = [send(devnet, a, ETH, &sol.name, "0x1234").await?, send(devnet, a, BSC, &sol.name, "0x1234").await?];
    let to_eth = send(devnet, b, &sol.name, ETH, "0x1234").await?;
    let to_bsc = send(devnet, b, &sol.name, BSC, "0x1234").await?;
    sol.receives_once(&[&many[..], &there].concat(), ARRIVE_MAX).await?;
    let (at_eth, at_bsc) = ([to_eth], [to_bsc]);
    tokio::try_join!(eth.receives_once(&at_eth, ARRIVE_MAX), bsc.receives_once(&at_bsc, ARRIVE_MAX))?;
    for id in [there[0], there[1], to_eth, to_bsc] {
        let shown = message_in(devnet, id, "delivered").await?;
        ensure!(shown["message"]["payload"] == "0x1234", "the payload is {}", shown["message"]["payload"]);
    }
    Ok(())
}

/// The id on the wire of a chain that is no EVM chain.
pub(crate) async fn wire_id(devnet: &Devnet, name: &str) -> Result<u64> {
    let chains = devnet.cli.ok(&["chains"]).await?;
    let known = list(&chains)?.iter().find(|chain| chain["id"] == name);
    known.map_or_else(|| Err(anyhow::anyhow!("`chains` lacks {name}")), |chain| number(&chain["wire_id"]))
}

/// Test tokens are locked on the EVM chain and minted on Solana; a part is burned there and released here.
pub(crate) async fn tokens_go_over_and_come_back(devnet: &Devnet, a: &Person) -> Result<()> {
    let (eth, sol) = (devnet.both()?.0, devnet.solana()?);
    let (token, bridged) = (eth.token("DEV")?, sol.token("bDEV")?);
    let decimals = number(&sol.ask("getTokenSupply", serde_json::json!([bridged])).await?["value"]["decimals"])?;
    let half = 10u64.pow(u32::try_from(decimals)?) / 2;
    let (here, there) = (eth.tokens_of(a.address, token).await?, sol.tokens_of(&a.solana, bridged).await?);

    let args = ["bridge", "--as", &a.name, "--from", ETH, "--to", &sol.name, "--token", "DEV", "--amount", "12.5"];
    devnet.cli.ok(&args).await?;
    has(sol, &a.solana, bridged, there + 25 * half).await?;
    tokens::arrives(eth, a.address, token, here - parse_ether("12.5")?).await?;

    let args = ["bridge", "--as", &a.name, "--from", &sol.name, "--to", ETH, "--token", "bDEV", "--amount", "2.5"];
    devnet.cli.ok(&args).await?;
    tokens::arrives(eth, a.address, token, here - parse_ether("10")?).await?;
    has(sol, &a.solana, bridged, there + 20 * half).await
}

async fn has(chain: &Svm, account: &str, token: &str, expected: u64) -> Result<()> {
    let what = format!("{account} has {expected} of {token} on {}", chain.name);
    until(&what, ARRIVE_MAX, || async { Ok((chain.tokens_of(account, token).await? == expected).then_some(())) }).await
}

/// The commands that look show the chain as people write it.
pub(crate) async fn known_everywhere(devnet: &Devnet, a: &Person) -> Result<()> {
    let sol = devnet.solana()?;
    let chains = devnet.cli.ok(&["chains"]).await?;
    let shown = list(&chains)?.iter().find(|chain| chain["id"] == sol.name.as_str());
    ensure!(shown.is_some_and(|chain| chain["hub"] == "served" && chain["error"].is_null()), "`chains`: {chains}");
    let keys = devnet.cli.ok(&["keys", "list"]).await?;
    let own = list(&keys)?.iter().find(|key| key["name"] == a.name);
    ensure!(own.is_some_and(|key| key["accounts"]["solana"] == a.solana.as_str()), "`keys list`: {keys}");
    let doctor = devnet.cli.ok(&["doctor"]).await?;
    let places = list(&doctor["checks"])?.iter().filter(|check| check["place"] == sol.name.as_str());
    let failed: Vec<_> = places.clone().filter(|check| check["status"] == "fail").collect();
    ensure!(places.count() > 0 && failed.is_empty(), "`doctor` on Solana: {failed:?}");
    Ok(())
}
