//! Balances as any client of a node reads them: plain JSON-RPC, and no code of an adapter takes part, so that what the
//! demo shows at its end is not what the product says about itself.

use anyhow::{Context as _, bail};
use infrastrukt_registry::{Kind, devnet::DevNode, show_account};
use infrastrukt_types::{Account, Amount};
use jsonrpsee::{
    core::client::ClientT as _,
    http_client::{HttpClient, HttpClientBuilder},
    rpc_params,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Longest wait for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// First bytes of a call of `balanceOf(address)`.
const BALANCE_OF: &str = "0x70a08231";

/// What an account holds of a token (zero account: native coin), in the smallest unit.
pub(super) async fn balance(node: &DevNode, account: Account, token: Account) -> anyhow::Result<Amount> {
    let client = HttpClientBuilder::default().request_timeout(ANSWER_MAX).build(node.url())?;
    let kind = node.chain.kind;
    let name = |account| show_account(kind, account);
    let held = match (kind, token.is_zero()) {
        (Kind::Evm, true) => quantity(&client.request("eth_getBalance", rpc_params![name(account), "latest"]).await?),
        (Kind::Evm, false) => {
            let data = format!("{BALANCE_OF}{}", account.to_string().trim_start_matches("0x"));
            let call = json!({ "to": name(token), "data": data });
            quantity(&client.request("eth_call", rpc_params![call, "latest"]).await?)
        }
        (Kind::Solana, true) => lamports(&client, &name(account)).await,
        (Kind::Solana, false) => token_units(&client, &name(account), &name(token)).await,
    };
    held.map(Amount).with_context(|| format!("the balance of {} on {}", name(account), node.chain.name))
}

/// An EVM node's number: hexadecimal, as short as it can be or in 32 bytes.
fn quantity(answer: &Value) -> anyhow::Result<u128> {
    let digits = answer.as_str().and_then(|text| text.strip_prefix("0x")).context("no hexadecimal number")?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    u128::from_str_radix(digits, 16).with_context(|| format!("`{answer}` is no amount"))
}

async fn lamports(client: &HttpClient, account: &str) -> anyhow::Result<u128> {
    let answer: Value =
        client.request("getBalance", rpc_params![account, json!({ "commitment": "confirmed" })]).await?;
    answer["value"].as_u64().map(u128::from).context("no number of lamports")
}

/// The sum of all the owner's accounts of a mint: a person has one as a rule.
async fn token_units(client: &HttpClient, owner: &str, mint: &str) -> anyhow::Result<u128> {
    let settings = json!({ "encoding": "jsonParsed", "commitment": "confirmed" });
    let answer: Value =
        client.request("getTokenAccountsByOwner", rpc_params![owner, json!({ "mint": mint }), settings]).await?;
    let Some(accounts) = answer["value"].as_array() else { bail!("no list of token accounts") };
    let mut sum = 0u128;
    for account in accounts {
        let units = &account["account"]["data"]["parsed"]["info"]["tokenAmount"]["amount"];
        let units: u128 = units.as_str().context("no amount of tokens")?.parse()?;
        sum = sum.checked_add(units).context("more tokens than there can be")?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_evm_nodes_are_read_in_both_lengths() {
        let check = |text: &str, expected: Option<u128>| assert_eq!(quantity(&json!(text)).ok(), expected, "{text}");
        check("0x0", Some(0));
        check("0xde0b6b3a7640000", Some(1_000_000_000_000_000_000));
        check("0x0000000000000000000000000000000000000000000000000000000000000064", Some(100));
        check(&format!("0x{}", "f".repeat(64)), None);
        check("100", None);
    }
}
