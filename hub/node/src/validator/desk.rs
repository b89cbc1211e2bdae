//! What a validator remembers about evidence: what it is checking, what it refused, which chains it gave up.

use infrastrukt_types::{B256, ChainId};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Most refused evidence remembered, oldest forgotten first.
pub(crate) const VERDICTS_MAX: usize = 4_096;

/// Most verified evidence remembered, oldest forgotten first.
pub(crate) const VERIFIED_MAX: usize = 4_096;

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
}

/// One validator's memory, shared by its checks and the interface.
#[derive(Default)]
pub(crate) struct Desk {
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    checking: HashSet<B256>,
    rejected: HashMap<B256, String>,
    rejected_order: VecDeque<B256>,
    verified: HashMap<B256, u64>,
    verified_order: VecDeque<B256>,
    halted: BTreeMap<ChainId, String>,
}

impl Desk {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known about evidence of `chain` with this digest.
    pub(crate) fn lookup(&self, chain: ChainId, digest: &B256, now_ms: u64) -> Known {
        let notes = self.notes();
        let verified = notes.verified.get(digest).is_some_and(|at| now_ms.saturating_sub(*at) < VERIFIED_MS);
        if let Some(reason) = notes.halted.get(&chain) {
            Known::Halted(reason.clone())
        } else if let Some(reason) = notes.rejected.get(digest) {
            Known::Rejected(reason.clone())
        } else if verified || notes.checking.contains(digest) {
            Known::Checking
        } else {
            Known::New
        }
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
        let mut notes = self.notes();
        if notes.verified.insert(digest, now_ms).is_none() {
            notes.verified_order.push_back(digest);
        }
        if notes.verified_order.len() > VERIFIED_MAX
            && let Some(oldest) = notes.verified_order.pop_front()
        {
            notes.verified.remove(&oldest);
        }
    }

    /// Evidence that is wrong for ever.
    pub(crate) fn reject(&self, digest: B256, reason: &str) {
        let mut notes = self.notes();
        if notes.rejected.insert(digest, shortened(reason)).is_none() {
            notes.rejected_order.push_back(digest);
        }
        if notes.rejected_order.len() > VERDICTS_MAX
            && let Some(oldest) = notes.rejected_order.pop_front()
        {
            notes.rejected.remove(&oldest);
        }
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

    #[test]
    fn evidence_is_checked_once_at_a_time() {
        let desk = Desk::default();
        let digest = B256::repeat_byte(1);
        assert_eq!(desk.lookup(CHAIN, &digest, 0), Known::New);
        assert!(desk.begin(digest));
        assert!(!desk.begin(digest));
        assert_eq!(desk.lookup(CHAIN, &digest, 0), Known::Checking);
        desk.end(&digest);
        assert_eq!(desk.lookup(CHAIN, &digest, 0), Known::New);
        desk.verified(digest, 0);
        assert_eq!(desk.lookup(CHAIN, &digest, VERIFIED_MS - 1), Known::Checking);
        assert_eq!(desk.lookup(CHAIN, &digest, VERIFIED_MS), Known::New);
    }

    #[test]
    fn a_halted_chain_stays_halted_for_its_first_reason() {
        let desk = Desk::default();
        desk.halt(CHAIN, "a final block changed");
        desk.halt(CHAIN, "later noise");
        assert_eq!(desk.lookup(CHAIN, &B256::ZERO, 0), Known::Halted("a final block changed".into()));
        assert_eq!(desk.lookup(ChainId(2), &B256::ZERO, 0), Known::New);
        assert_eq!(desk.halted_text().as_deref(), Some("eip155:1: a final block changed"));
    }

    #[test]
    fn verdicts_are_bounded_in_number_and_length() {
        let desk = Desk::default();
        for index in 0..VERDICTS_MAX + 10 {
            desk.reject(B256::from(alloy_primitives::U256::from(index)), &"é".repeat(1_000));
        }
        let notes = desk.notes();
        assert_eq!(notes.rejected.len(), VERDICTS_MAX);
        assert_eq!(notes.rejected_order.len(), VERDICTS_MAX);
        assert!(notes.rejected.values().all(|reason| reason.len() <= REASON_BYTES_MAX + 3));
    }
}
