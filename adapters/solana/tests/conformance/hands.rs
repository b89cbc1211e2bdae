//! What a person does with keys of their own, without any code of the adapter: sign bytes, send them, look what came of it.

use base64::{Engine, prelude::BASE64_STANDARD};
use infrastrukt_conformance::{Failure, Party};
use infrastrukt_solana::devnet::{dev_key, dev_seed, mint_of, mint_setup};
use serde_json::json;
use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_message::{VersionedMessage, v0};
use solana_pubkey::{Pubkey, pubkey};
use solana_signer::Signer;

use super::{TOKEN, TOKEN_DECIMALS, chain::Chain, chain::DEPLOYER, index};

const SYSTEM: Pubkey = pubkey!("11111111111111111111111111111111");
const TOKEN_PROGRAM: Pubkey = pubkey!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const ASSOCIATED: Pubkey = pubkey!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// What stands for the caller's key in a call.
const PLACEHOLDER: &[u8; 32] = b"INFRASTRUKT: PUT YOUR KEY HERE!!";

/// Units of the test token that every party has.
const UNITS: u64 = 1_000_000_000;

/// Bytes of a message of version 0 before its accounts: version, header, count.
const KEYS_AT: usize = 5;

fn keypair(key: u32) -> Keypair {
    Keypair::new_from_array(dev_seed(key))
}

/// Signs the messages of a call and sends one after the other, each in a block of its own. Each must succeed.
pub(crate) async fn call(chain: &Chain, key: u32, data: &[u8]) -> Result<(), Failure> {
    let mut rest = data;
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (message, tail) = tail.split_at_checked(length).ok_or_else(|| Failure::new("the call is cut short"))?;
        send(chain, key, message.to_vec()).await?;
        rest = tail;
    }
    Ok(())
}

/// Puts key and block hash in, signs, sends, and makes a block.
async fn send(chain: &Chain, key: u32, mut message: Vec<u8>) -> Result<(), Failure> {
    let keypair = keypair(key);
    let own = keypair.pubkey().to_bytes();
    let count = usize::from(message.get(KEYS_AT - 1).copied().unwrap_or(0));
    let hash_at = KEYS_AT + 32 * count;
    for place in message.get_mut(KEYS_AT..hash_at).unwrap_or_default().as_chunks_mut().0 {
        if place == PLACEHOLDER {
            place.copy_from_slice(&own);
        }
    }
    let hash = blockhash(chain).await?.to_bytes();
    let place = message.get_mut(hash_at..hash_at + 32).ok_or_else(|| Failure::new("the message is cut short"))?;
    place.copy_from_slice(&hash);
    let signature = keypair.sign_message(&message);
    let raw = [[1].as_slice(), signature.as_ref(), &message].concat();
    let config = json!({ "encoding": "base64", "preflightCommitment": "confirmed" });
    chain.line().call("sendTransaction", json!([BASE64_STANDARD.encode(raw), config])).await?;
    chain.mine(1).await?;
    let statuses = json!([[signature.to_string()], { "searchTransactionHistory": true }]);
    let status = chain.line().call("getSignatureStatuses", statuses).await?;
    match status["value"][0].get("err") {
        Some(error) if error.is_null() => Ok(()),
        other => Err(Failure::new(format_args!("the call by hand came to {other:?}"))),
    }
}

async fn blockhash(chain: &Chain) -> Result<Hash, Failure> {
    let answer = chain.line().call("getLatestBlockhash", json!([{ "commitment": "confirmed" }])).await?;
    let text = answer["value"]["blockhash"].as_str().unwrap_or_default();
    text.parse().map_err(|_| Failure::new(format_args!("`{text}` is no block hash")))
}

async fn run(chain: &Chain, key: u32, calls: &[Instruction]) -> Result<(), Failure> {
    let payer = keypair(key).pubkey();
    let message = v0::Message::try_compile(&payer, calls, &[], Hash::default()).map_err(Failure::new)?;
    send(chain, key, VersionedMessage::V0(message).serialize()).await
}

/// Makes the test token and gives every party some.
pub(crate) async fn make_token(chain: &Chain) -> Result<(), Failure> {
    let maker = keypair(DEPLOYER).pubkey();
    let rent = chain.line().call("getMinimumBalanceForRentExemption", json!([82])).await?;
    let rent = rent.as_u64().ok_or_else(|| Failure::new("no rent is told"))?;
    run(chain, DEPLOYER, &mint_setup(&maker, TOKEN, (TOKEN_DECIMALS, maker, rent), &[])).await?;
    for party in Party::ALL {
        give(chain, dev_key(index(party)).address(), UNITS).await?;
    }
    Ok(())
}

/// Gives an account lamports, or units of the test token.
pub(crate) async fn fund(chain: &Chain, to: Pubkey, token: Pubkey, units: u64) -> Result<(), Failure> {
    if token != Pubkey::new_from_array([0; 32]) {
        return give(chain, to, units).await;
    }
    let from = keypair(DEPLOYER).pubkey();
    let data = [2u32.to_le_bytes().as_slice(), &units.to_le_bytes()].concat();
    let accounts = vec![AccountMeta::new(from, true), AccountMeta::new(to, false)];
    run(chain, DEPLOYER, &[Instruction { program_id: SYSTEM, accounts, data }]).await
}

/// Hands the party's account of the test token to somebody else (`SetAuthority` of the token program), in the same block
/// as what waits, and before it.
pub(crate) async fn give_account_away(chain: &Chain, key: u32) -> Result<(), Failure> {
    let owner = keypair(key).pubkey();
    let accounts = vec![AccountMeta::new(holding(&owner), false), AccountMeta::new_readonly(owner, true)];
    let data = [[6, 2, 1].as_slice(), &[0xee; 32]].concat();
    run(chain, key, &[Instruction { program_id: TOKEN_PROGRAM, accounts, data }]).await
}

/// Where an account's units of the test token are.
fn holding(owner: &Pubkey) -> Pubkey {
    let mint = mint_of(&keypair(DEPLOYER).pubkey(), TOKEN);
    let seeds = [owner.as_ref(), TOKEN_PROGRAM.as_ref(), mint.as_ref()];
    Pubkey::find_program_address(&seeds, &ASSOCIATED).0
}

/// Mints units of the test token into an account's associated account.
async fn give(chain: &Chain, to: Pubkey, units: u64) -> Result<(), Failure> {
    let maker = keypair(DEPLOYER).pubkey();
    let mint = mint_of(&maker, TOKEN);
    let holding = holding(&to);
    let open = vec![
        AccountMeta::new(maker, true),
        AccountMeta::new(holding, false),
        AccountMeta::new_readonly(to, false),
        AccountMeta::new_readonly(mint, false),
        AccountMeta::new_readonly(SYSTEM, false),
        AccountMeta::new_readonly(TOKEN_PROGRAM, false),
    ];
    let mint_to =
        vec![AccountMeta::new(mint, false), AccountMeta::new(holding, false), AccountMeta::new_readonly(maker, true)];
    let calls = [
        Instruction { program_id: ASSOCIATED, accounts: open, data: vec![1] },
        Instruction {
            program_id: TOKEN_PROGRAM,
            accounts: mint_to,
            data: [[7].as_slice(), &units.to_le_bytes()].concat(),
        },
    ];
    run(chain, DEPLOYER, &calls).await
}
