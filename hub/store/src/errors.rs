//! Why the hub's store refuses: each error carries what was found and what to do.

use infrastrukt_ports::StoreError;
use infrastrukt_types::{B256, CheckpointKind, DealId, Decision, Height};

use crate::columns::SCHEMA_VERSION;

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Disk, lock or damage.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Written by a later release.
    #[error("the data directory has schema {found}, this release knows {SCHEMA_VERSION}: install the newer release")]
    NewerSchema {
        /// Version found.
        found: u32,
    },
    /// Written by a release whose data this one cannot take over.
    #[error("the data directory has schema {found}, older than any this release can migrate: use a release between")]
    OlderSchema {
        /// Version found.
        found: u32,
    },
    /// Another hub's data, or a genesis that was edited afterwards.
    #[error("the data directory belongs to genesis {found}, the configured one is {expected}: correct the genesis")]
    OtherGenesis {
        /// Digest found.
        found: B256,
        /// Digest of the configured genesis.
        expected: B256,
    },
}

/// Why a block was not stored.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Disk, lock or damage.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not the next one, or executed from another one.
    #[error("block {block}, executed to {executed}, cannot be stored behind block {tip}: execute the next block again")]
    OutOfOrder {
        /// The block's height.
        block: Height,
        /// Height of the tip it was executed to.
        executed: Height,
        /// Height of the stored tip.
        tip: Height,
    },
}

/// Why a signature must not leave the process.
#[derive(Debug, thiserror::Error)]
pub enum SignOnceError {
    /// The memory could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another digest was signed for this height and kind.
    #[error(
        "height {height} {kind:?} was signed as {signed}, {given} is never signed: two of this validator run, or its data is of another history"
    )]
    Digest {
        /// Height of the checkpoint.
        height: Height,
        /// Kind of the checkpoint.
        kind: CheckpointKind,
        /// What was signed.
        signed: B256,
        /// What was asked for.
        given: B256,
    },
    /// Another decision was signed for this deal.
    #[error("deal {deal} was signed as {signed:?}, {given:?} is never signed")]
    Decision {
        /// The deal.
        deal: DealId,
        /// What was signed.
        signed: Decision,
        /// What was asked for.
        given: Decision,
    },
}
