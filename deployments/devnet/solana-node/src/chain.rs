//! The chain's state: a new one with its genesis, or the one of the folder brought to where it stopped.

use crate::{error::NodeError, folder::Folder, genesis::Genesis};
use surfpool_core::{
    surfnet::{
        BlockIdentifier, GeyserEvent,
        svm::{SurfnetSvm, SurfnetSvmConfig},
    },
    types::SyntheticBlockhash,
};
use surfpool_types::{
    SimnetEvent,
    channel::{self, Receiver},
};

/// Surfpool takes the wall clock into the genesis hash; every chain of this node has one and the same instead, since
/// clients tell chains apart by it. Seconds since 1970.
const GENESIS_CREATION_TIME_S: i64 = 1_700_000_000;

/// A chain that is ready to produce blocks, and what it reports.
pub(crate) struct Chain {
    /// State and runtime.
    pub(crate) svm: SurfnetSvm,
    /// Life cycle and log.
    pub(crate) events: Receiver<SimnetEvent>,
    /// What plugins would get.
    pub(crate) geyser: Receiver<GeyserEvent>,
}

/// Opens the chain of the folder, or begins one with the genesis given.
///
/// # Errors
/// The genesis is refused or differs from the chain's, or the database cannot be used.
pub(crate) fn open(folder: &Folder, genesis: &Genesis, slot_ms: u64) -> Result<Chain, NodeError> {
    let goes_on = genesis.is_installed(folder)?;
    let config =
        SurfnetSvmConfig { slot_time: slot_ms, instruction_profiling_enabled: false, ..SurfnetSvmConfig::default() };
    let (mut svm, events, geyser) = SurfnetSvm::new_with_db(Some(folder.database()), config)
        .map_err(|error| NodeError::Chain(error.to_string()))?;
    svm.genesis_config.creation_time = GENESIS_CREATION_TIME_S;
    if goes_on {
        resume(&mut svm)?;
    } else {
        genesis.install(&mut svm, folder)?;
    }
    align(&mut svm, slot_ms);
    Ok(Chain { svm, events, geyser })
}

/// Opens the slot after the last closed one. Surfpool opens that one again, and a block of new transactions would
/// replace the block there.
fn resume(svm: &mut SurfnetSvm) -> Result<(), NodeError> {
    let slot = svm.get_latest_absolute_slot();
    let has_closed_a_slot = svm.last_checkpoint_slot != 0;
    if has_closed_a_slot {
        svm.confirm_current_block().map_err(|error| NodeError::Chain(error.to_string()))?;
    }
    queue_transactions_without_block(svm, if has_closed_a_slot { slot } else { slot.saturating_sub(1) })
}

/// A process that was killed leaves transactions whose effects are stored and whose block is not. They go into the
/// block of the slot that is open now, which was theirs, or no reader of blocks would ever see them.
fn queue_transactions_without_block(svm: &mut SurfnetSvm, last_closed: u64) -> Result<(), NodeError> {
    let stored = svm.transactions.into_iter().map_err(|error| NodeError::Chain(error.to_string()))?;
    let open: Vec<_> = stored
        .filter_map(|(_, status)| status.as_processed())
        .map(|(transaction, _)| transaction)
        .filter(|transaction| transaction.slot > last_closed)
        .collect();
    for transaction in open {
        // Nobody waits for the status of a transaction that an earlier process took.
        let (status, _) = channel::bounded(1);
        let failure = transaction.meta.status.err();
        svm.transactions_queued_for_confirmation.push_back((transaction.transaction, status, failure));
    }
    Ok(())
}

/// Makes slots, times and blockhashes agree. Surfpool dates slots from its own start, so that a chain which goes on
/// would be ahead of the clock by all the slots it has had; and it counts blockhashes from the first slot where it
/// stored a block, but from zero where it did not, so that two blocks could have one hash.
fn align(svm: &mut SurfnetSvm, slot_ms: u64) {
    let slot = svm.get_latest_absolute_slot();
    let age_ms = slot.saturating_sub(svm.genesis_slot).saturating_mul(slot_ms);
    svm.genesis_updated_at = svm.updated_at.saturating_sub(age_ms);
    svm.chain_tip = BlockIdentifier::new(slot, &SyntheticBlockhash::new(slot.saturating_sub(1)).to_string());
    svm.latest_epoch_info.block_height = slot;
    svm.reconstruct_sysvars();
}
