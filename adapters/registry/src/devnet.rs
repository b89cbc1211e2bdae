//! The chains of the embedded devnet, in words that name none: which there are, how to start them, what stands on them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use infrastrukt_evm::KeystoreError;
use infrastrukt_evm::{
    Keystore, SecretKey,
    devnet::{
        Addresses, Anvil, AnvilError, AnvilOptions, DeployError, DeployOptions, Peer, addresses, deploy, dev_key,
    },
};
use infrastrukt_types::{Account, B256, Caip2, ChainId, Timestamp};

/// Which published development key deploys; users and the relayer have the ones below it.
const DEPLOYER: u32 = 9;

/// Seconds for which decisions of a retired epoch still count: longer than the longest deal of a devnet.
const GRACE_S: u64 = 7 * 24 * 3_600;
/// Seconds between blocks of a devnet chain.
const BLOCK_TIME_S: f64 = 0.5;

struct Spec {
    name: &'static str,
    id: u64,
    adapter: &'static str,
    title: &'static str,
    symbol: &'static str,
}

const SPECS: [Spec; 2] = [
    Spec { name: "eip155:31337", id: 31337, adapter: "ethereum", title: "Ethereum devnet", symbol: "ETH" },
    Spec { name: "eip155:56", id: 56, adapter: "bsc", title: "BSC devnet", symbol: "BNB" },
];

/// What is known of a development chain before it runs.
#[derive(Clone, Debug)]
pub struct DevChain {
    /// Name (CAIP-2).
    pub name: Caip2,
    /// Id on the wire.
    pub id: ChainId,
    /// Its gateway.
    pub gateway: Account,
    /// Its escrow.
    pub escrow: Account,
    /// Its verifier.
    pub verifier: Account,
    /// Its token bridge.
    pub token_bridge: Account,
    /// Test tokens by symbol.
    pub tokens: BTreeMap<&'static str, Account>,
    /// A contract that takes any message.
    pub inbox: Account,
}

/// A development chain that runs.
#[derive(Debug)]
pub struct DevNode {
    /// What stands on it.
    pub chain: DevChain,
    node: Anvil,
    spec: &'static Spec,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What the contracts are deployed for.
#[derive(Clone, Debug)]
pub struct DevHub {
    /// Identity of the hub.
    pub hub_id: B256,
    /// Hash of the first validator set.
    pub valset_hash: B256,
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
    /// A node.
    #[error(transparent)]
    Node(#[from] AnvilError),
    /// A deployment.
    #[error(transparent)]
    Deploy(#[from] DeployError),
}

fn known(spec: &Spec, at: &Addresses) -> DevChain {
    DevChain {
        name: spec.name.parse().expect("the table holds CAIP-2 names"),
        id: ChainId(spec.id),
        gateway: at.gateway.into(),
        escrow: at.escrow.into(),
        verifier: at.verifier.into(),
        token_bridge: at.token_bridge.into(),
        tokens: BTreeMap::from([
            ("DEV", at.token.into()),
            ("bDEV", at.bridged_token.into()),
            ("bNAT", at.bridged_native.into()),
        ]),
        inbox: at.recipient.into(),
    }
}

/// The chains of the devnet with the addresses their contracts will have.
pub fn chains() -> Vec<DevChain> {
    let at = addresses(dev_key(DEPLOYER).address());
    SPECS.iter().map(|spec| known(spec, &at)).collect()
}

/// Puts a key into the keystore of `dir`: the published development key at `index`, which is funded on every chain, or a
/// new one. A key of that name that is there already stays. Returns its account.
pub fn ensure_key(dir: &Path, name: &str, password: &str, index: Option<u32>) -> Result<Account, KeystoreError> {
    let keystore = Keystore::new(dir);
    let known = keystore.list()?.into_iter().find(|entry| entry.name == name);
    if let Some(address) = known.and_then(|entry| entry.address) {
        return Ok(address.into());
    }
    let key = match index {
        Some(index) => SecretKey::from_bytes(dev_key(index).to_bytes().0)?,
        None => SecretKey::random(),
    };
    keystore.store(name, password, &key)?;
    Ok(key.address().into())
}

/// The account of a development key.
pub fn dev_account(index: u32) -> Account {
    dev_key(index).address().into()
}

/// Starts all nodes, on the wanted ports where they are free. State and logs are kept under `dir`.
pub async fn start(binary: &Path, dir: &Path, ports: &BTreeMap<Caip2, u16>) -> Result<Vec<DevNode>, DevnetError> {
    let mut nodes = Vec::new();
    for (spec, chain) in SPECS.iter().zip(chains()) {
        let options = AnvilOptions {
            binary: PathBuf::from(binary),
            chain_id: spec.id,
            port: ports.get(&chain.name).copied(),
            block_time_s: BLOCK_TIME_S,
            dir: dir.join(spec.id.to_string()),
        };
        nodes.push(DevNode { chain, node: Anvil::start(&options).await?, spec });
    }
    Ok(nodes)
}

/// Puts the contracts on every node. Safe to repeat.
pub async fn deploy_all(nodes: &[DevNode], hub: &DevHub) -> Result<(), DevnetError> {
    let at = addresses(dev_key(DEPLOYER).address());
    for node in nodes {
        let peers = SPECS.iter().filter(|spec| spec.id != node.spec.id);
        let options = DeployOptions {
            url: node.node.url().into(),
            hub_id: hub.hub_id,
            valset_hash: hub.valset_hash,
            epoch_expires_at: hub.epoch_expires_at.0,
            grace_s: GRACE_S,
            escape_window_min_s: hub.escape_window_min_s,
            peers: peers.map(|spec| Peer { chain_id: spec.id, addresses: at }).collect(),
            token_holders: hub.token_holders.iter().map(|index| dev_key(*index).address()).collect(),
        };
        deploy(&options, dev_key(DEPLOYER)).await?;
    }
    Ok(())
}

impl DevNode {
    /// Where it answers JSON-RPC.
    pub fn url(&self) -> &str {
        self.node.url()
    }

    /// The port it listens on.
    pub const fn port(&self) -> u16 {
        self.node.port()
    }

    /// The chain file that `relayer` and `hub` read.
    pub fn chain_file(&self) -> String {
        let Spec { name, adapter, title, symbol, .. } = self.spec;
        let DevChain { gateway, escrow, verifier, token_bridge, .. } = self.chain;
        format!(
            r#"# Written by `relayer start --devnet`. A development chain: one endpoint, published keys.
name = "{title}"
id = "{name}"
adapter = "{adapter}"
symbol = "{symbol}"

[rpc]
endpoints = ["{url}"]
quorum = 1

[contracts]
gateway = "{}"
escrow = "{}"
verifier = "{}"
token_bridge = "{}"

[timing]
finality_s = 5
inclusion_s = 10
skew_s = 3
observe_s = 7
"#,
            show_account(gateway),
            show_account(escrow),
            show_account(verifier),
            show_account(token_bridge),
            url = self.node.url(),
        )
    }

    /// Ends the node; it writes its state first.
    pub async fn stop(self) {
        self.node.stop().await;
    }
}

/// Writes an account of a development chain in its own notation.
pub fn show_account(account: Account) -> String {
    account.to_evm().expect("addresses of this family have 20 bytes").to_string()
}
