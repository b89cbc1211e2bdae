//! People beside those of the devnet, so that steps that run side by side never share a key or a balance.

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, utils::parse_ether},
    rpc::types::TransactionRequest,
    sol,
    sol_types::SolCall,
};
use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use super::{command::text, devnet::Devnet, svm::SOL};

sol! {
    function transfer(address to, uint256 amount) external returns (bool);
}

/// The development key that deployed the test token and holds what nobody was given.
const TREASURY: u32 = 9;
/// Coins of each chain, and test tokens where they are at home.
const SHARE: &str = "1000";

/// Lamports on Solana.
const SHARE_LAMPORTS: u64 = 100 * SOL;

/// Somebody with a key of their own for each kind of chain.
pub(crate) struct Person {
    pub(crate) name: String,
    /// On EVM chains.
    pub(crate) address: Address,
    /// On Solana.
    pub(crate) solana: String,
}

/// Gives people coins of the Solana chain.
pub(crate) async fn fund_on_solana(devnet: &Devnet, people: &[&Person]) -> Result<()> {
    for person in people {
        devnet.solana()?.airdrop(&person.solana, SHARE_LAMPORTS).await?;
    }
    Ok(())
}

/// Makes keys of these names, and gives each person coins of both chains and test tokens.
pub(crate) async fn make<const N: usize>(devnet: &Devnet, names: [&str; N]) -> Result<[Person; N]> {
    let (eth, bsc) = devnet.both()?;
    let share = parse_ether(SHARE)?;
    let mut people = Vec::with_capacity(N);
    for name in names {
        let made = devnet.cli.ok(&["keys", "new", name]).await.with_context(|| format!("the key of {name}"))?;
        let address: Address = text(&made["account"])?.parse()?;
        for chain in [eth, bsc] {
            chain.ask::<Value>("anvil_setBalance", json!([address, share])).await?;
        }
        people.push(Person { name: name.into(), address, solana: text(&made["accounts"]["solana"])? });
    }
    let token = eth.token("DEV")?;
    let gift = |person: &Person| {
        let call = transferCall { to: person.address, amount: share };
        TransactionRequest::default().with_to(token).with_input(call.abi_encode())
    };
    eth.transact(TREASURY, people.iter().map(gift).collect()).await?;
    people.try_into().map_err(|_| anyhow!("as many people are made as there are names"))
}
