//! The files that a devnet writes, so that every other command finds it as it would find a real network.

use std::{collections::BTreeMap, fs, io::Write, net::SocketAddr, path::Path};

use infrastrukt_protocol::{ChainRecord, ChainTiming, Genesis, HubTiming, Identity};
use infrastrukt_registry::{
    Timing,
    devnet::{self, DevChain, DevNode},
    show_account,
};
use infrastrukt_types::{Caip2, Timestamp, ValidatorSet};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{DevnetError, Layout, keys::USERS};

/// The devnet's epoch ends in the year 2100.
const EPOCH_EXPIRES_AT: Timestamp = Timestamp(4_102_444_800);

/// Times of the devnet's hub. Escapes take minutes instead of days: money here is worth nothing.
pub(super) const TIMING: HubTiming = HubTiming {
    certify_s: 10,
    recovery_s: 30,
    escape_delay_s: 30,
    escape_window_s: 60,
    lock_within_max_s: 3_600,
    reissue_after_blocks: 50,
    skew_max_s: 3,
};

/// Where things listen, kept so that a restarted devnet is found where it was.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ports {
    pub(super) chains: BTreeMap<Caip2, u16>,
    pub(super) hub_api: Option<u16>,
    pub(super) hub_operator: Option<u16>,
}

/// Writes a file so that readers see the old one or the new one, never a part.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), DevnetError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let write = || {
        fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(drop).map_err(DevnetError::file(path))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, DevnetError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DevnetError::file(path)(error)),
    };
    let damaged = |error: serde_json::Error| DevnetError::Damaged { path: path.into(), reason: error.to_string() };
    serde_json::from_slice(&bytes).map(Some).map_err(damaged)
}

impl Ports {
    pub(super) fn load(layout: &Layout) -> Result<Self, DevnetError> {
        Ok(read_json(&layout.dir().join("ports.json"))?.unwrap_or_default())
    }

    pub(super) fn save(&self, layout: &Layout) -> Result<(), DevnetError> {
        let bytes = serde_json::to_vec_pretty(self).expect("ports are plain JSON");
        write_atomically(&layout.dir().join("ports.json"), &bytes)
    }
}

/// The genesis of an earlier run, or a new one for `validators`, written before anything is deployed for it.
pub(super) fn genesis(
    layout: &Layout,
    now: Timestamp,
    nodes: &[DevNode],
    validators: ValidatorSet,
) -> Result<Genesis, DevnetError> {
    if let Some(genesis) = read_json::<Genesis>(&layout.genesis())? {
        return Ok(genesis);
    }
    let chains = nodes.iter().map(|DevNode { chain, .. }| ChainRecord {
        id: chain.id,
        name: chain.name.clone(),
        gateway: chain.gateway,
        escrow: chain.escrow,
        verifier: chain.verifier,
        token_bridge: chain.token_bridge,
        timing: timing(&chain.timing),
    });
    let identity = Identity { name: "devnet".into(), created_at: now, validators, epoch_expires_at: EPOCH_EXPIRES_AT };
    let genesis = Genesis { identity, timing: TIMING, chains: chains.collect() };
    genesis.validate()?;
    let bytes = serde_json::to_vec_pretty(&genesis).expect("a genesis is plain JSON");
    write_atomically(&layout.genesis(), &bytes)?;
    Ok(genesis)
}

/// Times of a chain, as in its file.
const fn timing(of: &Timing) -> ChainTiming {
    let Timing { finality_s, inclusion_s, skew_s, observe_s } = *of;
    ChainTiming { finality_s, inclusion_s, skew_s, observe_s }
}

/// The chains' files, the hub's configuration, and the configuration of every other command.
pub(super) fn write_configs(
    layout: &Layout,
    nodes: &[DevNode],
    api: SocketAddr,
    operator: SocketAddr,
    validators: usize,
    hub_id: infrastrukt_types::HubId,
) -> Result<(), DevnetError> {
    for node in nodes {
        write_atomically(&layout.chain_file(&node.chain.name), node.chain_file().as_bytes())?;
    }
    let file = |node: &DevNode| {
        let path = layout.chain_file(&node.chain.name);
        path.file_name().and_then(|name| name.to_str()).expect("a CAIP-2 name is plain text").to_owned()
    };
    let list =
        |prefix: &str| nodes.iter().map(|node| format!("\"{prefix}{}\"", file(node))).collect::<Vec<_>>().join(", ");
    let keys: String = (0..validators)
        .map(|index| {
            format!(
                "\n[[validators]]\nkeystore = \"keystore/validator-{index}.json\"\npassword_file = \"../password\"\n"
            )
        })
        .collect();
    let hub = format!(
        r#"# Written by `relayer start --devnet`.
environment = "devnet"
data_dir = "data"
genesis = "genesis.json"
chains = [{chains}]

[api]
listen = "{api}"

[api.limits]
calls_per_second = 5000
calls_burst = 10000

[operator]
listen = "{operator}"
{keys}"#,
        chains = list("../chains/"),
    );
    write_atomically(&layout.hub_config(), hub.as_bytes())?;
    let config = format!(
        r#"# Written by `relayer start --devnet`.
environment = "devnet"
chains = [{chains}]

[hub]
url = "http://{api}"
id = "{hub_id}"

[relayer]
key = "relayer"
poll_ms = 100

[keystore]
dir = "keystore"
password_file = "password"
"#,
        chains = list("chains/"),
    );
    write_atomically(&layout.config(), config.as_bytes())
}

/// `devnet.json`: where everything is, for programs that are not ours.
pub(super) fn write_devnet_json(layout: &Layout, nodes: &[DevNode], api: SocketAddr) -> Result<(), DevnetError> {
    let chains: Vec<_> = nodes
        .iter()
        .map(|node| {
            let chain = &node.chain;
            let show = |account| show_account(chain.kind, account);
            let tokens: BTreeMap<_, _> = chain.tokens.iter().map(|(symbol, token)| (*symbol, show(*token))).collect();
            let mut contracts = json!({
                "gateway": show(chain.gateway), "escrow": show(chain.escrow), "verifier": show(chain.verifier),
                "token_bridge": show(chain.token_bridge),
            });
            if let Some(inbox) = chain.inbox {
                contracts["inbox"] = show(inbox).into();
            }
            json!({ "id": chain.name, "rpc": node.url(), "tokens": tokens, "contracts": contracts })
        })
        .collect();
    let accounts: Vec<_> = USERS
        .iter()
        .map(|(name, index)| {
            let account = |chain: &DevChain| show_account(chain.kind, devnet::dev_account(chain.kind, *index));
            let addresses: BTreeMap<_, _> =
                nodes.iter().map(|node| (node.chain.name.clone(), account(&node.chain))).collect();
            json!({ "name": name, "addresses": addresses })
        })
        .collect();
    let document = json!({ "hub": { "rpc": format!("http://{api}") }, "chains": chains, "accounts": accounts });
    let bytes = serde_json::to_vec_pretty(&document).expect("a JSON value");
    write_atomically(&layout.devnet_json(), &bytes)
}
