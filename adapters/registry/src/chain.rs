//! From a chain's configuration to its reader, writer and verifier.

use infrastrukt_evm::{EvmChain, Gateways};
use infrastrukt_ports::{ChainReader, ChainWriter, Check, Column, FactVerifier, PortError, Store};
use infrastrukt_solana::SolanaChain;
use infrastrukt_types::{Epoch, HubId};
use std::sync::Arc;

use crate::{ChainConfig, Environment, Keys, KeysError, Settings, adapter::Spec};

/// The columns that a store must open before it is handed to a writer: those of all kinds, since one store serves all.
pub const TX_COLUMNS: &[Column] = &joined::<{ EVM_COLUMNS.len() + SOLANA_COLUMNS.len() }>(EVM_COLUMNS, SOLANA_COLUMNS);

const EVM_COLUMNS: &[Column] = infrastrukt_evm::TX_COLUMNS;
const SOLANA_COLUMNS: &[Column] = infrastrukt_solana::TX_COLUMNS;

const fn joined<const N: usize>(first: &[Column], second: &[Column]) -> [Column; N] {
    let mut all = [Column(""); N];
    let mut place = 0;
    while place < N {
        all[place] = if place < first.len() { first[place] } else { second[place - first.len()] };
        place += 1;
    }
    all
}

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
    inner: Inner,
}

/// The chain as its own crate has it.
enum Inner {
    Evm(EvmChain),
    Solana(SolanaChain),
}

impl Chain {
    /// Writes to it with the key of its kind. What a writer must not forget goes to `store`, which has [`TX_COLUMNS`].
    pub fn writer(&self, store: Arc<dyn Store>, keys: &Keys) -> Result<Arc<dyn ChainWriter>, PortError> {
        let missing = |error: KeysError| PortError::reject(error.to_string());
        match &self.inner {
            Inner::Evm(chain) => chain.writer(store, keys.evm().map_err(missing)?),
            Inner::Solana(chain) => chain.writer(store, keys.solana().map_err(missing)?),
        }
    }

    /// Its reader's checks, and of the code behind the hub's contracts where that can be replaced.
    pub async fn check(&self) -> Vec<Check> {
        let mut checks = self.reader.check().await;
        if let (Inner::Solana(chain), Settings::Solana { expected, .. }) = (&self.inner, self.config.settings) {
            checks.extend(chain.check_program(&expected).await);
        }
        checks
    }

    /// Judges evidence of it.
    pub fn verifier(&self) -> Arc<dyn FactVerifier> {
        match &self.inner {
            Inner::Evm(chain) => chain.verifier(),
            Inner::Solana(chain) => chain.verifier(),
        }
    }
}

/// Puts a chain together. Nothing is asked from the network yet.
pub fn connect(config: &ChainConfig, context: &Context) -> Result<Chain, PortError> {
    let Context { hub_id: hub, environment, gateways, hub_epoch } = context.clone();
    let shared = infrastrukt_evm::Context { hub, gateways, hub_epoch };
    let inner = match (config.adapter.spec(), config.settings) {
        (Spec::Evm { profile, connect }, Settings::Evm { fees, limits }) => {
            let evm = config.evm(profile, fees, limits, environment);
            Inner::Evm(connect(evm.map_err(|error| PortError::reject(error.to_string()))?, shared)?)
        }
        (Spec::Solana { connect }, Settings::Solana { fees, limits, .. }) => {
            Inner::Solana(connect(config.solana(fees, limits, environment), shared)?)
        }
        (Spec::Evm { .. }, Settings::Solana { .. }) | (Spec::Solana { .. }, Settings::Evm { .. }) => {
            return Err(PortError::reject(format!(
                "the settings of {} are those of another kind of chain",
                config.caip2
            )));
        }
    };
    let reader = match &inner {
        Inner::Evm(chain) => chain.reader(),
        Inner::Solana(chain) => chain.reader(),
    };
    Ok(Chain { config: config.clone(), reader, inner })
}

/// A verifier of its own. Where the chain is read in the same process, use [`Chain::verifier`].
pub fn verifier(config: &ChainConfig, context: &Context) -> Result<Arc<dyn FactVerifier>, PortError> {
    Ok(connect(config, context)?.verifier())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_store_has_the_columns_of_every_kind_each_once() {
        for column in EVM_COLUMNS.iter().chain(SOLANA_COLUMNS) {
            assert!(TX_COLUMNS.contains(column), "{column:?}");
        }
        assert_eq!(TX_COLUMNS.iter().collect::<BTreeSet<_>>().len(), TX_COLUMNS.len());
    }
}
