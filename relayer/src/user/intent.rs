//! What a user set out to do, kept before it is done: the same command after a crash goes on instead of doing it twice.

use infrastrukt_ports::{Action, Batch, Column, Store, StoreError, SubmissionKey};
use infrastrukt_types::{B256, ChainId, codec, keccak256};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `hash of chain and label` → [`Intent`], from before the submission until its receipt is seen.
const INTENTS: Column = Column("user_intents");

/// Columns that a user's store needs beside those of the writers.
pub const USER_COLUMNS: &[Column] = &[INTENTS];

/// One unfinished submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Random, so that finished and later submissions of the same label differ.
    nonce: B256,
    /// What is done. A resumed intent keeps its first action with that action's deadlines.
    pub action: Action,
}

/// The unfinished submissions of one user.
#[derive(Clone)]
pub struct Intents(Arc<dyn Store>);

impl Intents {
    /// Over a store with [`USER_COLUMNS`].
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// The unfinished intent of this label.
    pub fn find(&self, chain: ChainId, label: &str) -> Result<Option<Intent>, StoreError> {
        let bytes = self.0.get(INTENTS, row(chain, label).as_slice())?;
        bytes.map(|bytes| codec::decode(&bytes).map_err(StoreError::from)).transpose()
    }

    /// The unfinished intent of this label, or a new one with `action`; on disk when this returns.
    pub fn begin(&self, chain: ChainId, label: &str, action: &Action) -> Result<Intent, StoreError> {
        if let Some(intent) = self.find(chain, label)? {
            return Ok(intent);
        }
        let intent = Intent { nonce: B256::from(rand::random::<[u8; 32]>()), action: action.clone() };
        let mut batch = Batch::default();
        batch.put(INTENTS, row(chain, label).as_slice(), codec::encode(&intent));
        self.0.commit(batch)?;
        Ok(intent)
    }

    /// Forgets a finished intent.
    pub fn finish(&self, chain: ChainId, label: &str) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.delete(INTENTS, row(chain, label).as_slice());
        self.0.commit(batch)
    }
}

impl Intent {
    /// The name of its one submission.
    pub fn key(&self) -> SubmissionKey {
        SubmissionKey(keccak256([b"INFRASTRUKT/INTENT/v1".as_slice(), self.nonce.as_slice()].concat()))
    }
}

fn row(chain: ChainId, label: &str) -> B256 {
    keccak256([&chain.0.to_be_bytes(), label.as_bytes()].concat())
}
