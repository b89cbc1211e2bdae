//! Execution of a decided block.

use infrastrukt_types::{B256, Block, Epoch, Height, HubId, HubTx, Timestamp};
use std::collections::BTreeMap;

use super::{
    change::{Change, apply_root},
    overlay::{Overlay, Stop},
    refusal::Refusal,
    view::{StateView, Tip},
};
use crate::{
    checkpoint::{CheckpointRecord, build},
    deal::DealEvent,
    digest::Preimage,
    genesis::Genesis,
    limits::{DUE_DEALS_PER_BLOCK_MAX, TXS_PER_BLOCK_MAX},
    valset::EpochRecord,
};

/// The hub's rules under one genesis.
#[derive(Clone, Debug)]
pub struct Hub {
    /// What all validators agreed on.
    pub genesis: Genesis,
    /// The hub's identity.
    pub hub_id: HubId,
}

/// What a block leads to. To be stored in one batch with the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Every changed value, in a fixed order; the state root covers them.
    pub changes: Vec<Change>,
    /// Checkpoints of this block, to be signed once they are stored.
    pub checkpoints: Vec<CheckpointRecord>,
    /// Entries (or single facts of an attestation) that changed nothing, by their place in the block.
    pub refused: Vec<(usize, Refusal)>,
    /// The tip after the block.
    pub tip: Tip,
}

/// Why a block cannot be executed: it is not the next one, or the state cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError<E> {
    /// Not the next height.
    #[error("block {given} cannot follow block {tip}")]
    Height {
        /// The block's.
        given: Height,
        /// The tip's.
        tip: Height,
    },
    /// Another history.
    #[error("block {height} names {given} as its parent, not {expected}: it belongs to another history")]
    Parent {
        /// The block's height.
        height: Height,
        /// The parent it names.
        given: B256,
        /// The block before.
        expected: B256,
    },
    /// Hub time never decreases.
    #[error("block time {given} is before {tip}, the time of the block before")]
    Time {
        /// The block's.
        given: Timestamp,
        /// The tip's.
        tip: Timestamp,
    },
    /// Too long.
    #[error("a block of {0} entries is longer than {TXS_PER_BLOCK_MAX}")]
    TooManyTxs(usize),
    /// The tip's own epoch is missing from the state.
    #[error("epoch {0} is missing from the state: it is damaged, restore it from another validator")]
    Damaged(Epoch),
    /// The state cannot be read.
    #[error("the state cannot be read: {0}")]
    View(E),
}

impl Hub {
    /// The rules under a genesis that was validated.
    pub fn new(genesis: Genesis) -> Self {
        let hub_id = genesis.identity.hub_id();
        Self { genesis, hub_id }
    }

    /// The state before the first block.
    pub fn genesis_changes(&self) -> Vec<Change> {
        let identity = &self.genesis.identity;
        let mut epoch = EpochRecord::pending(Epoch(1), identity.validators.clone(), identity.epoch_expires_at);
        epoch.started_at = Some(identity.created_at);
        let tip = Tip {
            height: Height(0),
            time: identity.created_at,
            block_hash: B256::ZERO,
            epoch: epoch.epoch,
            valset_hash: epoch.valset_hash,
            state_root: Preimage::tagged("INFRASTRUKT/STATE/v1").bytes(self.hub_id).keccak(),
            next_cursor: 0,
            next_message: 0,
            next_deal: 0,
            open_deals: 0,
            pending_facts: BTreeMap::new(),
            sweep: None,
        };
        vec![Change::Epoch(epoch), Change::Tip(tip)]
    }

    /// Executes the next block. Entries that break a rule are skipped and reported; the outcome is the same at every
    /// validator.
    pub fn execute<V: StateView>(&self, view: &V, block: &Block) -> Result<Executed, ExecuteError<V::Error>> {
        let tip = view.tip().map_err(ExecuteError::View)?;
        check_header(&tip, block)?;
        let root = tip.state_root;
        let mut overlay = Overlay::new(view, &self.genesis, tip, block.height, block.time);
        let mut refused = Vec::new();
        fatal(overlay.pass_time())?;
        fatal(overlay.forget_stale_votes())?;
        for (place, tx) in block.txs.iter().enumerate() {
            let mut reasons = Vec::new();
            match self.entry(&mut overlay, tx, &mut reasons) {
                Ok(()) => {}
                Err(Stop::Refused(refusal)) => reasons.push(refusal),
                Err(Stop::View(error)) => return Err(ExecuteError::View(error)),
            }
            refused.extend(reasons.into_iter().map(|reason| (place, reason)));
        }
        fatal(overlay.reissue_uncertified())?;
        fatal(overlay.sweep())?;
        fatal(overlay.issue())?;
        self.seal(overlay, root, block, refused)
    }

    fn entry<V: StateView>(
        &self,
        overlay: &mut Overlay<'_, V>,
        tx: &HubTx,
        reasons: &mut Vec<Refusal>,
    ) -> Result<(), Stop<V::Error>> {
        match tx {
            HubTx::Attest(attestation) => overlay.attest(self.hub_id, attestation, reasons),
            HubTx::RegisterDeal(deal) => overlay.register(self.hub_id, deal),
            HubTx::CancelDeal(cancel) => overlay.cancel(self.hub_id, cancel),
            HubTx::Certify { height, kind, certificate } => overlay.certify(*height, *kind, certificate),
            HubTx::Rotate(vote) => overlay.rotate(self.hub_id, vote),
        }
    }

    fn seal<V: StateView>(
        &self,
        overlay: Overlay<'_, V>,
        root: B256,
        block: &Block,
        refused: Vec<(usize, Refusal)>,
    ) -> Result<Executed, ExecuteError<V::Error>> {
        let current = overlay.tip.epoch;
        let epoch = fatal(overlay.epoch(current))?.flatten().ok_or(ExecuteError::Damaged(current))?;
        let leaves = overlay.leaves.clone();
        let (changes, mut tip) = overlay.into_changes();
        tip.height = block.height;
        tip.time = block.time;
        tip.block_hash = block.hash();
        tip.state_root = apply_root(root, &changes);
        let checkpoints = build(self.hub_id, &epoch, block.height, block.time, tip.state_root, &leaves);
        Ok(Executed { changes, checkpoints, refused, tip })
    }
}

/// Outside of an entry nobody can be refused: what a step declines there has been overtaken by the same block.
fn fatal<T, E>(outcome: Result<T, Stop<E>>) -> Result<Option<T>, ExecuteError<E>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(Stop::Refused(_)) => Ok(None),
        Err(Stop::View(error)) => Err(ExecuteError::View(error)),
    }
}

fn check_header<E>(tip: &Tip, block: &Block) -> Result<(), ExecuteError<E>> {
    if Some(block.height) != tip.height.next() {
        return Err(ExecuteError::Height { given: block.height, tip: tip.height });
    }
    if block.parent != tip.block_hash {
        return Err(ExecuteError::Parent { height: block.height, given: block.parent, expected: tip.block_hash });
    }
    // Height gives the order, so blocks may share a second. No deadline needs more: each compares `>` or `≤` with the
    // time of one block, and what holds at a second holds for every block of it.
    if block.time < tip.time {
        return Err(ExecuteError::Time { given: block.time, tip: tip.time });
    }
    if block.txs.len() > TXS_PER_BLOCK_MAX {
        return Err(ExecuteError::TooManyTxs(block.txs.len()));
    }
    Ok(())
}

impl<V: StateView> Overlay<'_, V> {
    /// Moves the deals whose deadline has passed, before any entry: `lock_by` and `decide_by` end with hub time, not
    /// with the order of entries.
    fn pass_time(&mut self) -> Result<(), Stop<V::Error>> {
        let due = self.before().due_deals(self.now, DUE_DEALS_PER_BLOCK_MAX).map_err(Stop::View)?;
        for id in due {
            let Some(record) = self.deal(&id)? else { continue };
            match self.move_deal(record, &DealEvent::TimePassed { now: self.now }) {
                Ok(()) | Err(Stop::Refused(_)) => {}
                Err(Stop::View(error)) => return Err(Stop::View(error)),
            }
        }
        Ok(())
    }
}
