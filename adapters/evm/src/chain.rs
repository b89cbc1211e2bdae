//! One EVM chain put together: reader, writer and verifier over the same endpoints and headers.

use infrastrukt_ports::{ChainReader, ChainWriter, FactVerifier, PortError, Store};
use infrastrukt_types::{Epoch, HubId};
use std::sync::Arc;

use crate::{
    config::EvmConfig,
    facts::{FactDecoder, Gateways},
    header::{HeaderSource, QuorumHeaders},
    keystore::SecretKey,
    reader::EvmReader,
    rpc::Quorum,
    txmanager::EvmWriter,
    verifier::EvmVerifier,
};

/// What all chains of one hub have in common.
#[derive(Clone, Debug)]
pub struct Context {
    /// The hub.
    pub hub: HubId,
    /// Gateways of all chains.
    pub gateways: Gateways,
    /// The hub's epoch, where it is known: health checks compare with it.
    pub hub_epoch: Option<Epoch>,
}

/// One EVM chain.
pub struct EvmChain {
    config: Arc<EvmConfig>,
    quorum: Arc<Quorum>,
    headers: Arc<dyn HeaderSource>,
    context: Context,
}

impl EvmChain {
    /// Checks the configuration. Finality comes from agreement of the endpoints; nothing is asked yet.
    pub fn new(config: EvmConfig, context: Context) -> Result<Self, PortError> {
        config.validate().map_err(|error| PortError::reject(error.to_string()))?;
        let quorum = Arc::new(Quorum::new(&config)?);
        let headers = Arc::new(QuorumHeaders::new(config.chain, config.profile.finality_tag, quorum.clone()));
        Ok(Self { config: Arc::new(config), quorum, headers, context })
    }

    /// The same chain with another source of finality, such as one that proves the chain's consensus.
    #[must_use]
    pub fn with_headers(mut self, headers: Arc<dyn HeaderSource>) -> Self {
        self.headers = headers;
        self
    }

    /// Reads it.
    pub fn reader(&self) -> Arc<dyn ChainReader> {
        let Context { hub, hub_epoch, .. } = self.context;
        let (config, quorum, headers) = (self.config.clone(), self.quorum.clone(), self.headers.clone());
        Arc::new(EvmReader::new(config, quorum, headers, self.decoder(), hub, hub_epoch))
    }

    /// Judges evidence of it.
    pub fn verifier(&self) -> Arc<dyn FactVerifier> {
        let (config, quorum, headers) = (self.config.clone(), self.quorum.clone(), self.headers.clone());
        Arc::new(EvmVerifier::new(config, quorum, headers, self.decoder()))
    }

    /// Writes to it with one key; what it must not forget goes to `store`.
    pub fn writer(&self, store: Arc<dyn Store>, key: &SecretKey) -> Result<Arc<dyn ChainWriter>, PortError> {
        let (config, quorum, headers) = (self.config.clone(), self.quorum.clone(), self.headers.clone());
        Ok(Arc::new(EvmWriter::new(config, quorum, headers, store, key)?))
    }

    /// The endpoints.
    pub fn quorum(&self) -> &Arc<Quorum> {
        &self.quorum
    }

    /// The checked configuration.
    pub fn config(&self) -> &EvmConfig {
        &self.config
    }

    fn decoder(&self) -> FactDecoder {
        FactDecoder::new(self.context.hub, self.config.chain, &self.config.contracts, self.context.gateways.clone())
    }
}
