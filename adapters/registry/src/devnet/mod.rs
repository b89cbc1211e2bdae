//! The chains of the embedded devnet, in words that name none: which there are, how to start them, what stands on them.

mod evm;
mod solana;

use std::{collections::BTreeMap, path::Path};

pub use crate::keys::KeysError;
use infrastrukt_evm::{
    Keystore, KeystoreError, SecretKey,
    devnet::{AnvilError, DeployError, dev_key},
};
use infrastrukt_solana::{
    account,
    devnet::{DeployError as SolanaDeployError, NodeError as SolanaNodeError, dev_key as solana_key},
};
use infrastrukt_types::{Account, B256, Caip2, ChainId, Timestamp, ValidatorSet};

use crate::{Keyring, Kind, Timing, show_account};

/// Which development key deploys; users and the relayer have the ones below it.
const DEPLOYER: u32 = 9;

/// Seconds for which decisions of a retired epoch still count: longer than the longest deal of a devnet.
const GRACE_S: u64 = 7 * 24 * 3_600;

/// What is known of a development chain before it runs.
#[derive(Clone, Debug)]
pub struct DevChain {
    /// Name (CAIP-2).
    pub name: Caip2,
    /// Id on the wire.
    pub id: ChainId,
    /// The notation of its accounts.
    pub kind: Kind,
    /// Its gateway.
    pub gateway: Account,
    /// Its escrow.
    pub escrow: Account,
    /// Its verifier.
    pub verifier: Account,
    /// Its token bridge.
    pub token_bridge: Account,
    /// Bounds of its times.
    pub timing: Timing,
    /// Test tokens by symbol.
    pub tokens: BTreeMap<&'static str, Account>,
    /// A contract that takes any message; none where messages go to people's own accounts.
    pub inbox: Option<Account>,
}

/// A development chain that runs.
#[derive(Debug)]
pub struct DevNode {
    /// What stands on it.
    pub chain: DevChain,
    node: Node,
}

/// The process behind it.
#[derive(Debug)]
enum Node {
    Evm(evm::Running),
    Solana(solana::Running),
}

/// What the contracts are deployed for.
#[derive(Clone, Debug)]
pub struct DevHub {
    /// Identity of the hub.
    pub hub_id: B256,
    /// The first validator set.
    pub validators: ValidatorSet,
    /// When its epoch ends.
    pub epoch_expires_at: Timestamp,
    /// Shortest escape window an escrow takes.
    pub escape_window_min_s: u64,
    /// Accounts that get test tokens, by index of their development key.
    pub token_holders: Vec<u32>,
}

/// Why the devnet does not run.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// A node of an EVM chain.
    #[error(transparent)]
    Evm(#[from] AnvilError),
    /// A deployment on an EVM chain.
    #[error(transparent)]
    EvmDeploy(#[from] DeployError),
    /// The node of the Solana chain.
    #[error(transparent)]
    Solana(#[from] SolanaNodeError),
    /// The deployment on the Solana chain.
    #[error(transparent)]
    SolanaDeploy(#[from] SolanaDeployError),
}

/// Puts a validator's key into the keystore of `dir`, a new one unless one of that name is there. Returns its account.
pub fn ensure_validator(dir: &Path, name: &str, password: &str) -> Result<Account, KeystoreError> {
    let keystore = Keystore::new(dir);
    let known = keystore.list()?.into_iter().find(|entry| entry.name == name);
    match known.and_then(|entry| entry.address) {
        Some(address) => Ok(address.into()),
        None => Ok(keystore.create(name, password)?.address().into()),
    }
}

/// Puts the published development keys at `index`, which are funded on every chain, into the keystore of `dir` under one
/// name: one key for each kind of chain. Those that are there already stay.
pub fn ensure_user(dir: &Path, name: &str, password: &str, index: u32) -> Result<(), KeysError> {
    let keyring = Keyring::new(dir);
    for kind in Kind::ALL.into_iter().filter(|kind| !keyring.has(*kind, name)) {
        match kind {
            Kind::Evm => {
                let key = SecretKey::from_bytes(dev_key(index).to_bytes().0)?;
                Keystore::new(dir).store(name, password, &key)?;
            }
            Kind::Solana => {
                let seed = SecretKey::from_bytes(*solana_key(index).seed())?;
                keyring.store_solana(name, password, &seed)?;
            }
        }
    }
    Ok(())
}

/// The account of a development key on chains of a kind.
pub fn dev_account(kind: Kind, index: u32) -> Account {
    match kind {
        Kind::Evm => dev_key(index).address().into(),
        Kind::Solana => account(&solana_key(index).address()),
    }
}

/// Starts all nodes, or those of one kind only, on the wanted ports where they are free. State and logs are kept under
/// `dir`. `anvil` is the node of EVM chains; that of Solana chains is kept per machine, which its adapter knows.
pub async fn start(
    anvil: &Path,
    dir: &Path,
    ports: &BTreeMap<Caip2, u16>,
    only: Option<Kind>,
) -> Result<Vec<DevNode>, DevnetError> {
    let mut nodes = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| only.is_none_or(|only| only == *kind)) {
        match kind {
            Kind::Evm => {
                for chain in evm::chains() {
                    let port = ports.get(&chain.name).copied();
                    let node = Node::Evm(evm::start(anvil, dir, &chain, port).await?);
                    nodes.push(DevNode { chain, node });
                }
            }
            Kind::Solana => {
                // What the chain is called follows from its genesis, which its node makes.
                let port = ports.iter().find(|(name, _)| name.namespace() == solana::NAMESPACE).map(|(_, port)| *port);
                let (chain, running) = solana::start(dir, port).await?;
                nodes.push(DevNode { chain, node: Node::Solana(running) });
            }
        }
    }
    Ok(nodes)
}

/// Puts the contracts on every node. Safe to repeat.
pub async fn deploy_all(nodes: &[DevNode], hub: &DevHub) -> Result<(), DevnetError> {
    for node in nodes {
        match &node.node {
            Node::Evm(running) => running.deploy(&node.chain, hub).await?,
            Node::Solana(running) => running.deploy(&node.chain, hub).await?,
        }
    }
    Ok(())
}

impl DevNode {
    /// Where it answers JSON-RPC.
    pub fn url(&self) -> &str {
        match &self.node {
            Node::Evm(running) => running.url(),
            Node::Solana(running) => running.url(),
        }
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        match &self.node {
            Node::Evm(running) => running.port(),
            Node::Solana(running) => running.port(),
        }
    }

    /// The chain file that `relayer` and `hub` read.
    pub fn chain_file(&self) -> String {
        let chain = &self.chain;
        let show = |account| show_account(chain.kind, account);
        let Timing { finality_s, inclusion_s, skew_s, observe_s } = chain.timing;
        let (head, start_block, tail) = match &self.node {
            Node::Evm(running) => (running.chain_file_head(chain), 0, ""),
            Node::Solana(running) => {
                (running.chain_file_head(chain), infrastrukt_solana::devnet::FIRST_SLOT, solana::CHAIN_FILE_TAIL)
            }
        };
        format!(
            r#"# Written by `relayer start --devnet`. A development chain: one endpoint, published keys.
{head}
[rpc]
endpoints = ["{url}"]
quorum = 1

[contracts]
gateway = "{gateway}"
escrow = "{escrow}"
verifier = "{verifier}"
token_bridge = "{token_bridge}"
start_block = {start_block}

[timing]
finality_s = {finality_s}
inclusion_s = {inclusion_s}
skew_s = {skew_s}
observe_s = {observe_s}
{tail}"#,
            url = self.url(),
            gateway = show(chain.gateway),
            escrow = show(chain.escrow),
            verifier = show(chain.verifier),
            token_bridge = show(chain.token_bridge),
        )
    }

    /// Ends the node; it writes its state first.
    pub async fn stop(self) {
        match self.node {
            Node::Evm(running) => running.stop().await,
            Node::Solana(running) => running.stop().await,
        }
    }
}
