//! The Solana chain of the devnet.

use std::{collections::BTreeMap, path::Path};

use infrastrukt_solana::{
    Gateway, account,
    devnet::{
        DeployError, DeployOptions, Node, NodeError, NodeOptions, PROGRAM, Peer, TokenRoute, binary, bridged_mint,
        deploy, dev_key, gateway_program,
    },
};
use infrastrukt_types::{Account, Caip2, ChainId};

use super::{DEPLOYER, DevChain, DevHub, GRACE_S, evm};
use crate::{Kind, Timing};

/// Namespace of its name in CAIP-2.
pub(super) const NAMESPACE: &str = "solana";
/// Its id on the wire, which the devnet's hub gives it.
const ID: ChainId = ChainId(ChainId::HUB_ASSIGNED_MIN + 1);
/// Characters of the genesis hash in its name.
const REFERENCE_LEN: usize = 32;
/// Milliseconds from slot to slot. A slot is final 31 slots later, which shows deals in seconds.
const SLOT_MS: u64 = 100;
/// The node's clock counts slots and falls behind by seconds in an hour.
const TIMING: Timing = Timing { finality_s: 8, inclusion_s: 10, skew_s: 10, observe_s: 7 };
/// Most compute units that a message may ask for here.
pub(super) const UNITS_MAX: u32 = 1_000_000;
/// Most bytes of a message that comes here: it is carried in one transaction beside its proof.
pub(super) const PAYLOAD_MAX: u16 = 256;
/// Of the token that is minted here: as many as cross chains, and one more that is always zero.
pub(super) const BRIDGED_DECIMALS: u8 = 9;
/// Lamports of every development key: a thousand coins.
const FUNDS: u64 = 1_000_000_000_000;
/// Development keys that hold coins.
const FUNDED: u32 = 10;

/// What its file says after the sections that all chains have. Everybody here begins without accounts of any token, and
/// lamports cost nothing.
pub(super) const CHAIN_FILE_TAIL: &str = "\n[fees]\nopen_token_accounts = true\n";

/// A node that runs.
#[derive(Debug)]
pub(super) struct Running {
    node: Node,
}

/// The chain as others talk to it.
pub(super) struct Twin {
    pub(super) id: ChainId,
    pub(super) gateway: Account,
    pub(super) token_bridge: Account,
}

pub(super) fn peer() -> Twin {
    let at = Gateway::new(PROGRAM);
    Twin { id: ID, gateway: account(&at.program), token_bridge: account(&at.bridge) }
}

/// The mint of the EVM chains' test token here.
pub(super) fn bridged_token() -> Account {
    account(&bridged_mint())
}

fn known(name: Caip2) -> DevChain {
    let at = Gateway::new(PROGRAM);
    DevChain {
        name,
        id: ID,
        kind: Kind::Solana,
        gateway: account(&at.program),
        escrow: account(&at.escrow),
        verifier: account(&at.config),
        token_bridge: account(&at.bridge),
        timing: TIMING,
        tokens: BTreeMap::from([("bDEV", bridged_token())]),
        inbox: None,
    }
}

fn dev_account(index: u32) -> Account {
    account(&dev_key(index).address())
}

/// Starts the node with the program and the funded keys in its genesis.
pub(super) async fn start(dir: &Path, port: Option<u16>) -> Result<(DevChain, Running), NodeError> {
    let options = NodeOptions {
        binary: binary()?,
        program: (PROGRAM, gateway_program()?),
        upgrade_authority: dev_account(DEPLOYER),
        funds: (0..FUNDED).map(|index| (dev_account(index), FUNDS)).collect(),
        port,
        slot_ms: SLOT_MS,
        dir: dir.join(NAMESPACE),
    };
    let node = Node::start(&options).await?;
    let reference: String = node.genesis_hash().chars().take(REFERENCE_LEN).collect();
    let name = format!("{NAMESPACE}:{reference}").parse().expect("base58 fits the letters of CAIP-2");
    Ok((known(name), Running { node }))
}

impl Running {
    /// Sets the program up. Safe to repeat.
    pub(super) async fn deploy(&self, chain: &DevChain, hub: &DevHub) -> Result<(), DeployError> {
        let peers = evm::twins().into_iter().map(|(chain, gateway, token_bridge, home)| {
            let route = |remote_token| TokenRoute { remote_token, remote_decimals: evm::DECIMALS };
            Peer { chain, gateway, token_bridge, is_evm: true, routes: home.map(route).into_iter().collect() }
        });
        let options = DeployOptions {
            url: self.node.url().into(),
            hub_id: hub.hub_id,
            chain: chain.id,
            validators: hub.validators.clone(),
            epoch_expires_at: hub.epoch_expires_at.0,
            grace_s: GRACE_S,
            escape_window_min_s: hub.escape_window_min_s,
            bridged_decimals: BRIDGED_DECIMALS,
            peers: peers.collect(),
        };
        deploy(&options, &dev_key(DEPLOYER)).await
    }

    pub(super) fn url(&self) -> &str {
        self.node.url()
    }

    pub(super) const fn port(&self) -> u16 {
        self.node.port()
    }

    /// What its file says before the sections that all chains have.
    pub(super) fn chain_file_head(&self, chain: &DevChain) -> String {
        let DevChain { name, id, .. } = chain;
        format!(
            "name = \"Solana devnet\"\nid = \"{name}\"\nwire_id = \"{}\"\nadapter = \"solana\"\nsymbol = \"SOL\"\n",
            id.0
        )
    }

    pub(super) async fn stop(self) {
        self.node.stop().await;
    }
}
