//! A Solana node seen through plain JSON-RPC: neither code of the product nor Solana's own clients take part.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alloy::{primitives::B256, transports::http::reqwest};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    command::{list, number, text},
    poll::until,
};

/// What an event of an Anchor program begins with, and then what this one does: the first bytes of the SHA-256 of
/// `event:Delivered`. The message's id follows.
const DELIVERED: [u8; 16] =
    [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d, 0x94, 0xb2, 0x3c, 0xfa, 0x57, 0x31, 0x95, 0x41];
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Where the current epoch stands in the account of the program's settings: behind the discriminator, the hub's id, the
/// chain's, three owners and three times.
const EPOCH_AT: usize = 8 + 32 + 8 + 3 * 32 + 3 * 8;
/// Signatures that one answer lists at most, by the node's own rule.
const PAGE: usize = 1_000;
/// Pages that are read at most.
const PAGES_MAX: usize = 20;
const ANSWER_MAX: Duration = Duration::from_secs(20);
const INCLUDED_MAX: Duration = Duration::from_secs(30);
/// Lamports of a coin.
pub(crate) const SOL: u64 = 1_000_000_000;

/// The Solana chain of the devnet.
#[derive(Clone)]
pub(crate) struct Svm {
    pub(crate) name: String,
    pub(crate) rpc: String,
    client: reqwest::Client,
    program: String,
    /// The program's settings, which stand for its verifier.
    settings: String,
    tokens: BTreeMap<String, String>,
    /// Messages delivered by each transaction that was looked at.
    seen: Arc<Mutex<BTreeMap<String, Vec<B256>>>>,
}

impl Svm {
    /// The chain that an entry of devnet.json describes.
    pub(crate) fn connect(entry: &Value) -> Result<Self> {
        Ok(Self {
            name: text(&entry["id"])?,
            rpc: text(&entry["rpc"])?,
            client: reqwest::Client::builder().timeout(ANSWER_MAX).build()?,
            program: text(&entry["contracts"]["gateway"])?,
            settings: text(&entry["contracts"]["verifier"])?,
            tokens: serde_json::from_value(entry["tokens"].clone()).context("tokens in devnet.json")?,
            seen: Arc::default(),
        })
    }

    /// Any method of the node.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = self.client.post(&self.rpc).header("content-type", "application/json").body(request.to_string());
        let answer: Value = serde_json::from_str(&sent.send().await?.text().await?)?;
        match answer.get("error") {
            None => Ok(answer["result"].clone()),
            Some(error) => bail!("{method} on {}: {error}", self.name),
        }
    }

    pub(crate) fn token(&self, symbol: &str) -> Result<&str> {
        self.tokens.get(symbol).map(String::as_str).with_context(|| format!("devnet.json lacks {symbol} of Solana"))
    }

    /// Native balance.
    pub(crate) async fn lamports(&self, account: &str) -> Result<u64> {
        number(&self.ask("getBalance", json!([account, { "commitment": "confirmed" }])).await?["value"])
    }

    /// Token balance, in the token's smallest unit.
    pub(crate) async fn tokens_of(&self, owner: &str, mint: &str) -> Result<u64> {
        let settings = json!({ "encoding": "jsonParsed", "commitment": "confirmed" });
        let answer = self.ask("getTokenAccountsByOwner", json!([owner, { "mint": mint }, settings])).await?;
        let mut sum = 0;
        for account in list(&answer["value"])? {
            let units = text(&account["account"]["data"]["parsed"]["info"]["tokenAmount"]["amount"])?;
            sum += units.parse::<u64>()?;
        }
        Ok(sum)
    }

    /// Gives an account coins that the node makes.
    pub(crate) async fn airdrop(&self, account: &str, lamports: u64) -> Result<()> {
        let before = self.lamports(account).await?;
        self.ask("requestAirdrop", json!([account, lamports])).await?;
        let what = format!("{account} gets {lamports} lamports");
        until(&what, INCLUDED_MAX, || async { Ok((self.lamports(account).await? == before + lamports).then_some(())) })
            .await
    }

    /// The epoch that the program is in, as its settings have it.
    pub(crate) async fn epoch(&self) -> Result<u64> {
        let slice = json!({ "offset": EPOCH_AT, "length": 8 });
        let settings = json!({ "encoding": "base58", "commitment": "confirmed", "dataSlice": slice });
        let answer = self.ask("getAccountInfo", json!([self.settings, settings])).await?;
        let bytes = base58(&text(&answer["value"]["data"][0])?)?;
        Ok(u64::from_le_bytes(bytes.as_slice().try_into().context("an epoch has eight bytes")?))
    }

    /// The newest slot.
    pub(crate) async fn slot(&self) -> Result<u64> {
        number(&self.ask("getSlot", json!([{ "commitment": "processed" }])).await?)
    }

    async fn transaction(&self, tx: &str) -> Result<Value> {
        let settings = json!({ "encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
        until(&format!("transaction {tx} is in a block"), INCLUDED_MAX, || async {
            let found = self.ask("getTransaction", json!([tx, settings])).await?;
            Ok((!found.is_null()).then_some(found))
        })
        .await
    }

    /// How often each message was delivered here, from all transactions of the gateway program.
    pub(crate) async fn deliveries(&self) -> Result<BTreeMap<B256, usize>> {
        let mut counts = BTreeMap::new();
        for tx in self.transactions().await? {
            let known = self.seen.lock().await.get(&tx).cloned();
            let ids = match known {
                Some(ids) => ids,
                None => {
                    let ids = delivered(&self.transaction(&tx).await?)?;
                    self.seen.lock().await.insert(tx, ids.clone());
                    ids
                }
            };
            for id in ids {
                *counts.entry(id).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// Transactions that executed and named the gateway program, each once.
    async fn transactions(&self) -> Result<Vec<String>> {
        let mut found: Vec<String> = Vec::new();
        let mut before: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut settings = json!({ "limit": PAGE, "commitment": "confirmed" });
            if let Some(before) = &before {
                settings["before"] = json!(before);
            }
            let answer = self.ask("getSignaturesForAddress", json!([self.program, settings])).await?;
            let page = list(&answer)?;
            for entry in page.iter().filter(|entry| entry["err"].is_null()) {
                let tx = text(&entry["signature"])?;
                if !found.contains(&tx) {
                    found.push(tx);
                }
            }
            if page.len() < PAGE {
                return Ok(found);
            }
            before = page.last().map(|entry| text(&entry["signature"])).transpose()?;
        }
        bail!("more than {PAGES_MAX} pages of transactions")
    }

    /// Waits until every message was delivered here, then checks that none was twice.
    pub(crate) async fn receives_once(&self, ids: &[B256], within: Duration) -> Result<()> {
        let what = format!("{} messages are delivered on {}", ids.len(), self.name);
        until(&what, within, || async {
            let deliveries = self.deliveries().await?;
            Ok(ids.iter().all(|id| deliveries.contains_key(id)).then_some(()))
        })
        .await?;
        let deliveries = self.deliveries().await?;
        for id in ids {
            let count = deliveries.get(id);
            ensure!(count == Some(&1), "message {id} was delivered {count:?} times on {}", self.name);
        }
        Ok(())
    }
}

/// Messages that the events of a transaction name as delivered.
fn delivered(transaction: &Value) -> Result<Vec<B256>> {
    let mut ids = Vec::new();
    let inner = &transaction["meta"]["innerInstructions"];
    for group in inner.as_array().into_iter().flatten() {
        for instruction in list(&group["instructions"])? {
            let data = base58(&text(&instruction["data"])?)?;
            if let Some(id) = data.strip_prefix(&DELIVERED[..]).and_then(|rest| rest.get(..32)) {
                ids.push(B256::from_slice(id));
            }
        }
    }
    Ok(ids)
}

/// The 32 bytes of an account.
pub(crate) fn account_bytes(account: &str) -> Result<B256> {
    let bytes = base58(account)?;
    ensure!(bytes.len() == 32, "{account} has {} bytes", bytes.len());
    Ok(B256::from_slice(&bytes))
}

/// Decodes base58: leading ones are zero bytes, the rest is a number.
fn base58(text: &str) -> Result<Vec<u8>> {
    let mut number: Vec<u8> = Vec::new();
    for letter in text.bytes() {
        let digit = BASE58.iter().position(|known| *known == letter).context("no letter of base58")?;
        let mut carry = u32::try_from(digit)?;
        for byte in &mut number {
            carry += u32::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        while carry > 0 {
            number.push(carry.to_le_bytes()[0]);
            carry >>= 8;
        }
    }
    let zeros = text.bytes().take_while(|letter| *letter == b'1').count();
    number.extend(std::iter::repeat_n(0, zeros));
    number.reverse();
    Ok(number)
}

#[test]
fn base58_is_read_as_others_write_it() {
    assert_eq!(base58("11").expect("decodes"), [0, 0]);
    assert_eq!(base58("StV1DL6CwTryKyV").expect("decodes"), b"hello world");
    assert!(account_bytes("4Kpiu7PNcHtFEpgAu5tkqsPB7whtMAsDbN9m1jUPR3tQ").is_ok());
    assert!(base58("0").is_err());
}
