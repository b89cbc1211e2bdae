//! Draft: packs candidates into transactions. Pure; every bound of a transaction is kept here.

use infrastrukt_types::Message;

use super::expire;
use crate::{
    LanePolicy,
    store::{CertRef, Item, PlanEntry, PlanKind, Work},
};

/// Gas that delivering one message costs beside its own limit.
const DELIVER_GAS: u64 = 40_000;
/// Gas that settling one leg costs at most.
const SETTLE_LEG_GAS: u64 = 120_000;
/// Calldata of one leg of a settlement.
const LEG_BYTES: usize = 352;
/// Calldata of one message beside its payload.
const MESSAGE_BYTES: usize = 448;

/// An item that may be planned now.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) item: Item,
    /// What a transaction does with it.
    pub(super) kind: PlanKind,
    /// Legs to settle, by their place in the deal.
    pub(super) legs: Vec<u8>,
}

/// A transaction to be planned.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) kind: PlanKind,
    pub(super) cert: CertRef,
    pub(super) items: Vec<Item>,
    pub(super) entries: Vec<PlanEntry>,
    gas: u64,
    bytes: usize,
    group_max: u32,
}

impl Candidate {
    /// A candidate with all legs that are not final.
    pub(super) fn new(item: Item, now: infrastrukt_types::Timestamp) -> Self {
        let (kind, legs) = match &item.work {
            Work::Deliver { message, .. } if expire::is_over(message, now) => (PlanKind::Expire, Vec::new()),
            Work::Deliver { .. } => (PlanKind::Deliver, Vec::new()),
            Work::Refund { .. } => (PlanKind::Refund, Vec::new()),
            Work::Settle { legs, .. } => (PlanKind::Settle, legs.iter().map(|leg| leg.index).collect()),
            Work::Rotate { .. } => (PlanKind::Rotate, Vec::new()),
        };
        Self { item, kind, legs }
    }

    fn gas(&self) -> u64 {
        match &self.item.work {
            Work::Deliver { message, .. } => message.gas_limit.saturating_add(DELIVER_GAS),
            Work::Settle { .. } => SETTLE_LEG_GAS.saturating_mul(u64::try_from(self.legs.len()).unwrap_or(u64::MAX)),
            Work::Refund { .. } | Work::Rotate { .. } => 0,
        }
    }

    fn bytes(&self) -> usize {
        let message_bytes = |message: &Message| MESSAGE_BYTES + message.payload.len();
        match &self.item.work {
            Work::Deliver { message, .. } | Work::Refund { message, .. } => message_bytes(message),
            Work::Settle { legs, .. } => LEG_BYTES * legs.len(),
            Work::Rotate { .. } => 0,
        }
    }
}

impl Draft {
    fn new(kind: PlanKind, cert: CertRef) -> Self {
        Self { kind, cert, items: Vec::new(), entries: Vec::new(), gas: 0, bytes: 0, group_max: u32::MAX }
    }

    fn admits(&self, candidate: &Candidate, policy: &LanePolicy) -> bool {
        let shared = match self.kind {
            PlanKind::Deliver | PlanKind::Settle => true,
            PlanKind::Expire | PlanKind::Refund | PlanKind::Rotate => false,
        };
        let group_max = usize::try_from(self.group_max.min(candidate.item.group_max)).unwrap_or(usize::MAX);
        shared
            && self.kind == candidate.kind
            && self.cert == candidate.item.cert
            && self.entries.last().is_some_and(|last| last.index < candidate.item.index)
            && self.entries.len() < policy.batch_max.min(group_max)
            && self.gas.saturating_add(candidate.gas()) <= policy.batch_gas_max
            && self.bytes.saturating_add(candidate.bytes()) <= policy.batch_bytes_max
    }

    fn push(&mut self, candidate: Candidate) {
        self.gas = self.gas.saturating_add(candidate.gas());
        self.bytes = self.bytes.saturating_add(candidate.bytes());
        self.group_max = self.group_max.min(candidate.item.group_max);
        let Candidate { item, legs, .. } = candidate;
        self.entries.push(PlanEntry { index: item.index, item: item.key(), legs });
        self.items.push(item);
    }
}

/// At most `drafts_max` transactions, rotations first, then decisions, then messages, older checkpoints first.
pub(super) fn drafts(mut candidates: Vec<Candidate>, policy: &LanePolicy, drafts_max: usize) -> Vec<Draft> {
    candidates.sort_by_key(|one| (one.item.key().kind.priority(), one.item.cert, one.kind, one.item.index));
    let mut drafts: Vec<Draft> = Vec::new();
    for candidate in candidates {
        match drafts.last_mut() {
            Some(open) if open.admits(&candidate, policy) => open.push(candidate),
            Some(_) | None => {
                if drafts.len() == drafts_max {
                    break;
                }
                let mut draft = Draft::new(candidate.kind, candidate.item.cert);
                draft.push(candidate);
                drafts.push(draft);
            }
        }
    }
    drafts
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{Account, B256, ChainId, CheckpointKind, Epoch, Height, MessageId, Nonce, Timestamp};

    fn candidate(height: u64, index: u32, gas_limit: u64, deadline: u64) -> Candidate {
        let cert = CertRef { height: Height(height), kind: CheckpointKind::General };
        let message = Message {
            version: 1,
            source: ChainId(1),
            target: ChainId(2),
            nonce: Nonce(u64::from(index) + 1),
            sender: Account::ZERO,
            recipient: Account::ZERO,
            timestamp: Timestamp(1),
            gas_limit,
            deadline: Timestamp(deadline),
            payload: vec![0; 10].into(),
        };
        let id = MessageId(B256::left_padding_from(&(height * 1_000 + u64::from(index)).to_be_bytes()));
        Candidate::new(Item::new(Work::Deliver { id, message }, cert, Epoch(1), index, 0), Timestamp(100))
    }

    fn check(candidates: Vec<Candidate>, policy: &LanePolicy, expected: &[&[u32]]) {
        let drafts = drafts(candidates, policy, 8);
        let indices: Vec<Vec<u32>> =
            drafts.iter().map(|draft| draft.entries.iter().map(|entry| entry.index).collect()).collect();
        assert_eq!(indices, expected);
    }

    #[test]
    fn a_batch_keeps_every_bound() {
        let policy = LanePolicy { batch_max: 3, batch_gas_max: 300_000, ..LanePolicy::default() };
        check((0..7).map(|index| candidate(1, index, 1_000, 0)).collect(), &policy, &[&[0, 1, 2], &[3, 4, 5], &[6]]);
        check((0..3).map(|index| candidate(1, index, 100_000, 0)).collect(), &policy, &[&[0, 1], &[2]]);
        check(vec![candidate(1, 0, 9_000_000, 0), candidate(1, 1, 1, 0)], &policy, &[&[0], &[1]]);
        let tight = LanePolicy { batch_bytes_max: 1_000, ..policy };
        check((0..3).map(|index| candidate(1, index, 1, 0)).collect(), &tight, &[&[0, 1], &[2]]);
    }

    #[test]
    fn a_batch_has_one_checkpoint_and_one_purpose() {
        let policy = LanePolicy::default();
        check(vec![candidate(2, 1, 1, 0), candidate(1, 4, 1, 0), candidate(1, 2, 1, 0)], &policy, &[&[2, 4], &[1]]);
        check(
            vec![candidate(1, 0, 1, 99), candidate(1, 1, 1, 100), candidate(1, 2, 1, 98)],
            &policy,
            &[&[1], &[0], &[2]],
        );
    }

    #[test]
    fn a_suspect_stays_alone() {
        let mut suspect = candidate(1, 1, 1, 0);
        suspect.item.group_max = 1;
        check(vec![candidate(1, 0, 1, 0), suspect, candidate(1, 2, 1, 0)], &LanePolicy::default(), &[&[0], &[1], &[2]]);
    }
}
