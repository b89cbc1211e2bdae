//! The chain at one moment, as endpoints show it to one wallet.

use alloy_primitives::{Address, U64, U128, U256};
use infrastrukt_ports::PortError;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::{
    config::EvmConfig,
    profile::FeeMode,
    rpc::{CallError, Endpoint, Quorum, RpcHeader},
};

use super::fees::Market;

/// Figures of a view.
const FIGURES: usize = 6;

/// Head, nonces, balance and prices, read in one exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Number of the newest block.
    pub(super) head: u64,
    /// Nonces below it are in blocks.
    pub(super) mined_nonce: u64,
    /// Nonces below it are in blocks or in the node's pool, without a gap.
    pub(super) pending_nonce: u64,
    /// Wei the wallet has.
    pub(super) balance: U256,
    /// What gas costs.
    pub(super) market: Market,
}

impl View {
    /// Reads it as k endpoints have reached it, each figure by itself: none alone makes the wallet pay more, wait for
    /// funds or cheaper gas that are there, skip nonces, or take what is mined for what waits. Where fewer than k tell,
    /// the first one is believed whose nonces can be: money in escrows cannot wait for the others. Nonces below
    /// `next_nonce` were given out here.
    pub(super) async fn read(
        config: &EvmConfig,
        quorum: &Quorum,
        wallet: Address,
        next_nonce: u64,
    ) -> Result<Self, PortError> {
        let mode = config.profile.fee_mode;
        let told = |endpoint: Arc<Endpoint>| async move { Self::ask(&endpoint, mode, wallet).await.map(Self::figures) };
        match quorum.reached_each("head, nonces, balance and prices", told).await {
            Ok(figures) => return Ok(Self::of(figures)),
            Err(error) => tracing::warn!(chain = %config.chain, ?error, "one endpoint alone is believed"),
        }
        let read = quorum.any(|endpoint| async move {
            let view = Self::ask(&endpoint, mode, wallet).await?;
            view.check_nonces(&endpoint.host(), quorum, wallet, next_nonce).await?;
            Ok(view)
        });
        Ok(read.await?)
    }

    fn figures(self) -> [U256; FIGURES] {
        let Self { head, mined_nonce, pending_nonce, balance, market: Market { base_fee, suggested } } = self;
        let [head, mined, pending] = [head, mined_nonce, pending_nonce].map(U256::from);
        [head, mined, pending, balance, U256::from(base_fee), U256::from(suggested)]
    }

    /// Every figure is one that some endpoint told, and fits where it came from.
    fn of([head, mined, pending, balance, base_fee, suggested]: [U256; FIGURES]) -> Self {
        Self {
            head: head.saturating_to(),
            mined_nonce: mined.saturating_to(),
            pending_nonce: pending.saturating_to(),
            balance,
            market: Market { base_fee: base_fee.saturating_to(), suggested: suggested.saturating_to() },
        }
    }

    /// A nonce that was given out is never given out again, and every nonce skipped has to be paid for. So nonces
    /// beyond those of this wallet's own transactions, used by others that have its key, count only where k endpoints
    /// have reached them.
    async fn check_nonces(
        &self,
        host: &str,
        quorum: &Quorum,
        wallet: Address,
        next_nonce: u64,
    ) -> Result<(), CallError> {
        if self.pending_nonce <= next_nonce {
            return Ok(());
        }
        let what = format!("the next nonce of {wallet}");
        let reached = quorum.reached(&what, |endpoint| async move { next_nonce_at(&endpoint, wallet).await }).await?;
        if self.pending_nonce <= reached.max(next_nonce) {
            return Ok(());
        }
        Err(CallError::retry(format!(
            "{host} says that nonces of {wallet} are used up to {}, but {} endpoints have seen none from {} on",
            self.pending_nonce,
            quorum.k(),
            reached.max(next_nonce)
        )))
    }

    async fn ask(endpoint: &Endpoint, mode: FeeMode, wallet: Address) -> Result<Self, CallError> {
        let price = match mode {
            FeeMode::Eip1559 => "eth_maxPriorityFeePerGas",
            FeeMode::Legacy => "eth_gasPrice",
        };
        let calls = [
            ("eth_getBlockByNumber", json!(["latest", false])),
            ("eth_getTransactionCount", json!([wallet, "latest"])),
            ("eth_getTransactionCount", json!([wallet, "pending"])),
            ("eth_getBalance", json!([wallet, "latest"])),
            (price, json!([])),
        ];
        let answers: Vec<Value> = endpoint.batch(&calls).await?;
        let mut answers = answers.into_iter();
        let header: RpcHeader = next(endpoint, &mut answers)?;
        let mined: U64 = next(endpoint, &mut answers)?;
        let pending: U64 = next(endpoint, &mut answers)?;
        let balance = next(endpoint, &mut answers)?;
        let suggested: U128 = next(endpoint, &mut answers)?;
        Ok(Self {
            head: header.inner.number,
            mined_nonce: mined.to(),
            // A node that keeps no pool says less than it has mined.
            pending_nonce: pending.to::<u64>().max(mined.to()),
            balance,
            market: Market { base_fee: header.inner.base_fee_per_gas.map_or(0, u128::from), suggested: suggested.to() },
        })
    }
}

/// The nonce that one endpoint would give to the wallet's next transaction.
async fn next_nonce_at(endpoint: &Endpoint, wallet: Address) -> Result<u64, CallError> {
    let counts = ["latest", "pending"].map(|tag| ("eth_getTransactionCount", json!([wallet, tag])));
    let counts: Vec<U64> = endpoint.batch(&counts).await?;
    Ok(counts.into_iter().max().unwrap_or_default().to())
}

fn next<T: DeserializeOwned>(endpoint: &Endpoint, answers: &mut impl Iterator<Item = Value>) -> Result<T, CallError> {
    let nonsense = || CallError::retry(format!("{} does not show its head, nonces or prices", endpoint.host()));
    serde_json::from_value(answers.next().ok_or_else(nonsense)?).map_err(|_| nonsense())
}
