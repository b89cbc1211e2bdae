//! Showing a stored transaction to nodes.

use alloy_primitives::B256;
use serde_json::Value;

use crate::rpc::{CallError, Endpoint, raw};

use super::{
    state::Open,
    writer::{EvmWriter, Sent},
};

impl EvmWriter {
    /// Offers the best version to every endpoint. Whether a node has it is asked after a refusal, not read from it:
    /// "already known" and "nonce too low" are success where the transaction is there. What no node has is offered
    /// again later.
    pub(super) async fn broadcast(&self, open: &Open, head: u64, sent: &mut Sent) {
        let signed = open.best();
        let parameters = &raw(&signed.raw);
        let offered = self.quorum.spread(|endpoint| async move { offer(&endpoint, parameters).await }).await;
        sent.insert(open.nonce, head);
        let chain = self.config.chain.to_string();
        metrics::counter!("infrastrukt_tx_broadcast_total", "chain" => chain, "action" => open.action.clone())
            .increment(1);
        let Err(refusals) = offered else {
            tracing::debug!(chain = %self.config.chain, tx = %signed.hash, nonce = open.nonce, "broadcast");
            return;
        };
        let known = self.quorum.any(|endpoint| async move { endpoint.knows(signed.hash).await }).await;
        if !matches!(known, Ok(true)) {
            let (chain, action) = (self.config.chain, &open.action);
            tracing::warn!(%chain, tx = %signed.hash, nonce = open.nonce, action, ?refusals, "no node took it; offered again later");
        }
    }
}

async fn offer(endpoint: &Endpoint, parameters: &Value) -> Result<B256, CallError> {
    endpoint.request("eth_sendRawTransaction", parameters.clone()).await
}
