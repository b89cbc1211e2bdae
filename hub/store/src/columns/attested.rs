//! Which block of which chain this validator has vouched for.

use infrastrukt_ports::{Batch, Column, Store, StoreError};
use infrastrukt_types::{B256, ChainId, Origin};

use super::{hash_of, number_at};

/// Chain ‖ block → hash that was attested to.
pub(crate) const ATTESTED: Column = Column("attested_blocks");

/// Blocks of a chain, counted back from the newest one attested to, whose hashes are remembered: five days of the
/// fastest chain. Only those with facts take room.
pub const ATTESTED_BLOCKS_MAX: u64 = 1 << 20;

/// Forgotten blocks removed with one attestation. It adds fewer new ones, so that the column shrinks to its bound.
const FORGOTTEN_PER_ATTESTATION_MAX: usize = 256;

fn key(chain: ChainId, block: u64) -> Vec<u8> {
    [chain.0.to_be_bytes(), block.to_be_bytes()].concat()
}

pub(crate) fn hash(store: &dyn Store, chain: ChainId, block: u64) -> Result<Option<B256>, StoreError> {
    store.get(ATTESTED, &key(chain, block))?.map(|bytes| hash_of(&bytes)).transpose()
}

pub(crate) fn put(batch: &mut Batch, origin: &Origin) {
    batch.put(ATTESTED, key(origin.chain, origin.block_number), origin.block_hash.as_slice());
}

/// Removes blocks that lie too far behind `newest`.
pub(crate) fn forget(store: &dyn Store, batch: &mut Batch, chain: ChainId, newest: u64) -> Result<(), StoreError> {
    let oldest = newest.saturating_sub(ATTESTED_BLOCKS_MAX);
    for (key, _) in store.scan(ATTESTED, &chain.0.to_be_bytes(), &[], FORGOTTEN_PER_ATTESTATION_MAX)? {
        if number_at(&key, 8)? >= oldest {
            break;
        }
        batch.delete(ATTESTED, key);
    }
    Ok(())
}
