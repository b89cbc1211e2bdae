//! Entries waiting to be ordered: bounded in number and bytes, each waiting once.

use infrastrukt_types::{B256, HubTx, codec, keccak256};
use std::collections::{HashSet, VecDeque};

/// Most entries that wait.
pub const MEMPOOL_ENTRIES_MAX: usize = 20_000;
/// Most bytes that wait, in the entries' stored encoding.
pub const MEMPOOL_BYTES_MAX: usize = 64 << 20;
/// Most entries of one block.
pub const BLOCK_ENTRIES_MAX: usize = infrastrukt_protocol::TXS_PER_BLOCK_MAX;
/// Most bytes of one block's entries.
pub const BLOCK_BYTES_MAX: usize = 4 << 20;
/// Largest entry.
pub const ENTRY_BYTES_MAX: usize = 2 << 20;

/// What anyone may offer takes at most one part in this many of the room, so that it never shuts out validators.
const PUBLIC_SHARE: usize = 2;

/// Why an entry does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MempoolError {
    /// No room.
    #[error("{entries} entries ({bytes} bytes) already wait to be ordered: offer it again later")]
    Full {
        /// Entries waiting.
        entries: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// Larger than a block takes.
    #[error("the entry has {0} bytes, the limit is {ENTRY_BYTES_MAX}: split it")]
    TooLarge(usize),
}

struct Waiting {
    digest: B256,
    tx: HubTx,
    bytes: usize,
}

/// Room taken by one class of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    fn fits(self, bytes: usize, parts: usize) -> bool {
        self.entries < MEMPOOL_ENTRIES_MAX / parts && self.bytes.saturating_add(bytes) <= MEMPOOL_BYTES_MAX / parts
    }

    fn add(&mut self, bytes: usize) {
        self.entries += 1;
        self.bytes += bytes;
    }

    fn remove(&mut self, bytes: usize) {
        self.entries -= 1;
        self.bytes -= bytes;
    }
}

/// Two queues of entries, each first come first served. The first one is emptied before the second: certificates and
/// attestations have deadlines behind them, and come in bounded number from validators; what anyone may offer fills
/// the room that they leave in a block.
#[derive(Default)]
pub struct Mempool {
    first: VecDeque<Waiting>,
    second: VecDeque<Waiting>,
    digests: HashSet<B256>,
    all: Room,
    public: Room,
}

/// True for entries that anyone may offer over the interface.
const fn is_public(tx: &HubTx) -> bool {
    match tx {
        HubTx::RegisterDeal(_) | HubTx::CancelDeal(_) => true,
        HubTx::Attest(_) | HubTx::Certify { .. } | HubTx::Rotate(_) => false,
    }
}

/// True for entries that go before all others.
const fn is_urgent(tx: &HubTx) -> bool {
    match tx {
        HubTx::Attest(_) | HubTx::Certify { .. } => true,
        HubTx::RegisterDeal(_) | HubTx::CancelDeal(_) | HubTx::Rotate(_) => false,
    }
}

impl Mempool {
    /// Queues an entry; `false` where the very same already waits.
    pub fn offer(&mut self, tx: HubTx) -> Result<bool, MempoolError> {
        let encoded = codec::encode(&tx);
        let bytes = encoded.len();
        if bytes > ENTRY_BYTES_MAX {
            return Err(MempoolError::TooLarge(bytes));
        }
        let digest = keccak256(&encoded);
        if self.digests.contains(&digest) {
            return Ok(false);
        }
        let fits = self.all.fits(bytes, 1) && (!is_public(&tx) || self.public.fits(bytes, PUBLIC_SHARE));
        if !fits {
            return Err(MempoolError::Full { entries: self.all.entries, bytes: self.all.bytes });
        }
        self.all.add(bytes);
        if is_public(&tx) {
            self.public.add(bytes);
        }
        self.digests.insert(digest);
        let queue = if is_urgent(&tx) { &mut self.first } else { &mut self.second };
        queue.push_back(Waiting { digest, tx, bytes });
        Ok(true)
    }

    /// Takes the entries of the next block, urgent ones first, each queue oldest first, up to a block's bounds.
    pub fn take_block(&mut self) -> Vec<HubTx> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.pop_within(BLOCK_BYTES_MAX - bytes) {
            bytes += next.bytes;
            self.forget(&next);
            taken.push(next.tx);
            if taken.len() == BLOCK_ENTRIES_MAX {
                break;
            }
        }
        taken
    }

    /// The next entry, unless it has more than `bytes_max`. One that does not fit holds back those behind it, so that
    /// large ones get their turn too.
    fn pop_within(&mut self, bytes_max: usize) -> Option<Waiting> {
        let queue = if self.first.is_empty() { &mut self.second } else { &mut self.first };
        let fits = queue.front().is_some_and(|next| next.bytes <= bytes_max);
        if fits { queue.pop_front() } else { None }
    }

    fn forget(&mut self, entry: &Waiting) {
        self.digests.remove(&entry.digest);
        self.all.remove(entry.bytes);
        if is_public(&entry.tx) {
            self.public.remove(entry.bytes);
        }
    }

    /// Entries waiting.
    pub fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.second.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{
        Address, Attestation, Bytes, CheckpointKind, DealCancel, DealId, EcdsaCertificate, Height,
    };

    fn cancel(byte: u8, padding: usize) -> HubTx {
        let signatures = vec![Bytes::from(vec![byte; padding])];
        HubTx::CancelDeal(DealCancel { deal: DealId(B256::repeat_byte(byte)), signatures })
    }

    fn attest(byte: u8) -> HubTx {
        let signature = Bytes::from(vec![byte; 65]);
        HubTx::Attest(Attestation { validator: Address::repeat_byte(byte), facts: Vec::new(), signature })
    }

    #[test]
    fn the_same_entry_waits_once() {
        let mut mempool = Mempool::default();
        assert_eq!(mempool.offer(cancel(1, 1)), Ok(true));
        assert_eq!(mempool.offer(cancel(1, 1)), Ok(false));
        assert_eq!(mempool.len(), 1);
        assert_eq!(mempool.take_block(), vec![cancel(1, 1)]);
        assert_eq!(mempool.offer(cancel(1, 1)), Ok(true));
    }

    #[test]
    fn public_entries_never_shut_out_validators() {
        let mut mempool = Mempool::default();
        let mut refused = None;
        for byte in 0..=u8::MAX {
            if let Err(error) = mempool.offer(cancel(byte, 1 << 20)) {
                refused = Some(error);
                break;
            }
        }
        assert!(matches!(refused, Some(MempoolError::Full { .. })));
        assert_eq!(mempool.offer(attest(1)), Ok(true));
    }

    #[test]
    fn certificates_and_attestations_do_not_wait_behind_public_entries() {
        let mut mempool = Mempool::default();
        for byte in 0..9 {
            assert_eq!(mempool.offer(cancel(byte, 1 << 20)), Ok(true));
        }
        let certify = HubTx::Certify {
            height: Height(1),
            kind: CheckpointKind::Commits,
            certificate: EcdsaCertificate(Bytes::from_static(b"any")),
        };
        assert_eq!(mempool.offer(attest(1)), Ok(true));
        assert_eq!(mempool.offer(certify.clone()), Ok(true));
        let block = mempool.take_block();
        assert_eq!(block[..3], [attest(1), certify, cancel(0, 1 << 20)]);
        assert_eq!((block.len(), mempool.len()), (5, 6), "the rest of the block is the others'");
    }

    #[test]
    fn a_block_is_bounded_and_takes_the_oldest() {
        let mut mempool = Mempool::default();
        for byte in 0..5 {
            assert_eq!(mempool.offer(cancel(byte, 1 << 20)), Ok(true));
        }
        let block = mempool.take_block();
        assert_eq!(block.len(), 3);
        assert_eq!(block.first(), Some(&cancel(0, 1 << 20)));
        assert_eq!(mempool.take_block().len(), 2);
        assert!(mempool.is_empty());
        assert_eq!(mempool.all, Room::default());
        assert_eq!(mempool.public, Room::default());
    }

    #[test]
    fn an_oversized_entry_is_refused() {
        let mut mempool = Mempool::default();
        assert!(matches!(mempool.offer(cancel(1, ENTRY_BYTES_MAX)), Err(MempoolError::TooLarge(_))));
    }
}
