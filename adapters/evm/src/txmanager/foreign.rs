//! Which transaction of the wallet's key used a nonce, where it is none that is known here.

use alloy_primitives::{Address, B256, U64};
use infrastrukt_ports::{PortError, Remedy};
use serde_json::json;
use std::sync::Arc;

use crate::rpc::{CallError, Endpoint, RpcBlock, quantity};

use super::{state::Open, writer::EvmWriter};

impl EvmWriter {
    /// True where k endpoints name one transaction that used the nonce in a final block, and it is none of our
    /// versions. Endpoints that keep no old state cannot say, which is no proof.
    pub(super) async fn is_taken(&self, open: &Open, finalized: u64) -> Result<bool, PortError> {
        let (wallet, nonce) = (self.wallet(), open.nonce);
        // When it was signed the nonce was not used.
        let since = open.versions.first().map_or(0, |version| version.signed_at);
        let what = format!("the transaction with nonce {nonce} of {wallet}");
        let ask = |endpoint: Arc<Endpoint>| async move { spent_by(&endpoint, wallet, nonce, (since, finalized)).await };
        match self.quorum.agree(&what, ask).await {
            Ok(hash) => {
                tracing::warn!(chain = %self.config.chain, tx = %hash, nonce, "this transaction used the nonce");
                Ok(open.versions.iter().all(|version| version.hash != hash))
            }
            Err(error) if error.remedy == Remedy::Halt => Err(error),
            Err(error) => {
                tracing::debug!(chain = %self.config.chain, nonce, %error, "nobody tells what used the nonce");
                Ok(false)
            }
        }
    }
}

/// Finds the block in which the wallet's count of transactions passed `nonce` by halving `(unused, used)`, and in it
/// the transaction. `None` where it is not in that range.
async fn spent_by(
    endpoint: &Endpoint,
    wallet: Address,
    nonce: u64,
    (mut unused, mut used): (u64, u64),
) -> Result<Option<B256>, CallError> {
    if is_used_at(endpoint, wallet, nonce, unused).await? {
        return Ok(None);
    }
    while used.saturating_sub(unused) > 1 {
        let middle = unused + (used - unused) / 2;
        if is_used_at(endpoint, wallet, nonce, middle).await? { used = middle } else { unused = middle }
    }
    let block: Option<RpcBlock> = endpoint.request("eth_getBlockByNumber", json!([quantity(used), true])).await?;
    let mut spends = block.into_iter().flat_map(|block| block.transactions);
    Ok(spends.find(|spend| spend.from == wallet && spend.nonce.to::<u64>() == nonce).map(|spend| spend.hash))
}

async fn is_used_at(endpoint: &Endpoint, wallet: Address, nonce: u64, block: u64) -> Result<bool, CallError> {
    let count: U64 = endpoint.request("eth_getTransactionCount", json!([wallet, quantity(block)])).await?;
    Ok(count.to::<u64>() > nonce)
}
