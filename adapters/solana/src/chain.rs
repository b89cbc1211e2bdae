//! One Solana chain put together: reader, writer and verifier over the same endpoints and what they know of blocks.

use infrastrukt_evm::{Context, Quorum};
use infrastrukt_ports::{ChainReader, ChainWriter, FactVerifier, PortError, Store};
use std::sync::Arc;

use crate::{
    address::{Gateway, account},
    block::Lens,
    chain_view::ChainView,
    config::SolanaConfig,
    facts::FactDecoder,
    key::SolanaKey,
    plan::Site,
    reader::SolanaReader,
    rpc::Endpoint,
    txmanager::SolanaWriter,
    verifier::SolanaVerifier,
};

/// What reader, writer and verifier of one chain share.
pub(crate) struct Parts {
    pub(crate) config: SolanaConfig,
    pub(crate) quorum: Arc<Quorum<Endpoint>>,
    pub(crate) view: ChainView,
    pub(crate) facts: FactDecoder,
    pub(crate) site: Site,
    pub(crate) context: Context,
}

/// One Solana chain.
pub struct SolanaChain {
    parts: Arc<Parts>,
}

impl SolanaChain {
    /// Checks the configuration; nothing is asked yet.
    pub fn new(config: SolanaConfig, context: Context) -> Result<Self, PortError> {
        config.validate().map_err(|error| PortError::reject(error.to_string()))?;
        let endpoints = config.endpoints.iter().map(|url| Endpoint::new(url.clone(), &config).map(Arc::new));
        let quorum = Arc::new(Quorum::of(endpoints.collect::<Result<_, _>>()?, config.quorum));
        let gateway = Gateway::new(config.program);
        let lens = Lens::new(&gateway.program, &gateway.event_authority);
        let view = ChainView::new(config.chain, quorum.clone(), lens, config.limits.fetches_max);
        let id = account(&gateway.program);
        let facts = FactDecoder::new(context.hub, config.chain, id, context.gateways.clone());
        let site = Site {
            gateway,
            chain: config.chain,
            hub: context.hub,
            gateways: context.gateways.clone(),
            opens_accounts: config.fees.open_token_accounts,
        };
        Ok(Self { parts: Arc::new(Parts { config, quorum, view, facts, site, context }) })
    }

    /// Reads it.
    pub fn reader(&self) -> Arc<dyn ChainReader> {
        Arc::new(SolanaReader::new(self.parts.clone()))
    }

    /// Judges evidence of it.
    pub fn verifier(&self) -> Arc<dyn FactVerifier> {
        Arc::new(SolanaVerifier::new(self.parts.clone()))
    }

    /// Writes to it with one key; what it must not forget goes to `store`, which has [`crate::TX_COLUMNS`].
    pub fn writer(&self, store: Arc<dyn Store>, key: &SolanaKey) -> Result<Arc<dyn ChainWriter>, PortError> {
        Ok(Arc::new(SolanaWriter::new(self.parts.clone(), store, key)?))
    }

    /// The endpoints.
    pub fn quorum(&self) -> &Arc<Quorum<Endpoint>> {
        &self.parts.quorum
    }

    /// The checked configuration.
    pub fn config(&self) -> &SolanaConfig {
        &self.parts.config
    }
}
