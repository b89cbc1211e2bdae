//! `relayer start`.

use std::{path::Path, sync::Arc};

use infrastrukt_ports::Store;
use infrastrukt_registry::{TX_COLUMNS, connect};
use infrastrukt_store::RocksStore;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Context, Done, Outcome, admin_link::Endpoints, args::StartArgs, foreign, output::Tone};
use crate::{
    COLUMNS, ChainParts, LanePolicy, Limits, Parts, Relayer, StartError,
    clock::SystemClock,
    config::{Config, Overrides},
    user::UserError,
};

pub(super) async fn run(context: &Context, args: StartArgs) -> Outcome {
    if args.devnet {
        let done = crate::devnet::run_start(context.data_dir().into(), args.only, context.out.is_json()).await;
        return done.map(|()| Done::Well).map_err(foreign);
    }
    let overrides = Overrides {
        relayer_key: args.key,
        admin_listen: args.admin_listen,
        health_listen: args.health_listen,
        ..context.overrides().clone()
    };
    let config = context.config_with(overrides)?;
    config.check_for_start()?;
    let file = config.relayer.password_file.as_ref().or(config.keystore.password_file.as_ref());
    let password = context.password(file.map(|file| file.as_path()), "Password of the relayer's key: ")?;
    serve(context, &config, &password).await
}

async fn serve(context: &Context, config: &Config, password: &str) -> Outcome {
    let parts = parts(config, context.data_dir(), password)?;
    let relayer = Relayer::start(parts).await.map_err(start_failure)?;
    let endpoints = Endpoints::new(relayer.admin_addr, relayer.health_addr);
    let published = endpoints.publish(context.data_dir());
    if published.is_ok() {
        context.out.toned(Tone::Good, format!("the relayer runs; health and metrics at {}", endpoints.health));
        context.out.document(&json!(endpoints))?;
    }
    let told = match published {
        Ok(()) => until_told_to_end().await,
        Err(error) => Err(error),
    };
    relayer.shutdown().await;
    endpoints.withdraw(context.data_dir());
    told.map(|()| Done::Well)
}

/// Opens everything a relayer is put together from.
pub(crate) fn parts(config: &Config, data_dir: &Path, password: &str) -> Result<Parts, UserError> {
    let keys = crate::user::unlock(config, &config.relayer.key, password)?;
    let columns = [COLUMNS, TX_COLUMNS].concat();
    let store: Arc<dyn Store> = Arc::new(RocksStore::open(data_dir.join("relayer").join("db"), &columns)?);
    let context = config.chain_context();
    let mut chains = Vec::with_capacity(config.chains.len());
    for file in &config.chains {
        let failed = || UserError::chain(&file.name);
        let link = connect(&file.config, &context).map_err(failed())?;
        let writer = link.writer(store.clone(), &keys).map_err(failed())?;
        // Before the contracts there is nothing to read.
        let start_block = config.relayer.start_block.get(&file.name).copied().unwrap_or(file.config.start_block);
        let (name, policy) = (file.name.clone(), policy(config));
        chains.push(ChainParts { name, reader: link.reader, writer, start_block, policy });
    }
    Ok(Parts {
        hub_url: config.hub.url.clone(),
        chains,
        store,
        clock: Arc::new(SystemClock),
        admin_listen: config.relayer.admin_listen,
        health_listen: config.relayer.health_listen,
        limits: Limits::default(),
    })
}

fn policy(config: &Config) -> LanePolicy {
    LanePolicy {
        batch_max: usize::try_from(config.relayer.batch_max).unwrap_or(usize::MAX),
        batch_wait_ms: config.relayer.batch_wait_ms,
        poll_ms: config.relayer.poll_ms,
        retries_max: config.relayer.retries_max,
        ..LanePolicy::default()
    }
}

fn start_failure(error: StartError) -> UserError {
    let remedy = "correct the configuration; `relayer config show` shows what is in force";
    match error {
        StartError::Store(error) => error.into(),
        other @ (StartError::NoChains
        | StartError::Twice(_)
        | StartError::Mismatch { .. }
        | StartError::Policy { .. }
        | StartError::NotLoopback(_)
        | StartError::Listen { .. }
        | StartError::Hub(_)) => UserError::refused(other.to_string(), remedy),
    }
}

async fn until_told_to_end() -> Result<(), UserError> {
    let listen = |kind| signal(kind).map_err(|error| UserError::Unexpected(format!("no signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("told to end");
    Ok(())
}
