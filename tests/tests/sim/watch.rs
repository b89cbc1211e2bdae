//! Listens to what validators say. An honest one signs one checkpoint of a height and kind, and vouches for one hash of
//! a block, whatever happened to its process and its disk in between.

use infrastrukt_api::Share;
use infrastrukt_types::{Address, B256, Bytes, ChainId, CheckpointKind, Height, HubTx};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::env::Env;

/// What was said so far.
pub(crate) struct Watch {
    /// Of whom everything may be heard.
    traitors: BTreeSet<Address>,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    /// Signatures are deterministic: two of them are of two digests.
    shares: BTreeMap<(Address, Height, CheckpointKind), Bytes>,
    blocks: BTreeMap<(Address, ChainId, u64), B256>,
}

impl Watch {
    pub(crate) fn new(traitors: BTreeSet<Address>) -> Self {
        Self { traitors, said: Mutex::default() }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A share that is handed around, by its signer or by somebody who has it from the signer.
    pub(crate) fn share(&self, env: &Env, share: &Share) {
        if self.traitors.contains(&share.validator) {
            return;
        }
        let key = (share.validator, share.height, share.kind);
        let first = self.said().shares.entry(key).or_insert_with(|| share.signature.clone()).clone();
        if first != share.signature {
            env.violation(format!("{} signed two checkpoints {:?} of height {}", key.0, key.2, key.1));
        }
    }

    /// An entry of the log on its way.
    pub(crate) fn entry(&self, env: &Env, tx: &HubTx) {
        let HubTx::Attest(attestation) = tx else { return };
        if self.traitors.contains(&attestation.validator) {
            return;
        }
        for fact in &attestation.facts {
            let key = (attestation.validator, fact.origin.chain, fact.origin.block_number);
            let first = *self.said().blocks.entry(key).or_insert(fact.origin.block_hash);
            if first != fact.origin.block_hash {
                env.violation(format!("{} vouched for two hashes of block {} of {}", key.0, key.2, key.1));
            }
        }
    }
}
