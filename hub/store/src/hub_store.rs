//! A validator's state: every block in one batch, and the memory of what it signed.

use infrastrukt_ports::{Batch, Store, StoreError};
use infrastrukt_protocol::{
    Change, CheckpointRecord, DealRecord, EpochRecord, Executed, Hub, MessageRecord, RotationTally, Rules, StateView,
    Tally, Tip, VALIDATORS_MAX,
};
use infrastrukt_types::{
    Address, B256, Block, ChainId, CheckpointKind, DealId, Decision, Epoch, FactId, Height, Leaf, MessageId, Timestamp,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    columns::{
        DealFilter, MessageFilter, SCHEMA_VERSION, ShareSignature, blocks, checkpoints, deals, epochs, facts, frozen,
        messages, meta, signing,
    },
    errors::{ApplyError, OpenError, SignOnceError},
};

/// The state of one validator.
pub struct HubStore {
    store: Arc<dyn Store>,
    rules: Rules,
    /// Makes read, compare and write of a sign-once record one step.
    signing: Mutex<()>,
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
                self.drop_shares(batch, record.checkpoint.height, record.checkpoint.kind)?;
            }
            Change::Tally { .. }
            | Change::Fact { .. }
            | Change::Epoch(_)
            | Change::Rotation { .. }
            | Change::Frozen { .. }
            | Change::Tip(_) => stage_plain(batch, change),
        }
        Ok(())
    }

    /// Shares are kept until their checkpoint is certified or superseded.
    fn drop_shares(&self, batch: &mut Batch, height: Height, kind: CheckpointKind) -> Result<(), StoreError> {
        for (validator, _) in self.shares(height, kind)? {
            signing::delete_share(batch, height, kind, validator);
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

    /// Messages, newest first. A filter looks at a bounded number of them.
    pub fn messages(&self, filter: &MessageFilter, limit: usize) -> Result<Vec<MessageRecord>, StoreError> {
        messages::newest(self.store.as_ref(), filter, limit)
    }

    /// Deals, newest first. A filter looks at a bounded number of them.
    pub fn deals(&self, filter: &DealFilter, limit: usize) -> Result<Vec<DealRecord>, StoreError> {
        deals::newest(self.store.as_ref(), filter, limit)
    }

    /// Highest block of a chain of which a fact is proven.
    pub fn proven_height(&self, chain: ChainId) -> Result<Option<u64>, StoreError> {
        facts::proven_height(self.store.as_ref(), chain)
    }

    /// Remembers for ever that this validator signs this checkpoint, and the decisions in it; to be called before the
    /// signature leaves the process. The same again is allowed, anything else refused: also after a restart (S4).
    pub fn sign_once(&self, record: &CheckpointRecord) -> Result<(), SignOnceError> {
        let _one_at_a_time = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        let (height, kind, given) = (record.checkpoint.height, record.checkpoint.kind, record.checkpoint.digest());
        let mut batch = Batch::default();
        match signing::signed(self.store.as_ref(), height, kind)? {
            Some(signed) if signed != given => return Err(SignOnceError::Digest { height, kind, signed, given }),
            Some(_) => {}
            None => signing::put_signed(&mut batch, height, kind, given),
        }
        for leaf in &record.leaves {
            match leaf {
                Leaf::Decision(deal, given) => self.decide_once(&mut batch, *deal, *given)?,
                Leaf::Message(_) | Leaf::Expired(_) | Leaf::Rotate { .. } => {}
            }
        }
        if batch.is_empty() { Ok(()) } else { Ok(self.store.commit(batch)?) }
    }

    fn decide_once(&self, batch: &mut Batch, deal: DealId, given: Decision) -> Result<(), SignOnceError> {
        match signing::decision(self.store.as_ref(), deal)? {
            Some(signed) if signed != given => Err(SignOnceError::Decision { deal, signed, given }),
            Some(_) => Ok(()),
            None => {
                signing::put_decision(batch, deal, given);
                Ok(())
            }
        }
    }

    /// The digest that was signed for a height and kind.
    pub fn signed_digest(&self, height: Height, kind: CheckpointKind) -> Result<Option<B256>, StoreError> {
        signing::signed(self.store.as_ref(), height, kind)
    }

    /// Keeps a validator's share on a checkpoint. Whoever calls has checked it.
    pub fn put_share(
        &self,
        height: Height,
        kind: CheckpointKind,
        validator: Address,
        signature: &ShareSignature,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        signing::put_share(&mut batch, height, kind, validator, signature);
        self.store.commit(batch)
    }

    /// Shares on a checkpoint that is not certified yet, by validator.
    pub fn shares(&self, height: Height, kind: CheckpointKind) -> Result<Vec<(Address, ShareSignature)>, StoreError> {
        signing::shares(self.store.as_ref(), height, kind, VALIDATORS_MAX)
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

/// Where migrations of older schemas are called from, one version at a time. There is no older schema than 1.
const fn migrate(found: u32) -> Result<(), OpenError> {
    if found > SCHEMA_VERSION { Err(OpenError::NewerSchema { found }) } else { Err(OpenError::OlderSchema { found }) }
}

/// Changes whose rows need nothing of what the store held before. Records with indexes are staged by the caller.
fn stage_plain(batch: &mut Batch, change: &Change) {
    match change {
        Change::Tally { id, tally } => facts::put_tally(batch, *id, tally.as_ref()),
        Change::Fact { origin, id } => facts::put(batch, origin, *id),
        Change::Epoch(record) => epochs::put(batch, record),
        Change::Rotation { epoch, tally } => epochs::put_votes(batch, *epoch, tally.as_ref()),
        Change::Frozen { chain, evidence } => frozen::put(batch, *chain, evidence),
        Change::Tip(tip) => meta::put_tip(batch, tip),
        Change::Message(_) | Change::Deal(_) | Change::Checkpoint(_) => {}
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

    fn rotation_votes(&self, epoch: Epoch) -> Result<Option<RotationTally>, StoreError> {
        epochs::votes(self.store.as_ref(), epoch)
    }

    fn frozen(&self, chain: ChainId) -> Result<Option<String>, StoreError> {
        frozen::get(self.store.as_ref(), chain)
    }
}
