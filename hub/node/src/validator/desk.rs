//! What a validator remembers about evidence: what it is checking, what it refused, which blocks have to wait, which
//! chains it gave up.

use infrastrukt_types::{B256, ChainId};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Most refused evidence remembered, oldest forgotten first.
pub(crate) const VERDICTS_MAX: usize = 4_096;

/// Most verified evidence remembered, oldest forgotten first.
pub(crate) const VERIFIED_MAX: usize = 4_096;

/// Most blocks remembered that cannot be judged yet, oldest forgotten first.
pub(crate) const BLOCKS_PUT_OFF_MAX: usize = 4_096;

/// Milliseconds for which evidence that was verified is not checked again: its facts are on their way to the log.
pub(crate) const VERIFIED_MS: u64 = 60_000;

/// Longest reason kept; endpoints' texts can be long.
const REASON_BYTES_MAX: usize = 512;

/// What the desk knows about evidence that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing: it may be checked.
    New,
    /// It is being checked, or was just verified.
    Checking,
    /// It was refused, for this reason.
    Rejected(String),
    /// Its chain was given up, for this reason.
    Halted(String),
    /// Its block cannot be judged yet.
    PutOff(PutOff),
}

/// A block that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PutOff {
    /// When to ask again at the earliest.
    pub(crate) until_ms: u64,
    /// Why.
    pub(crate) reason: String,
}

/// What is offered: its chain, its block, the digest of all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) chain: ChainId,
    pub(crate) block: u64,
    pub(crate) digest: B256,
}

/// The latest values, oldest forgotten first.
struct Recent<K, V> {
    values: HashMap<K, V>,
    order: VecDeque<K>,
    max: usize,
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    fn new(max: usize) -> Self {
        Self { values: HashMap::new(), order: VecDeque::new(), max }
    }

    fn insert(&mut self, key: K, value: V) {
        if self.values.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }
}

/// One validator's memory, shared by its checks and the interface.
#[derive(Default)]
pub(crate) struct Desk {
    notes: Mutex<Notes>,
}

struct Notes {
    checking: HashSet<B256>,
    rejected: Recent<B256, String>,
    verified: Recent<B256, u64>,
    put_off: Recent<(ChainId, u64), PutOff>,
    halted: BTreeMap<ChainId, String>,
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            checking: HashSet::new(),
            rejected: Recent::new(VERDICTS_MAX),
            verified: Recent::new(VERIFIED_MAX),
            put_off: Recent::new(BLOCKS_PUT_OFF_MAX),
            halted: BTreeMap::new(),
        }
    }
}

impl Notes {
    fn put_off(&self, chain: ChainId, block: u64, now_ms: u64) -> Option<PutOff> {
        self.put_off.values.get(&(chain, block)).filter(|put_off| put_off.until_ms > now_ms).cloned()
    }
}

impl Desk {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known about evidence.
    pub(crate) fn lookup(&self, subject: &Subject, now_ms: u64) -> Known {
        let Subject { chain, block, digest } = subject;
        let notes = self.notes();
        let verified = notes.verified.values.get(digest).is_some_and(|at| now_ms.saturating_sub(*at) < VERIFIED_MS);
        if let Some(reason) = notes.halted.get(chain) {
            Known::Halted(reason.clone())
        } else if let Some(reason) = notes.rejected.values.get(digest) {
            Known::Rejected(reason.clone())
        } else if verified || notes.checking.contains(digest) {
            Known::Checking
        } else if let Some(put_off) = notes.put_off(*chain, *block, now_ms) {
            Known::PutOff(put_off)
        } else {
            Known::New
        }
    }

    /// Remembers that a block cannot be judged before `until_ms`.
    pub(crate) fn put_off(&self, chain: ChainId, block: u64, until_ms: u64, reason: &str) {
        self.notes().put_off.insert((chain, block), PutOff { until_ms, reason: shortened(reason) });
    }

    /// Why a block cannot be judged at `now_ms`, if that is so.
    pub(crate) fn put_off_at(&self, chain: ChainId, block: u64, now_ms: u64) -> Option<PutOff> {
        self.notes().put_off(chain, block, now_ms)
    }

    /// Marks evidence as being checked; `false` where it already is.
    pub(crate) fn begin(&self, digest: B256) -> bool {
        self.notes().checking.insert(digest)
    }

    /// The check is over, whatever it found.
    pub(crate) fn end(&self, digest: &B256) {
        self.notes().checking.remove(digest);
    }

    /// Evidence that led to facts.
    pub(crate) fn verified(&self, digest: B256, now_ms: u64) {
        self.notes().verified.insert(digest, now_ms);
    }

    /// Verified evidence may be checked again: its facts led to nothing.
    pub(crate) fn forget_verified(&self) {
        self.notes().verified = Recent::new(VERIFIED_MAX);
    }

    /// Evidence that is wrong for ever.
    pub(crate) fn reject(&self, digest: B256, reason: &str) {
        self.notes().rejected.insert(digest, shortened(reason));
    }

    /// Gives up a chain until an operator restarts the node. The first reason is the one that counts.
    pub(crate) fn halt(&self, chain: ChainId, reason: &str) {
        self.notes().halted.entry(chain).or_insert_with(|| shortened(reason));
    }

    /// Why the chain was given up, if it was.
    pub(crate) fn halted(&self, chain: ChainId) -> Option<String> {
        self.notes().halted.get(&chain).cloned()
    }

    /// All chains given up, for people.
    pub(crate) fn halted_text(&self) -> Option<String> {
        let notes = self.notes();
        let lines: Vec<String> = notes.halted.iter().map(|(chain, reason)| format!("{chain}: {reason}")).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }

    /// Evidence being checked.
    pub(crate) fn checking(&self) -> usize {
        self.notes().checking.len()
    }
}

fn shortened(reason: &str) -> String {
    let end = reason.char_indices().map(|(index, _)| index).take_while(|index| *index <= REASON_BYTES_MAX).last();
    match end {
        Some(end) if reason.len() > REASON_BYTES_MAX => format!("{}…", &reason[..end]),
        Some(_) | None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: ChainId = ChainId(1);

    fn subject(chain: ChainId, digest: B256) -> Subject {
        Subject { chain, block: 7, digest }
    }

    #[test]
    fn evidence_is_checked_once_at_a_time() {
        let desk = Desk::default();
        let digest = B256::repeat_byte(1);
        let lookup = |now_ms| desk.lookup(&subject(CHAIN, digest), now_ms);
        assert_eq!(lookup(0), Known::New);
        assert!(desk.begin(digest));
        assert!(!desk.begin(digest));
        assert_eq!(lookup(0), Known::Checking);
        desk.end(&digest);
        assert_eq!(lookup(0), Known::New);
        desk.verified(digest, 0);
        assert_eq!(lookup(VERIFIED_MS - 1), Known::Checking);
        assert_eq!(lookup(VERIFIED_MS), Known::New);
        desk.forget_verified();
        assert_eq!(lookup(0), Known::New, "what led to nothing is checked again");
    }

    #[test]
    fn a_block_put_off_at_for_all_its_evidence_and_for_a_while() {
        let desk = Desk::default();
        desk.put_off(CHAIN, 7, 100, "no endpoint answers");
        let waiting = PutOff { until_ms: 100, reason: "no endpoint answers".into() };
        for digest in [B256::ZERO, B256::repeat_byte(1)] {
            assert_eq!(desk.lookup(&subject(CHAIN, digest), 99), Known::PutOff(waiting.clone()));
            assert_eq!(desk.lookup(&subject(CHAIN, digest), 100), Known::New);
            assert_eq!(desk.lookup(&subject(ChainId(2), digest), 99), Known::New);
        }
    }

    #[test]
    fn a_halted_chain_stays_halted_for_its_first_reason() {
        let desk = Desk::default();
        desk.halt(CHAIN, "a final block changed");
        desk.halt(CHAIN, "later noise");
        assert_eq!(desk.lookup(&subject(CHAIN, B256::ZERO), 0), Known::Halted("a final block changed".into()));
        assert_eq!(desk.lookup(&subject(ChainId(2), B256::ZERO), 0), Known::New);
        assert_eq!(desk.halted_text().as_deref(), Some("eip155:1: a final block changed"));
    }

    #[test]
    fn verdicts_are_bounded_in_number_and_length() {
        let desk = Desk::default();
        for index in 0..VERDICTS_MAX + 10 {
            desk.reject(B256::from(alloy_primitives::U256::from(index)), &"é".repeat(1_000));
        }
        let notes = desk.notes();
        assert_eq!(notes.rejected.values.len(), VERDICTS_MAX);
        assert_eq!(notes.rejected.order.len(), VERDICTS_MAX);
        assert!(notes.rejected.values.values().all(|reason| reason.len() <= REASON_BYTES_MAX + 3));
    }
}
