//! The state as the entries of one block see it: what was stored, with what earlier entries changed on top.

use infrastrukt_types::{
    B256, ChainId, CheckpointKind, DealId, Epoch, FactId, Height, Leaf, MessageId, Origin, Timestamp,
};
use std::collections::BTreeMap;

use super::{
    change::Change,
    refusal::Refusal,
    tally::Tally,
    view::{StateView, Tip},
};
use crate::{
    checkpoint::CheckpointRecord,
    deal::DealRecord,
    genesis::Genesis,
    message::MessageRecord,
    valset::{EpochRecord, RotationTally},
};

/// An entry was refused, or the state could not be read.
pub(super) enum Stop<E> {
    /// The entry changes nothing.
    Refused(Refusal),
    /// Execution cannot go on.
    View(E),
}

impl<E, R: Into<Refusal>> From<R> for Stop<E> {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal.into())
    }
}

type Position = (ChainId, u64, u32, u32);

/// Reads through to the view; keeps every change, the last value of each key.
pub(super) struct Overlay<'a, V> {
    view: &'a V,
    /// What all validators agreed on.
    pub(super) genesis: &'a Genesis,
    /// Time of the block.
    pub(super) now: Timestamp,
    /// Height of the block.
    pub(super) height: Height,
    /// The tip that the block leads to.
    pub(super) tip: Tip,
    /// Leaves that the block wants, in the order in which it came to want them; in the end, those that it issues.
    pub(super) leaves: Vec<Leaf>,
    messages: BTreeMap<MessageId, MessageRecord>,
    deals: BTreeMap<DealId, DealRecord>,
    tallies: BTreeMap<FactId, Option<Tally>>,
    facts: BTreeMap<Position, (Origin, FactId)>,
    blocks: BTreeMap<(ChainId, u64), B256>,
    checkpoints: BTreeMap<(Height, CheckpointKind), CheckpointRecord>,
    epochs: BTreeMap<Epoch, EpochRecord>,
    rotations: BTreeMap<Epoch, Option<RotationTally>>,
    frozen: BTreeMap<ChainId, String>,
}

impl<'a, V: StateView> Overlay<'a, V> {
    pub(super) fn new(view: &'a V, genesis: &'a Genesis, tip: Tip, height: Height, now: Timestamp) -> Self {
        Self {
            view,
            genesis,
            now,
            height,
            tip,
            leaves: Vec::new(),
            messages: BTreeMap::new(),
            deals: BTreeMap::new(),
            tallies: BTreeMap::new(),
            facts: BTreeMap::new(),
            blocks: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            epochs: BTreeMap::new(),
            rotations: BTreeMap::new(),
            frozen: BTreeMap::new(),
        }
    }

    /// The state before the block, for lists; what they name is read through the overlay.
    pub(super) const fn before(&self) -> &'a V {
        self.view
    }

    pub(super) fn message(&self, id: &MessageId) -> Result<Option<MessageRecord>, Stop<V::Error>> {
        match self.messages.get(id) {
            Some(record) => Ok(Some(record.clone())),
            None => self.view.message(id).map_err(Stop::View),
        }
    }

    pub(super) fn deal(&self, id: &DealId) -> Result<Option<DealRecord>, Stop<V::Error>> {
        match self.deals.get(id) {
            Some(record) => Ok(Some(record.clone())),
            None => self.view.deal(id).map_err(Stop::View),
        }
    }

    pub(super) fn tally(&self, id: &FactId) -> Result<Option<Tally>, Stop<V::Error>> {
        match self.tallies.get(id) {
            Some(tally) => Ok(tally.clone()),
            None => self.view.tally(id).map_err(Stop::View),
        }
    }

    pub(super) fn fact_at(&self, origin: &Origin) -> Result<Option<FactId>, Stop<V::Error>> {
        let Origin { chain, block_number, tx_index, event_index, .. } = *origin;
        match self.facts.get(&(chain, block_number, tx_index, event_index)) {
            Some((_, id)) => Ok(Some(*id)),
            None => self.view.fact_at(chain, block_number, tx_index, event_index).map_err(Stop::View),
        }
    }

    pub(super) fn block_hash_at(&self, origin: &Origin) -> Result<Option<B256>, Stop<V::Error>> {
        match self.blocks.get(&(origin.chain, origin.block_number)) {
            Some(hash) => Ok(Some(*hash)),
            None => self.view.block_hash_at(origin.chain, origin.block_number).map_err(Stop::View),
        }
    }

    pub(super) fn checkpoint(
        &self,
        height: Height,
        kind: CheckpointKind,
    ) -> Result<Option<CheckpointRecord>, Stop<V::Error>> {
        match self.checkpoints.get(&(height, kind)) {
            Some(record) => Ok(Some(record.clone())),
            None => self.view.checkpoint(height, kind).map_err(Stop::View),
        }
    }

    pub(super) fn epoch(&self, epoch: Epoch) -> Result<Option<EpochRecord>, Stop<V::Error>> {
        match self.epochs.get(&epoch) {
            Some(record) => Ok(Some(record.clone())),
            None => self.view.epoch(epoch).map_err(Stop::View),
        }
    }

    pub(super) fn rotation(&self, epoch: Epoch) -> Result<Option<RotationTally>, Stop<V::Error>> {
        match self.rotations.get(&epoch) {
            Some(tally) => Ok(tally.clone()),
            None => self.view.rotation_votes(epoch).map_err(Stop::View),
        }
    }

    pub(super) fn frozen(&self, chain: ChainId) -> Result<Option<String>, Stop<V::Error>> {
        match self.frozen.get(&chain) {
            Some(evidence) => Ok(Some(evidence.clone())),
            None => self.view.frozen(chain).map_err(Stop::View),
        }
    }

    pub(super) fn put_message(&mut self, record: MessageRecord) {
        self.messages.insert(record.id, record);
    }

    pub(super) fn put_deal(&mut self, record: DealRecord) {
        self.deals.insert(record.id, record);
    }

    pub(super) fn put_tally(&mut self, id: FactId, tally: Option<Tally>) {
        self.tallies.insert(id, tally);
    }

    pub(super) fn put_fact(&mut self, origin: Origin, id: FactId) {
        let position = (origin.chain, origin.block_number, origin.tx_index, origin.event_index);
        self.facts.insert(position, (origin, id));
        self.blocks.insert((origin.chain, origin.block_number), origin.block_hash);
    }

    pub(super) fn put_checkpoint(&mut self, record: CheckpointRecord) {
        self.checkpoints.insert((record.checkpoint.height, record.checkpoint.kind), record);
    }

    pub(super) fn put_epoch(&mut self, record: EpochRecord) {
        self.epochs.insert(record.epoch, record);
    }

    pub(super) fn put_rotation(&mut self, epoch: Epoch, tally: Option<RotationTally>) {
        self.rotations.insert(epoch, tally);
    }

    /// The first evidence is kept.
    pub(super) fn freeze(&mut self, chain: ChainId, evidence: String) -> Result<(), Stop<V::Error>> {
        if self.frozen(chain)?.is_none() {
            self.frozen.insert(chain, evidence);
        }
        Ok(())
    }

    /// Every change of the block in a fixed order, and the tip.
    pub(super) fn into_changes(self) -> (Vec<Change>, Tip) {
        let frozen = self.frozen.into_iter().map(|(chain, evidence)| Change::Frozen { chain, evidence });
        let rotations = self.rotations.into_iter().map(|(epoch, tally)| Change::Rotation { epoch, tally });
        let changes = (self.messages.into_values().map(Change::Message))
            .chain(self.deals.into_values().map(Change::Deal))
            .chain(self.tallies.into_iter().map(|(id, tally)| Change::Tally { id, tally }))
            .chain(self.facts.into_values().map(|(origin, id)| Change::Fact { origin, id }))
            .chain(self.checkpoints.into_values().map(Change::Checkpoint))
            .chain(self.epochs.into_values().map(Change::Epoch))
            .chain(rotations)
            .chain(frozen)
            .collect();
        (changes, self.tip)
    }
}
