//! What cannot be delivered in time expires on its target and is given back at its source, once.

use std::time::Duration;

use alloy::{
    primitives::{B256, U256, utils::parse_ether},
    sol,
    sol_types::SolCall,
};
use anyhow::{Result, ensure};

use super::{
    bytecode::{REVERTS, creation},
    chain::{Chain, HANDLER_GAS, quoteCall},
    command::text,
    devnet::{BSC, Devnet, ETH},
    messages::message_in,
    people::Person,
    poll::until,
    sheet::Sheet,
    tokens::arrives,
};

sol! {
    event Expired(bytes32 indexed id, uint64 indexed source, uint64 nonce);
    event Refunded(bytes32 indexed id, uint64 indexed target, uint64 nonce);
    function isConsumed(uint64 source, uint64 nonce) external view returns (bool);
    function isRefunded(uint64 target, uint64 nonce) external view returns (bool);
}

/// Long enough for the source to take it, too short for as many tries as make a dead letter.
const DEADLINE: &str = "8s";
const EXPIRE_MAX: Duration = Duration::from_secs(60);
const REFUND_MAX: Duration = Duration::from_secs(60);
/// Development keys that deploy the recipients, one for each step, since the steps run side by side.
const MESSAGE_KEY: u32 = 4;
const TRANSFER_KEY: u32 = 8;
/// Coins that go over, and the two parts that are sent back in vain.
const COINS: &str = "2";
const OWN: &str = "1.5";
const NAMED: &str = "0.5";

/// A message to a contract that always fails. Its sender has a key and no code, so that nothing comes back but the
/// certainty; the fee was for carrying it and is not given back.
pub(crate) async fn message(devnet: &Devnet, person: &Person) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    let recipient = eth.deploy(MESSAGE_KEY, creation(REVERTS)).await?.to_string();
    let coins = Sheet::native(bsc, person.address).await?;
    let gas = HANDLER_GAS.to_string();
    let args = ["send", "--as", &person.name, "--from", BSC, "--to", ETH, "--payload", "0xdead"];
    let terms = ["--recipient", &recipient, "--gas-limit", &gas, "--deadline", DEADLINE];
    let sent = devnet.cli.ok(&[&args[..], &terms].concat()).await?;
    given_back(devnet, text(&sent["id"])?.parse()?, bsc, eth).await?;

    let query = quoteCall { target: eth.id, gasLimit: HANDLER_GAS, payloadLength: U256::from(2) };
    let quoted = quoteCall::abi_decode_returns(&bsc.call(bsc.contract("gateway")?, &query).await?)?;
    coins.agrees(U256::ZERO, quoted.feeWei).await
}

/// Coins that a contract cannot take: they were burned where they were sent from, and are minted there again, for the
/// sender or for whom the sender named.
pub(crate) async fn transfer(devnet: &Devnet, person: &Person, other: &Person) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    let token = bsc.token("bNAT")?;
    let bridge = ["bridge", "--as", &person.name];
    let over = ["--from", ETH, "--to", BSC, "--token", "native", "--amount", COINS];
    devnet.cli.ok(&[&bridge[..], &over].concat()).await?;
    let refuses = eth.deploy(TRANSFER_KEY, creation(REVERTS)).await?;
    arrives(bsc, person.address, token, parse_ether(COINS)?).await?;
    let locked = eth.native(eth.contract("token_bridge")?).await?;

    let (recipient, named) = (refuses.to_string(), other.address.to_string());
    let back = ["--from", BSC, "--to", ETH, "--token", "bNAT", "--recipient", &recipient, "--deadline", DEADLINE];
    let first = devnet.cli.ok(&[&bridge[..], &["--amount", OWN], &back].concat()).await?;
    let terms = ["--amount", NAMED, "--refund-to", &named];
    let second = devnet.cli.ok(&[&bridge[..], &terms, &back].concat()).await?;
    ensure!(bsc.tokens_of(person.address, token).await?.is_zero(), "the tokens were not taken");
    let (first, second): (B256, B256) = (text(&first["id"])?.parse()?, text(&second["id"])?.parse()?);
    tokio::try_join!(given_back(devnet, first, bsc, eth), given_back(devnet, second, bsc, eth))?;
    for (owner, amount) in [(person, OWN), (other, NAMED)] {
        let has = bsc.tokens_of(owner.address, token).await?;
        ensure!(has == parse_ether(amount)?, "{} has {has} of {amount} coins back", owner.name);
    }
    ensure!(eth.native(refuses).await?.is_zero(), "the recipient was paid as well");
    ensure!(eth.native(eth.contract("token_bridge")?).await? == locked, "what backs the tokens has changed");
    Ok(())
}

/// Waits until the relayer has carried expiry and refund through, and checks both gateways: each happened once, and no
/// delivery did.
async fn given_back(devnet: &Devnet, id: B256, source: &Chain, target: &Chain) -> Result<()> {
    let (here, there) = (source.contract("gateway")?, target.contract("gateway")?);
    until(&format!("message {id} expires on {}", target.name), EXPIRE_MAX, || async {
        Ok(target.events::<Expired>(there).await?.iter().any(|event| event.id == id).then_some(()))
    })
    .await?;
    until(&format!("the hub knows that message {id} expired"), EXPIRE_MAX, || async {
        let shown = devnet.cli.ok(&["messages", "show", &id.to_string()]).await?;
        Ok((shown["state"] == "expired" || shown["state"] == "refunded").then_some(()))
    })
    .await?;
    until(&format!("message {id} is refunded on {}", source.name), REFUND_MAX, || async {
        Ok(source.events::<Refunded>(here).await?.iter().any(|event| event.id == id).then_some(()))
    })
    .await?;
    let shown = message_in(devnet, id, "refunded").await?;
    ensure!(shown["expired_checkpoint"].is_u64(), "its expiry was certified in {}", shown["expired_checkpoint"]);

    let (mut expired, mut refunded) = (target.events::<Expired>(there).await?, source.events::<Refunded>(here).await?);
    expired.retain(|event| event.id == id);
    refunded.retain(|event| event.id == id);
    ensure!(!target.deliveries().await?.contains_key(&id), "message {id} was delivered as well");
    let ([expired], [refunded]) = (&expired[..], &refunded[..]) else {
        anyhow::bail!("message {id} expired {} times and was refunded {} times", expired.len(), refunded.len())
    };
    ensure!(expired.source == source.id && refunded.target == target.id, "the events name other chains");
    let consumed = isConsumedCall { source: source.id, nonce: expired.nonce };
    ensure!(isConsumedCall::abi_decode_returns(&target.call(there, &consumed).await?)?, "it is deliverable still");
    let once = isRefundedCall { target: target.id, nonce: refunded.nonce };
    ensure!(isRefundedCall::abi_decode_returns(&source.call(here, &once).await?)?, "it is refundable still");
    Ok(())
}
