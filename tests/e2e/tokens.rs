//! The token bridge: locked here and minted there, burned there and released here.

use std::time::Duration;

use alloy::primitives::{Address, U256, utils::parse_ether};
use anyhow::Result;

use super::{
    chain::Chain,
    devnet::{BSC, Devnet, ETH},
    poll::until,
};

const ARRIVE_MAX: Duration = Duration::from_secs(90);

/// Waits until an account has exactly so much of a token.
pub(crate) async fn arrives(chain: &Chain, account: Address, token: Address, expected: U256) -> Result<()> {
    let what = format!("{account} has {expected} of {token} on {}", chain.name);
    until(&what, ARRIVE_MAX, || async { Ok((chain.tokens_of(account, token).await? == expected).then_some(())) }).await
}

/// Alice moves 12.5 over; a part of it comes back.
pub(crate) async fn there_and_back(devnet: &Devnet) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    let alice = devnet.account("alice")?;
    let (token, bridged) = (eth.token("DEV")?, bsc.token("bDEV")?);
    let (here, there) = (eth.tokens_of(alice, token).await?, bsc.tokens_of(alice, bridged).await?);
    let (over, back) = (parse_ether("12.5")?, parse_ether("2.5")?);

    let args = ["bridge", "--as", "alice", "--from", ETH, "--to", BSC, "--token", "DEV", "--amount", "12.5"];
    devnet.cli.ok(&args).await?;
    arrives(bsc, alice, bridged, there + over).await?;
    arrives(eth, alice, token, here - over).await?;

    let args = ["bridge", "--as", "alice", "--from", BSC, "--to", ETH, "--token", "bDEV", "--amount", "2.5"];
    devnet.cli.ok(&args).await?;
    arrives(eth, alice, token, here - over + back).await?;
    arrives(bsc, alice, bridged, there + over - back).await
}
