//! `hub start` and `hub config validate`.

use anyhow::anyhow;
use infrastrukt_hub::{Node, NodeConfig, RunningNode, config::unknown_variable, install_recorder, parts, prepare};
use tokio::signal::unix::{SignalKind, signal};

use super::{CODE_BROKE, ConfigArgs, Failure};

fn load(args: &ConfigArgs) -> Result<NodeConfig, Failure> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    if let Some(name) = unknown_variable(names) {
        tracing::warn!(
            name,
            "the environment variable is no setting of the hub and is ignored: see `hub start --help`"
        );
    }
    NodeConfig::load(&args.config, &args.overrides).map_err(Failure::refused)
}

pub(super) fn validate(args: &ConfigArgs) -> Result<(), Failure> {
    let config = load(args)?;
    let prepared = prepare(&config).map_err(Failure::refused)?;
    println!("hub id      {}", prepared.genesis.identity.hub_id());
    for chain in &prepared.genesis.chains {
        println!("chain       {}", chain.name);
    }
    for validator in &prepared.validators {
        println!("validator   {}", validator.signer.address());
    }
    println!("{} is valid", args.config.display());
    Ok(())
}

pub(super) async fn start(args: &ConfigArgs) -> Result<(), Failure> {
    let config = load(args)?;
    let render = install_recorder().map_err(Failure::refused)?;
    let parts = parts(&config, Some(render)).map_err(Failure::refused)?;
    let mut node = Node::start(parts).await.map_err(Failure::refused)?;
    let outcome = until_asked_or_broken(&mut node).await;
    node.shutdown().await;
    tracing::info!("stopped");
    outcome
}

async fn until_asked_or_broken(node: &mut RunningNode) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| Failure::new(CODE_BROKE, error))?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(|error| Failure::new(CODE_BROKE, error)),
        _ = terminate.recv() => Ok(()),
        broken = node.failed() => {
            let reason = broken.map_or_else(|| "a part of the node ended".to_owned(), |error| error.to_string());
            Err(Failure::new(CODE_BROKE, anyhow!("the node broke: {reason}")))
        }
    }
}
