//! Why the hub's store refuses: each error carries what was found and what to do.

use infrastrukt_ports::StoreError;
use infrastrukt_types::{B256, ChainId, CheckpointKind, DealId, Decision, Epoch, Height};

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
    #[error(
        "the data directory has schema {found}, which this release cannot take over: begin anew in another directory"
    )]
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
    /// Another set, or another end of it, was signed for this epoch.
    #[error(
        "epoch {epoch} was signed with set {signed}, {given} with the end asked for is never signed: two of this \
         validator run, or its data is of another history"
    )]
    Rotation {
        /// The epoch.
        epoch: Epoch,
        /// Hash of the set that was signed.
        signed: B256,
        /// Hash of the set that was asked for; the same where only the end differs.
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

/// Two hashes of one block that should be final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "block {block} of {chain} was vouched for as {known}, {given} is never signed: a final block changed or endpoints \
     lied. Find out which, then restart"
)]
pub struct BlockConflict {
    /// The chain.
    pub chain: ChainId,
    /// The block's number.
    pub block: u64,
    /// The hash that this validator attested to, or a quorum.
    pub known: B256,
    /// The hash that came now.
    pub given: B256,
}
