//! The running devnet: what is started in which order, and ended in the reverse one.

use std::{
    fs::{File, TryLockError},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
};

use infrastrukt_ports::Clock as _;
use infrastrukt_registry::{
    Kind,
    devnet::{self, DevHub, DevNode},
};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::{
    DevnetError, Layout,
    files::{self, Ports, TIMING},
    hub::{HubProcess, find_program},
    keys::{self, USERS, VALIDATORS},
};
use crate::{
    Relayer, RunningRelayer,
    cli::{admin_link::Endpoints, start},
    clock::SystemClock,
    config::{Config, Overrides},
};

/// Characters of the names in the list of what runs where, at least.
const NAME_WIDTH: usize = 16;

/// Chains, hub and relayer of one data directory.
#[derive(Debug)]
pub struct Devnet {
    layout: Layout,
    nodes: Vec<DevNode>,
    hub: HubProcess,
    hub_api: SocketAddr,
    relayer: RunningRelayer,
    endpoints: Endpoints,
    /// Held while the devnet runs: a second one would end the first one's children as orphans.
    _lock: File,
}

/// One devnet at a time uses a directory.
fn lock(layout: &Layout) -> Result<File, DevnetError> {
    let path = layout.dir().join("lock");
    let file = File::options().create(true).append(true).open(&path).map_err(DevnetError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DevnetError::InUse { dir: layout.dir().into() }),
        Err(TryLockError::Error(error)) => Err(DevnetError::file(path)(error)),
    }
}

/// The wanted loopback port if it is free, else any free one.
fn loopback(wanted: Option<u16>) -> Result<SocketAddr, DevnetError> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = wanted.and_then(|port| bind(port).ok()).map_or_else(|| bind(0), Ok);
    listener.and_then(|listener| listener.local_addr()).map_err(DevnetError::file("127.0.0.1"))
}

impl Devnet {
    /// Starts everything, or takes up where an earlier run of the same directory ended. `devnet.json` is written last.
    /// Where a kind is named, there are chains of this kind only, in all runs of a directory.
    pub async fn start(layout: Layout, only: Option<Kind>) -> Result<Self, DevnetError> {
        let dir = layout.dir();
        std::fs::create_dir_all(dir).map_err(DevnetError::file(dir))?;
        let layout = Layout::new(dir.canonicalize().map_err(DevnetError::file(dir))?);
        let lock = lock(&layout)?;
        let validators = keys::ensure(&layout)?;
        let mut ports = Ports::load(&layout)?;
        let nodes = devnet::start(&anvil()?, &layout.nodes(), &ports.chains, only).await?;
        let genesis = files::genesis(&layout, SystemClock.now(), &nodes, validators)?;
        let identity = &genesis.identity;
        let hub = DevHub {
            hub_id: identity.hub_id().0,
            validators: identity.validators.clone(),
            epoch_expires_at: identity.epoch_expires_at,
            escape_window_min_s: TIMING.escape_window_s,
            token_holders: USERS.iter().map(|(_, index)| *index).collect(),
        };
        devnet::deploy_all(&nodes, &hub).await?;

        let (hub_api, operator) = (loopback(ports.hub_api)?, loopback(ports.hub_operator)?);
        ports.chains = nodes.iter().map(|node| (node.chain.name.clone(), node.port())).collect();
        (ports.hub_api, ports.hub_operator) = (Some(hub_api.port()), Some(operator.port()));
        ports.save(&layout)?;
        files::write_configs(&layout, &nodes, hub_api, operator, VALIDATORS, identity.hub_id())?;
        let hub = HubProcess::start(&layout, hub_api).await?;
        let (relayer, endpoints) = start_relayer(&layout).await?;
        files::write_devnet_json(&layout, &nodes, hub_api)?;
        Ok(Self { layout, nodes, hub, hub_api, relayer, endpoints, _lock: lock })
    }

    /// The chains' nodes, in the order of the configuration.
    pub(super) fn nodes(&self) -> &[DevNode] {
        &self.nodes
    }

    /// Tells the user what runs where.
    pub fn announce(&self, json: bool) -> Result<(), DevnetError> {
        let chains: Vec<_> =
            self.nodes.iter().map(|node| json!({ "id": node.chain.name, "rpc": node.url() })).collect();
        let data_dir = self.layout.dir().display();
        if json {
            let health = &self.endpoints.health;
            let hub = format!("http://{}", self.hub_api);
            println!("{}", json!({ "data_dir": data_dir.to_string(), "hub": hub, "health": health, "chains": chains }));
            return Ok(());
        }
        let width = self.nodes.iter().map(|node| node.chain.name.as_str().len()).max().unwrap_or(0).max(NAME_WIDTH);
        for node in &self.nodes {
            println!("{:<width$} {}", node.chain.name.as_str(), node.url());
        }
        println!("{:<width$} http://{}", "hub", self.hub_api);
        println!("{:<width$} {}/metrics", "relayer", self.endpoints.health);
        let names: Vec<_> = USERS.iter().map(|(name, _)| *name).collect();
        println!("\naccounts: {}; everything else is in {}", names.join(", "), self.layout.devnet_json().display());
        println!("in a second shell: relayer --data-dir {data_dir} doctor");
        Ok(())
    }

    /// Waits for an interrupt or termination signal. A hub that ends stays ended, so that a dead hub can be tried out; it
    /// may be started again by hand and loses nothing.
    pub async fn until_told_to_end(&mut self) -> Result<(), DevnetError> {
        let listen = |kind| signal(kind).map_err(DevnetError::file("signals"));
        let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let told = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        tokio::pin!(told);
        tokio::select! {
            () = &mut told => return Ok(()),
            () = self.hub.ended() => {
                let config = self.layout.hub_config();
                tracing::error!("the hub ended; start it again with: hub start --config {}", config.display());
            }
        }
        told.await;
        Ok(())
    }

    /// Ends relayer, hub and chains, in this order.
    pub async fn stop(self) {
        self.relayer.shutdown().await;
        self.endpoints.withdraw(self.layout.dir());
        self.hub.stop().await;
        for node in self.nodes {
            node.stop().await;
        }
    }
}

/// The node of EVM chains: named by the environment, installed by `make setup`, or on the PATH.
fn anvil() -> Result<PathBuf, DevnetError> {
    let bundled =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    find_program("anvil", "INFRASTRUKT_ANVIL").or_else(|missing| {
        let bundled = PathBuf::from(bundled);
        if bundled.is_file() { Ok(bundled) } else { Err(missing) }
    })
}

async fn start_relayer(layout: &Layout) -> Result<(RunningRelayer, Endpoints), DevnetError> {
    let failed = |error: &dyn std::fmt::Display| DevnetError::Relayer(error.to_string());
    let config = Config::load(&layout.config(), &Overrides::default()).map_err(|error| failed(&error))?;
    let password =
        Zeroizing::new(std::fs::read_to_string(layout.password()).map_err(DevnetError::file(layout.password()))?);
    let parts = start::parts(&config, layout.dir(), password.trim()).map_err(|error| failed(&error))?;
    let relayer = Relayer::start(parts).await.map_err(|error| failed(&error))?;
    let endpoints = Endpoints::new(relayer.admin_addr, relayer.health_addr);
    endpoints.publish(layout.dir()).map_err(|error| failed(&error))?;
    Ok((relayer, endpoints))
}
