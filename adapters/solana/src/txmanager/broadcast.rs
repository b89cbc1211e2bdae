//! Showing a stored transaction to nodes.

use super::{
    state::{Open, Signed},
    writer::{Sent, SolanaWriter},
};

impl SolanaWriter {
    /// Offers the very bytes that are stored to every endpoint: whichever reaches the leader first serves, and a second
    /// copy changes nothing. Whether it landed is asked for, never read from what a node says here.
    pub(super) async fn broadcast(&self, open: &Open, signed: &Signed, slot: u64, sent: &mut Sent) {
        let raw = &signed.raw;
        let given = self.parts.quorum.spread(|endpoint| async move { endpoint.send(raw).await }).await;
        sent.insert(open.seq, slot);
        let (chain, action) = (self.parts.config.chain, open.action.name());
        metrics::counter!("infrastrukt_tx_broadcast_total", "chain" => chain.to_string(), "action" => action)
            .increment(1);
        let tx = signed.signature();
        match given {
            Ok(()) => tracing::debug!(%chain, %tx, action, "broadcast"),
            Err(refusals) => tracing::warn!(%chain, %tx, action, ?refusals, "no node took it; offered again later"),
        }
    }
}
