//! What a validator said: written before it leaves the process, so that it never says anything else.

use infrastrukt_ports::{Batch, StoreError};
use infrastrukt_protocol::{CheckpointRecord, VALIDATORS_MAX};
use infrastrukt_types::{
    Address, B256, ChainId, CheckpointKind, DealId, Decision, Epoch, Fact, Height, Leaf, Timestamp,
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::PoisonError,
};

use crate::{
    columns::{StoredShare, attested, facts, signing},
    errors::{BlockConflict, SignOnceError},
    hub_store::HubStore,
};

impl HubStore {
    /// Remembers for ever that this validator signs this checkpoint, and what it decides; to be called before the
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
                Leaf::Rotate { epoch, valset_hash, expires_at } => {
                    self.rotate_once(&mut batch, *epoch, *valset_hash, *expires_at)?;
                }
                Leaf::Message(_) | Leaf::Expired(_) => {}
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

    fn rotate_once(
        &self,
        batch: &mut Batch,
        epoch: Epoch,
        given: B256,
        expires_at: Timestamp,
    ) -> Result<(), SignOnceError> {
        match signing::rotation(self.store.as_ref(), epoch)? {
            Some(known) if known != (given, expires_at) => {
                Err(SignOnceError::Rotation { epoch, signed: known.0, given })
            }
            Some(_) => Ok(()),
            None => {
                signing::put_rotation(batch, epoch, given, expires_at);
                Ok(())
            }
        }
    }

    /// Remembers which blocks these facts are of; to be called before an attestation to them leaves the process. Where
    /// another hash of the same block was attested to or proven before, all facts of the chain are left out and the
    /// conflicts named: also after a restart. One synced batch for all that may be attested to.
    pub fn attest_once(&self, facts: Vec<Fact>) -> Result<(Vec<Fact>, Vec<BlockConflict>), StoreError> {
        let _one_at_a_time = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut blocks, mut conflicts) = (BTreeMap::new(), Vec::new());
        for Fact { origin, .. } in &facts {
            let (chain, block, given) = (origin.chain, origin.block_number, origin.block_hash);
            let known = match blocks.entry((chain, block)) {
                Entry::Occupied(first) => *first.get(),
                Entry::Vacant(place) => *place.insert(self.vouched_hash(chain, block)?.unwrap_or(given)),
            };
            if known != given {
                conflicts.push(BlockConflict { chain, block, known, given });
            }
        }
        let sound = |fact: &Fact| conflicts.iter().all(|conflict| conflict.chain != fact.origin.chain);
        let facts: Vec<Fact> = facts.into_iter().filter(sound).collect();
        let (mut batch, mut newest) = (Batch::default(), BTreeMap::new());
        for Fact { origin, .. } in &facts {
            attested::put(&mut batch, origin);
            let block = newest.entry(origin.chain).or_insert(origin.block_number);
            *block = origin.block_number.max(*block);
        }
        for (chain, block) in newest {
            attested::forget(self.store.as_ref(), &mut batch, chain, block)?;
        }
        if !batch.is_empty() {
            self.store.commit(batch)?;
        }
        Ok((facts, conflicts))
    }

    fn vouched_hash(&self, chain: ChainId, block: u64) -> Result<Option<B256>, StoreError> {
        match attested::hash(self.store.as_ref(), chain, block)? {
            Some(own) => Ok(Some(own)),
            None => facts::block_hash(self.store.as_ref(), chain, block),
        }
    }

    /// The digest that was signed for a height and kind.
    pub fn signed_digest(&self, height: Height, kind: CheckpointKind) -> Result<Option<B256>, StoreError> {
        signing::signed(self.store.as_ref(), height, kind)
    }

    /// Keeps shares until their checkpoint is certified, in one synced batch. Whoever calls has checked them, and
    /// bounds how many checkpoints have some.
    pub fn put_shares(&self, shares: &[StoredShare]) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for share in shares {
            signing::put_share(&mut batch, share);
        }
        self.store.commit(batch)
    }

    /// Shares on a checkpoint that is not certified yet, by validator.
    pub fn shares(&self, height: Height, kind: CheckpointKind) -> Result<Vec<StoredShare>, StoreError> {
        signing::shares(self.store.as_ref(), height, kind, VALIDATORS_MAX)
    }

    /// Shares on all checkpoints that are not certified yet, the oldest first.
    pub fn all_shares(&self, limit: usize) -> Result<Vec<StoredShare>, StoreError> {
        signing::all_shares(self.store.as_ref(), limit)
    }

    /// Forgets one validator's share on a checkpoint.
    pub fn forget_share(&self, height: Height, kind: CheckpointKind, validator: Address) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        signing::delete_share(&mut batch, height, kind, validator);
        self.store.commit(batch)
    }

    /// Forgets all shares on these checkpoints.
    pub fn forget_shares(&self, checkpoints: &[(Height, CheckpointKind)]) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for (height, kind) in checkpoints {
            self.drop_shares(&mut batch, *height, *kind)?;
        }
        if batch.is_empty() { Ok(()) } else { self.store.commit(batch) }
    }
}
