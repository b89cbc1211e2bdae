//! From a chain's configuration to its reader, writer and verifier.

use infrastrukt_evm::{EvmChain, Gateways};
use infrastrukt_ports::{ChainReader, ChainWriter, Column, FactVerifier, PortError, Store};
use infrastrukt_types::{Account, Epoch, HubId};
use std::{path::PathBuf, sync::Arc};

use crate::{ChainConfig, Environment, Keystore, Kind, SecretKey};

/// The columns that a store must open before it is handed to a writer.
pub const TX_COLUMNS: &[Column] = infrastrukt_evm::TX_COLUMNS;

/// What all chains of one hub have in common.
#[derive(Clone, Debug)]
pub struct Context {
    /// The hub.
    pub hub_id: HubId,
    /// How strict to be.
    pub environment: Environment,
    /// Gateways of all chains of the hub, this one's included.
    pub gateways: Gateways,
    /// The hub's epoch, where it is known: health checks compare with it.
    pub hub_epoch: Option<Epoch>,
}

/// A connected chain. Reader, writer and verifier made from one share its endpoints and what they know of headers.
pub struct Chain {
    /// What it was made from.
    pub config: ChainConfig,
    /// Reads it.
    pub reader: Arc<dyn ChainReader>,
    inner: EvmChain,
}

impl Chain {
    /// Writes to it with one key. What a writer must not forget goes to `store`, which has [`TX_COLUMNS`].
    pub fn writer(&self, store: Arc<dyn Store>, key: &SecretKey) -> Result<Arc<dyn ChainWriter>, PortError> {
        self.inner.writer(store, key)
    }

    /// Judges evidence of it.
    pub fn verifier(&self) -> Arc<dyn FactVerifier> {
        self.inner.verifier()
    }
}

/// Puts a chain together. Nothing is asked from the network yet.
pub fn connect(config: &ChainConfig, context: &Context) -> Result<Chain, PortError> {
    let evm = config.evm(context.environment).map_err(|error| PortError::reject(error.to_string()))?;
    let shared = infrastrukt_evm::Context {
        hub: context.hub_id,
        gateways: context.gateways.clone(),
        hub_epoch: context.hub_epoch,
    };
    let inner = (config.adapter.spec().connect)(evm, shared)?;
    Ok(Chain { config: config.clone(), reader: inner.reader(), inner })
}

/// A writer of its own. Where the chain is read in the same process, use [`Chain::writer`].
pub fn writer(
    config: &ChainConfig,
    context: &Context,
    store: Arc<dyn Store>,
    key: &SecretKey,
) -> Result<Arc<dyn ChainWriter>, PortError> {
    connect(config, context)?.writer(store, key)
}

/// A verifier of its own. Where the chain is read in the same process, use [`Chain::verifier`].
pub fn verifier(config: &ChainConfig, context: &Context) -> Result<Arc<dyn FactVerifier>, PortError> {
    Ok(connect(config, context)?.verifier())
}

/// The key files of a kind of chain.
pub fn keystore(kind: Kind, directory: impl Into<PathBuf>) -> Keystore {
    match kind {
        Kind::Evm => Keystore::new(directory),
    }
}

/// Reads an account in a kind's notation, without a connection.
pub fn parse_account(kind: Kind, text: &str) -> Result<Account, PortError> {
    match kind {
        Kind::Evm => infrastrukt_evm::parse_account(text).map_err(PortError::reject),
    }
}
