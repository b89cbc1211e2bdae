//! Commands and deals whose terms are wrong. Each refusal has its exit code and says what to do.

use alloy::primitives::{Address, B256, U256, utils::parse_ether};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    bytecode::{Dishonesty, creation, token},
    command::{Kind, number, says, text},
    devnet::{BSC, Devnet, ETH},
    messages::SENDER,
};

/// `ErrorCode::Refused` of the hub's interface.
const HUB_REFUSED: i64 = -32_001;
/// More than any target allows.
const PAYLOAD_BYTES: usize = 12_000;

pub(crate) async fn refused(devnet: &Devnet) -> Result<()> {
    let huge = format!("0x{}", "00".repeat(PAYLOAD_BYTES));
    let unknown_deal = B256::repeat_byte(7).to_string();
    let swap = ["swap", "new", "--as", "alice", "--with"];
    let send = ["send", "--as", "alice", "--from", ETH, "--to"];
    let bridge = ["bridge", "--as", "alice", "--from", ETH, "--to", BSC, "--token"];
    let (eth_1, bsc_1) = ("eip155:31337/native:1", "eip155:56/native:1");
    let cases: [(Vec<&str>, Kind, &[&str]); 13] = [
        ([&send[..], &["eip155:999", "--payload", "0x01"]].concat(), Kind::NotFound, &["eip155:999", BSC]),
        ([&swap[..], &["bob", "--give", "eip155:999/native:1", "--want", bsc_1]].concat(), Kind::NotFound, &[BSC]),
        (
            [&swap[..], &["mallory", "--give", eth_1, "--want", bsc_1]].concat(),
            Kind::NotFound,
            &["mallory", "[accounts]"],
        ),
        ([&swap[..], &["bob", "--give", "eip155:31337/GOLD:1", "--want", bsc_1]].concat(), Kind::NotFound, &["GOLD"]),
        (
            [&swap[..], &["bob", "--give", "eip155:31337/native:999999999", "--want", bsc_1]].concat(),
            Kind::Refused,
            &["999999999", "fund the account"],
        ),
        ([&swap[..], &["bob", "--give", eth_1, "--want", bsc_1, "--tip", "1"]].concat(), Kind::Refused, &["tip"]),
        ([&swap[..], &["bob", "--give", "1", "--want", bsc_1]].concat(), Kind::Usage, &["asset"]),
        (vec!["swap", "accept", &unknown_deal, "--as", "bob", "--yes"], Kind::NotFound, &["check the id"]),
        (vec!["messages", "show", &unknown_deal], Kind::NotFound, &["check the id"]),
        ([&send[..], &[BSC, "--payload", &huge]].concat(), Kind::Reverted, &["PayloadTooLarge", "allows"]),
        (
            [&send[..], &[BSC, "--payload", "0x02", "--gas-limit", "50000000"]].concat(),
            Kind::Reverted,
            &["GasLimitTooHigh", "allows"],
        ),
        ([&bridge[..], &["DEV", "--amount", "999999999"]].concat(), Kind::Refused, &["999999999", "fund the account"]),
        ([&bridge[..], &["DEV", "--amount", "0.0000000001"]].concat(), Kind::Reverted, &["Dust", "multiple"]),
    ];
    for (args, kind, words) in cases {
        let said = devnet.cli.refused(&args, kind).await?;
        says(&said, words)
            .with_context(|| format!("`relayer {}`", args.iter().take(12).copied().collect::<Vec<_>>().join(" ")))?;
    }
    Ok(())
}

/// Tokens that do not keep what a transfer promises cannot be locked, and the depositor keeps them.
pub(crate) async fn dishonest_tokens(devnet: &Devnet) -> Result<()> {
    for (dishonesty, words) in [
        (Dishonesty::Charges, ["TransferMismatch", "charge"]),
        (Dishonesty::ReturnsFalse, ["TransferFailed", "allowance"]),
    ] {
        let eth = devnet.chain(ETH)?;
        let alice = devnet.account("alice")?;
        let address = eth.deploy(SENDER, creation(&token(dishonesty))).await?;
        let amount = B256::from(parse_ether("100")?);
        eth.ask::<Value>("anvil_setStorageAt", json!([address, slot(alice), amount])).await?;
        ensure!(eth.tokens_of(alice, address).await? == parse_ether("100")?, "the token keeps no balances");

        let (give, want) = (format!("{ETH}/{address}:5"), format!("{BSC}/native:1"));
        let args = ["swap", "new", "--as", "alice", "--with", "bob", "--give", &give, "--want", &want];
        let said = devnet.cli.refused(&args, Kind::Reverted).await?;
        says(&said, &words).with_context(|| format!("a token that {dishonesty:?}"))?;
        ensure!(eth.tokens_of(alice, address).await? == parse_ether("100")?, "a refused lock cost tokens");
    }
    Ok(())
}

fn slot(account: Address) -> U256 {
    account.into_word().into()
}

/// The hub computes deadlines that hold, and registers no deal whose deadlines do not.
pub(crate) async fn deadline_rule(devnet: &Devnet) -> Result<()> {
    let (give, want) = (format!("{ETH}/native:1"), format!("{BSC}/native:1"));
    let quote =
        devnet.cli.ok(&["swap", "quote", "--as", "alice", "--with", "bob", "--give", &give, "--want", &want]).await?;
    let deal = &quote["deal"];
    let (lock_by, decide_by) = (number(&deal["lock_by"])?, number(&deal["decide_by"])?);
    let sign_by = number(&deal["sign_by"])?;
    let cases: [(&str, Value, &str); 8] = [
        ("/decide_by", json!(lock_by), "no time to prove"),
        ("/sign_by", json!(decide_by), "no time to certify"),
        ("/legs/0/escape_at", json!(sign_by), "too early"),
        ("/legs/1/escape_window", json!(1), "too short"),
        ("/lock_by", json!(1), "new quote"),
        ("/lock_by", json!(lock_by + 1_000_000), "shorter"),
        ("/legs/0/chain", json!(999), "not registered"),
        ("/legs/1/escrow", json!(B256::with_last_byte(9)), "escrow"),
    ];
    for (pointer, value, word) in cases {
        let mut broken = deal.clone();
        *broken.pointer_mut(pointer).with_context(|| format!("a deal has {pointer}"))? = value;
        let answer = devnet.hub_raw("hub_registerDeal", json!([broken])).await?;
        let error = answer.get("error").with_context(|| format!("a deal with another {pointer} was registered"))?;
        ensure!(error["code"] == HUB_REFUSED, "{pointer}: another code than {HUB_REFUSED}: {error}");
        says(&text(&error["message"])?, &[word]).with_context(|| pointer.to_owned())?;
    }
    // Nothing but the changes was wrong.
    devnet.hub("hub_registerDeal", json!([deal])).await?;
    devnet.hub("hub_registerDeal", json!([deal])).await.map(drop)
}
