//! What a block did, for those who wait for it.

use infrastrukt_protocol::{Change, DealState, Executed, MessageState, Refusal};
use infrastrukt_types::{Block, ChainId, CheckpointKind, DealId, Height, HubId, HubTx, Timestamp};

/// A block that was executed and stored.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    /// Its height.
    pub(crate) height: Height,
    /// Its time.
    pub(crate) time: Timestamp,
    /// Entries in it.
    pub(crate) entries: usize,
    /// Deals whose registration or cancel was refused, with the reason.
    pub(crate) refused_deals: Vec<(DealId, String)>,
    /// Every refusal in one word, for metrics.
    pub(crate) refused: usize,
    /// Facts that became proven, by chain.
    pub(crate) proven: Vec<ChainId>,
    /// States that deals entered or stayed in.
    pub(crate) deals: Vec<DealState>,
    /// States that messages entered or stayed in.
    pub(crate) messages: Vec<MessageState>,
    /// Checkpoints that the block certified, with the seconds since they were made.
    pub(crate) certified: Vec<(CheckpointKind, u64)>,
    /// Chains that the block froze, with the evidence.
    pub(crate) frozen: Vec<(ChainId, String)>,
    /// Facts that wait for more votes.
    pub(crate) pending_facts: u64,
    /// Deals without a decision.
    pub(crate) open_deals: u32,
}

fn deal_of(hub: HubId, tx: &HubTx) -> Option<DealId> {
    match tx {
        HubTx::RegisterDeal(deal) => Some(deal.id(hub)),
        HubTx::CancelDeal(cancel) => Some(cancel.deal),
        HubTx::Attest(_) | HubTx::Certify { .. } | HubTx::Rotate(_) => None,
    }
}

impl Applied {
    /// Sums up a block and its outcome.
    pub(crate) fn new(hub: HubId, block: &Block, executed: &Executed) -> Self {
        let refused_deal = |(place, refusal): &(usize, Refusal)| {
            let deal = block.txs.get(*place).and_then(|tx| deal_of(hub, tx))?;
            Some((deal, refusal.to_string()))
        };
        let mut applied = Self {
            height: block.height,
            time: block.time,
            entries: block.txs.len(),
            refused_deals: executed.refused.iter().filter_map(refused_deal).collect(),
            refused: executed.refused.len(),
            proven: Vec::new(),
            deals: Vec::new(),
            messages: Vec::new(),
            certified: Vec::new(),
            frozen: Vec::new(),
            pending_facts: executed.tip.pending_facts.values().map(|count| u64::from(*count)).sum(),
            open_deals: executed.tip.open_deals,
        };
        for change in &executed.changes {
            applied.count(change, block.time);
        }
        applied
    }

    fn count(&mut self, change: &Change, now: Timestamp) {
        match change {
            Change::Message(record) => self.messages.push(record.state),
            Change::Deal(record) => self.deals.push(record.state),
            Change::Fact { origin, .. } => self.proven.push(origin.chain),
            Change::Checkpoint(record) if record.certificate.is_some() => {
                let checkpoint = &record.checkpoint;
                self.certified.push((checkpoint.kind, now.0.saturating_sub(checkpoint.time.0)));
            }
            Change::Frozen { chain, evidence } => self.frozen.push((*chain, evidence.clone())),
            Change::Checkpoint(_)
            | Change::Tally { .. }
            | Change::Epoch(_)
            | Change::Rotation { .. }
            | Change::Tip(_) => {}
        }
    }

    /// Why the deal's registration or cancel was refused in this block, if it was.
    pub(crate) fn refusal(&self, deal: DealId) -> Option<&str> {
        self.refused_deals.iter().find(|(id, _)| *id == deal).map(|(_, reason)| reason.as_str())
    }
}
