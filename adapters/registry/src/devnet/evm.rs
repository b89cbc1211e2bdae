//! The EVM chains of the devnet.

use std::{collections::BTreeMap, path::Path};

use infrastrukt_evm::devnet::{
    Addresses, Anvil, AnvilError, AnvilOptions, DeployError, DeployOptions, Peer, TokenRoute, addresses, deploy,
    dev_key,
};
use infrastrukt_types::{Account, ChainId, Scheme};

use super::{DEPLOYER, DevChain, DevHub, GRACE_S, solana};
use crate::{Kind, Timing};

/// Seconds between blocks.
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

/// Bounds of the times of these chains.
const TIMING: Timing = Timing { finality_s: 5, inclusion_s: 10, skew_s: 3, observe_s: 7 };

/// Of the test tokens.
pub(super) const DECIMALS: u8 = 18;

/// The chain whose test token is minted on Solana as well: what is minted there has one home.
const SOLANA_HOME: u64 = SPECS[0].id;

/// A node that runs.
#[derive(Debug)]
pub(super) struct Running {
    node: Anvil,
    spec: &'static Spec,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

fn known(spec: &Spec, at: &Addresses) -> DevChain {
    DevChain {
        name: spec.name.parse().expect("the table holds CAIP-2 names"),
        id: ChainId(spec.id),
        kind: Kind::Evm,
        gateway: at.gateway.into(),
        escrow: at.escrow.into(),
        verifier: at.verifier.into(),
        token_bridge: at.token_bridge.into(),
        timing: TIMING,
        tokens: BTreeMap::from([
            ("DEV", at.token.into()),
            ("bDEV", at.bridged_token.into()),
            ("bNAT", at.bridged_native.into()),
        ]),
        inbox: Some(at.recipient.into()),
    }
}

/// The Solana chain as an EVM chain talks to it.
fn solana_peer(chain: &DevChain, at: &Addresses) -> Peer {
    let remote_decimals = solana::BRIDGED_DECIMALS;
    let route = TokenRoute { token: at.token, remote_token: solana::bridged_token().0, is_home: true, remote_decimals };
    let twin = solana::peer();
    Peer {
        chain_id: twin.id.0,
        gateway: twin.gateway.0,
        token_bridge: twin.token_bridge.0,
        is_evm: false,
        gas_limit_max: solana::UNITS_MAX,
        payload_max: solana::PAYLOAD_MAX,
        routes: if chain.id.0 == SOLANA_HOME { vec![route] } else { Vec::new() },
    }
}

/// The EVM chains as the Solana chain talks to them: id, gateway, bridge, and the token that is minted there, where it is
/// at home here.
pub(super) fn twins() -> Vec<(ChainId, Account, Account, Option<Account>)> {
    let at = deployed();
    let home = |spec: &Spec| (spec.id == SOLANA_HOME).then(|| at.token.into());
    SPECS.iter().map(|spec| (ChainId(spec.id), at.gateway.into(), at.token_bridge.into(), home(spec))).collect()
}

/// The same on every chain, since deployer and order are the same.
fn deployed() -> Addresses {
    addresses(dev_key(DEPLOYER).address())
}

pub(super) fn chains() -> Vec<DevChain> {
    let at = deployed();
    SPECS.iter().map(|spec| known(spec, &at)).collect()
}

/// Starts the node of one of [`chains`].
pub(super) async fn start(
    anvil: &Path,
    dir: &Path,
    chain: &DevChain,
    port: Option<u16>,
) -> Result<Running, AnvilError> {
    let spec = SPECS.iter().find(|spec| spec.id == chain.id.0).expect("every EVM chain of the devnet is in the table");
    let options = AnvilOptions {
        binary: anvil.into(),
        chain_id: spec.id,
        port,
        block_time_s: BLOCK_TIME_S,
        dir: dir.join(spec.id.to_string()),
    };
    Ok(Running { node: Anvil::start(&options).await?, spec })
}

impl Running {
    /// Puts the contracts on it. Safe to repeat.
    pub(super) async fn deploy(&self, chain: &DevChain, hub: &DevHub) -> Result<(), DeployError> {
        let at = deployed();
        let twins = SPECS.iter().filter(|spec| spec.id != chain.id.0);
        let options = DeployOptions {
            url: self.node.url().into(),
            hub_id: hub.hub_id,
            valset_hash: hub.validators.hash(Scheme::Ecdsa),
            epoch_expires_at: hub.epoch_expires_at.0,
            grace_s: GRACE_S,
            escape_window_min_s: hub.escape_window_min_s,
            peers: twins.map(|spec| Peer::twin(spec.id, &at, &at)).chain([solana_peer(chain, &at)]).collect(),
            token_holders: hub.token_holders.iter().map(|index| dev_key(*index).address()).collect(),
        };
        deploy(&options, dev_key(DEPLOYER)).await.map(drop)
    }

    pub(super) fn url(&self) -> &str {
        self.node.url()
    }

    pub(super) const fn port(&self) -> u16 {
        self.node.port()
    }

    /// What its file says before the sections that all chains have.
    pub(super) fn chain_file_head(&self, chain: &DevChain) -> String {
        let Spec { adapter, title, symbol, .. } = self.spec;
        format!("name = \"{title}\"\nid = \"{}\"\nadapter = \"{adapter}\"\nsymbol = \"{symbol}\"\n", chain.name)
    }

    pub(super) async fn stop(self) {
        self.node.stop().await;
    }
}
