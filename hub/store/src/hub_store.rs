//! A validator's state: every block in one batch.

use infrastrukt_ports::{Batch, Store, StoreError};
use infrastrukt_protocol::{
    Change, CheckpointRecord, DealRecord, EpochRecord, Executed, Hub, MessageRecord, RotationTally, Rules, StateView,
    Tally, Tip,
};
use infrastrukt_types::{
    B256, Block, ChainId, CheckpointKind, DealId, Decision, Epoch, FactId, Height, MessageId, Timestamp,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::{
    columns::{
        DealFilter, Listed, MessageFilter, SCHEMA_VERSION, blocks, checkpoints, deals, epochs, facts, frozen, messages,
        meta, signing,
    },
    errors::{ApplyError, OpenError},
};

/// The state of one validator.
pub struct HubStore {
    pub(crate) store: Arc<dyn Store>,
    rules: Rules,
    /// Makes read, compare and write of what is signed once one step.
    pub(crate) signing: Mutex<()>,
}

impl HubStore {
    /// Opens the state of `hub` in a store that has [`HUB_COLUMNS`](crate::HUB_COLUMNS); an empty one gets the genesis.
    pub fn open(store: Arc<dyn Store>, hub: &Hub) -> Result<Self, OpenError> {
        let expected = hub.genesis.digest();
        match meta::schema(store.as_ref())? {
            None => initialise(store.as_ref(), hub, expected)?,
            Some(SCHEMA_VERSION) => {}
            Some(found) => migrate(found)?,
        }
        let found = meta::genesis(store.as_ref())?.unwrap_or_default();
        if found != expected {
            return Err(OpenError::OtherGenesis { found, expected });
        }
        Ok(Self { store, rules: Rules::from(&hub.genesis.timing), signing: Mutex::new(()) })
    }

    /// Stores an executed block with everything it changed: one synced batch.
    pub fn apply(&self, block: &Block, executed: &Executed) -> Result<(), ApplyError> {
        let tip = self.tip()?.height;
        if tip.next() != Some(block.height) || executed.tip.height != block.height {
            return Err(ApplyError::OutOfOrder { block: block.height, executed: executed.tip.height, tip });
        }
        let mut batch = Batch::default();
        blocks::put(&mut batch, block);
        let mut heights = BTreeMap::new();
        for change in &executed.changes {
            if let Change::Fact { origin, .. } = change {
                let highest = heights.entry(origin.chain).or_insert(origin.block_number);
                *highest = origin.block_number.max(*highest);
            }
            self.stage(&mut batch, change)?;
        }
        for (chain, block) in heights {
            if facts::proven_height(self.store.as_ref(), chain)?.is_none_or(|known| known < block) {
                facts::put_proven_height(&mut batch, chain, block);
            }
        }
        for record in &executed.checkpoints {
            checkpoints::put(&mut batch, record);
        }
        meta::put_tip(&mut batch, &executed.tip);
        Ok(self.store.commit(batch)?)
    }

    fn stage(&self, batch: &mut Batch, change: &Change) -> Result<(), StoreError> {
        match change {
            Change::Message(record) => messages::put(batch, self.message(&record.id)?.as_ref(), record),
            Change::Deal(record) => deals::put(batch, self.deal(&record.id)?.as_ref(), record, &self.rules),
            Change::Checkpoint(record) => {
                checkpoints::put(batch, record);
                if record.certificate.is_some() {
                    self.drop_shares(batch, record.checkpoint.height, record.checkpoint.kind)?;
                }
            }
            Change::Tally { id, tally } => facts::put_tally(batch, *id, self.tally(id)?.as_ref(), tally.as_ref()),
            Change::Fact { .. }
            | Change::Epoch(_)
            | Change::Rotation { .. }
            | Change::Frozen { .. }
            | Change::Tip(_) => stage_plain(batch, change),
        }
        Ok(())
    }

    /// Stages the removal of all shares on a checkpoint.
    pub(crate) fn drop_shares(
        &self,
        batch: &mut Batch,
        height: Height,
        kind: CheckpointKind,
    ) -> Result<(), StoreError> {
        for share in self.shares(height, kind)? {
            signing::delete_share(batch, height, kind, share.validator);
        }
        Ok(())
    }

    /// Executed blocks from a height on, ascending.
    pub fn blocks_from(&self, height: Height, limit: usize) -> Result<Vec<Block>, StoreError> {
        blocks::from(self.store.as_ref(), height, limit)
    }

    /// Certified checkpoints in the order of certification, from a cursor on.
    pub fn certified_from(&self, cursor: u64, limit: usize) -> Result<Vec<CheckpointRecord>, StoreError> {
        checkpoints::certified_from(self.store.as_ref(), cursor, limit)
    }

    /// Messages, newest first, with `before` those of lower sequence numbers only. Looks at
    /// [`SCANNED_MAX`](crate::SCANNED_MAX) records at most and says where it ended.
    pub fn messages(
        &self,
        filter: &MessageFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Listed<MessageRecord>, StoreError> {
        messages::newest(self.store.as_ref(), filter, before, limit)
    }

    /// Deals, as [`messages`](Self::messages).
    pub fn deals(
        &self,
        filter: &DealFilter,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Listed<DealRecord>, StoreError> {
        deals::newest(self.store.as_ref(), filter, before, limit)
    }

    /// Highest block of a chain of which a fact is proven.
    pub fn proven_height(&self, chain: ChainId) -> Result<Option<u64>, StoreError> {
        facts::proven_height(self.store.as_ref(), chain)
    }
}

fn initialise(store: &dyn Store, hub: &Hub, digest: B256) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    meta::put_schema(&mut batch, SCHEMA_VERSION);
    meta::put_genesis(&mut batch, digest);
    for change in hub.genesis_changes() {
        stage_plain(&mut batch, &change);
    }
    store.commit(batch)
}

/// Where migrations of older schemas are called from, one version at a time. Blocks of schema 1 would come out differently
/// now, so that nothing of it can be taken over.
const fn migrate(found: u32) -> Result<(), OpenError> {
    if found > SCHEMA_VERSION { Err(OpenError::NewerSchema { found }) } else { Err(OpenError::OlderSchema { found }) }
}

/// Changes whose rows need nothing of what the store held before. Records with indexes are staged by the caller.
fn stage_plain(batch: &mut Batch, change: &Change) {
    match change {
        Change::Fact { origin, id } => facts::put(batch, origin, *id),
        Change::Epoch(record) => epochs::put(batch, record),
        Change::Rotation { epoch, tally } => epochs::put_votes(batch, *epoch, tally.as_ref()),
        Change::Frozen { chain, evidence } => frozen::put(batch, *chain, evidence),
        Change::Tip(tip) => meta::put_tip(batch, tip),
        Change::Message(_) | Change::Deal(_) | Change::Checkpoint(_) | Change::Tally { .. } => {}
    }
}

impl StateView for HubStore {
    type Error = StoreError;

    fn tip(&self) -> Result<Tip, StoreError> {
        let missing = || StoreError::Io("the data directory has no tip; restore it from a backup".into());
        meta::tip(self.store.as_ref())?.ok_or_else(missing)
    }

    fn message(&self, id: &MessageId) -> Result<Option<MessageRecord>, StoreError> {
        messages::get(self.store.as_ref(), id)
    }

    fn deal(&self, id: &DealId) -> Result<Option<DealRecord>, StoreError> {
        deals::get(self.store.as_ref(), id)
    }

    fn tally(&self, id: &FactId) -> Result<Option<Tally>, StoreError> {
        facts::tally(self.store.as_ref(), id)
    }

    fn stale_tallies(&self, before: Timestamp, limit: usize) -> Result<Vec<FactId>, StoreError> {
        facts::stale_tallies(self.store.as_ref(), before, limit)
    }

    fn fact_at(
        &self,
        chain: ChainId,
        block: u64,
        tx_index: u32,
        event_index: u32,
    ) -> Result<Option<FactId>, StoreError> {
        facts::at(self.store.as_ref(), chain, block, tx_index, event_index)
    }

    fn block_hash_at(&self, chain: ChainId, block: u64) -> Result<Option<B256>, StoreError> {
        facts::block_hash(self.store.as_ref(), chain, block)
    }

    fn checkpoint(&self, height: Height, kind: CheckpointKind) -> Result<Option<CheckpointRecord>, StoreError> {
        checkpoints::get(self.store.as_ref(), height, kind)
    }

    fn epoch(&self, epoch: Epoch) -> Result<Option<EpochRecord>, StoreError> {
        epochs::get(self.store.as_ref(), epoch)
    }

    fn due_deals(&self, before: Timestamp, limit: usize) -> Result<Vec<DealId>, StoreError> {
        deals::due(self.store.as_ref(), before, limit)
    }

    fn uncertified(&self, below: Height, limit: usize) -> Result<Vec<(Height, CheckpointKind)>, StoreError> {
        checkpoints::uncertified(self.store.as_ref(), below, limit)
    }

    fn open_messages(&self, from: u64, end: u64, limit: usize) -> Result<Vec<(u64, MessageId)>, StoreError> {
        messages::open(self.store.as_ref(), from, end, limit)
    }

    fn open_deals(&self, from: u64, end: u64, limit: usize) -> Result<Vec<(u64, DealId)>, StoreError> {
        deals::open(self.store.as_ref(), from, end, limit)
    }

    fn waiting_messages(&self, limit: usize) -> Result<Vec<MessageId>, StoreError> {
        messages::waiting(self.store.as_ref(), limit)
    }

    fn waiting_deals(&self, decision: Decision, limit: usize) -> Result<Vec<DealId>, StoreError> {
        deals::waiting(self.store.as_ref(), decision, limit)
    }

    fn rotation_votes(&self, epoch: Epoch) -> Result<Option<RotationTally>, StoreError> {
        epochs::votes(self.store.as_ref(), epoch)
    }

    fn frozen(&self, chain: ChainId) -> Result<Option<String>, StoreError> {
        frozen::get(self.store.as_ref(), chain)
    }
}
