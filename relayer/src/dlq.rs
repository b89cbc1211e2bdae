//! Dead letters: what the relayer gave up until a person looks at it, with everything needed to try it again.

use infrastrukt_ports::StoreError;
use infrastrukt_types::{B256, Caip2, ChainId};
use std::{fmt, str::FromStr, sync::atomic::Ordering};

use crate::{
    pipeline::{Lane, Shared},
    store::{DeadEvidence, EvidenceKey, Item, ItemKey, Place, WorkKind},
};

/// Most dead letters of one page.
pub const PAGE_MAX: usize = 200;

/// Names a dead letter for people: `eip155:56/deliver/0x…` or `eip155:56/evidence/1234-0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterId {
    /// The lane.
    pub lane: Caip2,
    /// What in it.
    pub what: LetterKey,
}

/// What a dead letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LetterKey {
    /// Something that could not be carried to the chain.
    Item(ItemKey),
    /// Evidence from the chain that the hub refused.
    Evidence(EvidenceKey),
}

/// A dead letter with everything it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// Something that could not be carried to the chain.
    Item(Box<Item>),
    /// Evidence from the chain that the hub refused.
    Evidence(EvidenceKey, DeadEvidence),
}

/// Why a dead letter cannot be handled.
#[derive(Debug, thiserror::Error)]
pub enum DlqError {
    /// Not a name of a dead letter.
    #[error("`{0}` names no dead letter: use an id that `relayer dlq list` shows, or a message id")]
    Malformed(String),
    /// No such dead letter.
    #[error("there is no dead letter `{0}`: it may have been delivered or redriven meanwhile")]
    NotFound(String),
    /// The lane is not served here.
    #[error("chain {0} is not served by this relayer: see `relayer chains`")]
    UnknownLane(Caip2),
    /// Decisions and rotations are carried out, never given up.
    #[error("`{0}` is a decision or a rotation and cannot be dropped: redrive it")]
    NeverDropped(String),
    /// Storage.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            LetterKey::Item(key) => write!(f, "{}/{}/{}", self.lane, key.kind.name(), key.id),
            LetterKey::Evidence(key) => write!(f, "{}/evidence/{}-{}", self.lane, key.block, key.part),
        }
    }
}

impl FromStr for LetterId {
    type Err = DlqError;

    fn from_str(text: &str) -> Result<Self, DlqError> {
        let malformed = || DlqError::Malformed(text.to_owned());
        let mut parts = text.split('/');
        let (Some(lane), Some(kind), Some(id), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(malformed());
        };
        let lane = lane.parse().map_err(|_| malformed())?;
        if kind == "evidence" {
            let (block, part) = id.split_once('-').ok_or_else(malformed)?;
            let (block, part) = (block.parse().map_err(|_| malformed())?, part.parse().map_err(|_| malformed())?);
            return Ok(Self { lane, what: LetterKey::Evidence(EvidenceKey { block, part }) });
        }
        let kind = WorkKind::ALL.into_iter().find(|one| one.name() == kind).ok_or_else(malformed)?;
        Ok(Self { lane, what: LetterKey::Item(ItemKey { kind, id: id.parse().map_err(|_| malformed())? }) })
    }
}

impl Letter {
    /// Its key.
    pub fn key(&self) -> LetterKey {
        match self {
            Self::Item(item) => LetterKey::Item(item.key()),
            Self::Evidence(key, _) => LetterKey::Evidence(*key),
        }
    }
}

/// Dead letters after one of them, in order of lanes, then items before evidence. A page is full or the last.
pub(crate) fn list(
    shared: &Shared,
    after: Option<&LetterId>,
    limit: usize,
) -> Result<Vec<(LetterId, Letter)>, DlqError> {
    let limit = limit.clamp(1, PAGE_MAX);
    let start = after.map(|after| lane(shared, &after.lane).map(|lane| lane.chain)).transpose()?;
    let mut page = Vec::new();
    for lane in shared.lanes.values().filter(|lane| start.is_none_or(|start| lane.chain >= start)) {
        let after = after.filter(|_| start == Some(lane.chain)).map(|after| after.what);
        let room = limit - page.len();
        page.extend(list_lane(shared, lane, after, room)?);
        if page.len() == limit {
            break;
        }
    }
    Ok(page)
}

fn list_lane(
    shared: &Shared,
    lane: &Lane,
    after: Option<LetterKey>,
    room: usize,
) -> Result<Vec<(LetterId, Letter)>, DlqError> {
    let (after_item, after_evidence) = match after {
        None => (Some(None), None),
        Some(LetterKey::Item(key)) => (Some(Some(key)), None),
        Some(LetterKey::Evidence(key)) => (None, Some(key)),
    };
    let mut letters = Vec::new();
    if let Some(after) = after_item {
        let items = shared.book.dead_items(lane.chain, after, room)?;
        letters.extend(items.into_iter().map(|item| Letter::Item(Box::new(item))));
    }
    if letters.len() < room {
        let evidence = shared.book.dead_evidence(lane.chain, after_evidence, room - letters.len())?;
        letters.extend(evidence.into_iter().map(|(key, dead)| Letter::Evidence(key, dead)));
    }
    let named = |letter: Letter| (LetterId { lane: lane.name.clone(), what: letter.key() }, letter);
    Ok(letters.into_iter().map(named).collect())
}

fn lane<'a>(shared: &'a Shared, name: &Caip2) -> Result<&'a Lane, DlqError> {
    let found = shared.lanes.values().find(|lane| lane.name == *name);
    found.map(AsRef::as_ref).ok_or_else(|| DlqError::UnknownLane(name.clone()))
}

/// The dead letter that a text names: its id, or a message id where that is dead in one lane only.
pub(crate) fn find(shared: &Shared, text: &str) -> Result<(LetterId, Letter), DlqError> {
    let id = match text.parse::<B256>() {
        Ok(id) => dead_message(shared, id)?.ok_or_else(|| DlqError::NotFound(text.to_owned()))?,
        Err(_) => text.parse()?,
    };
    let chain = lane(shared, &id.lane)?.chain;
    let letter = match id.what {
        LetterKey::Item(key) => {
            let item = shared.book.item(chain, &key)?.filter(is_dead);
            item.map(|item| Letter::Item(Box::new(item)))
        }
        LetterKey::Evidence(key) => shared.book.one_dead_evidence(chain, key)?.map(|dead| Letter::Evidence(key, dead)),
    };
    letter.map(|letter| (id, letter)).ok_or_else(|| DlqError::NotFound(text.to_owned()))
}

fn dead_message(shared: &Shared, id: B256) -> Result<Option<LetterId>, DlqError> {
    for lane in shared.lanes.values() {
        for kind in [WorkKind::Deliver, WorkKind::Refund] {
            let key = ItemKey { kind, id };
            if shared.book.item(lane.chain, &key)?.as_ref().is_some_and(is_dead) {
                return Ok(Some(LetterId { lane: lane.name.clone(), what: LetterKey::Item(key) }));
            }
        }
    }
    Ok(None)
}

fn is_dead(item: &Item) -> bool {
    match item.place {
        Place::Dead { .. } => true,
        Place::Queued { .. } | Place::InFlight { .. } => false,
    }
}

/// Tries a dead letter again, with a clean slate.
pub(crate) fn redrive(shared: &Shared, text: &str) -> Result<LetterId, DlqError> {
    let (id, _) = find(shared, text)?;
    let lane = lane(shared, &id.lane)?;
    match id.what {
        LetterKey::Item(key) => {
            hurry(shared, lane.chain, key)?;
            lane.wake_deliver.notify_one();
        }
        LetterKey::Evidence(key) => {
            let mut change = shared.book.change();
            change.revive_evidence(lane.chain, key)?;
            change.commit()?;
            lane.evidence_reset.store(true, Ordering::Release);
            lane.wake_submit.notify_one();
        }
    }
    tracing::info!(lane = lane.label(), letter = %id, "redriven");
    Ok(id)
}

/// Makes an item due now with all its attempts; false where it is under way or unknown.
pub(crate) fn hurry(shared: &Shared, chain: ChainId, key: ItemKey) -> Result<bool, StoreError> {
    let mut change = shared.book.change();
    let Some(mut item) = change.item(chain, key)? else { return Ok(false) };
    match item.place {
        Place::InFlight { .. } => return Ok(false),
        Place::Queued { .. } | Place::Dead { .. } => {}
    }
    item.place = Place::Queued { ready_at_ms: shared.clock.now_ms() };
    (item.attempts, item.verify, item.group_max) = (0, true, 1);
    change.put_item(chain, item)?;
    change.commit()?;
    Ok(true)
}

/// Gives a dead letter up for good.
pub(crate) fn drop_letter(shared: &Shared, text: &str) -> Result<LetterId, DlqError> {
    let (id, _) = find(shared, text)?;
    let lane = lane(shared, &id.lane)?;
    let mut change = shared.book.change();
    match id.what {
        LetterKey::Item(key) if !key.kind.may_die() => return Err(DlqError::NeverDropped(id.to_string())),
        LetterKey::Item(key) => {
            // Read again under the lock: it may have been redriven since it was found.
            if !change.item(lane.chain, key)?.as_ref().is_some_and(is_dead) {
                return Err(DlqError::NotFound(id.to_string()));
            }
            change.remove_item(lane.chain, key)?;
        }
        LetterKey::Evidence(key) => {
            change.drop_dead_evidence(lane.chain, key)?;
        }
    }
    change.commit()?;
    tracing::warn!(lane = lane.label(), letter = %id, "dead letter dropped for good");
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back() {
        let lane: Caip2 = "eip155:56".parse().expect("valid");
        let item = LetterKey::Item(ItemKey { kind: WorkKind::Deliver, id: B256::repeat_byte(7) });
        for what in [item, LetterKey::Evidence(EvidenceKey { block: 12, part: 3 })] {
            let id = LetterId { lane: lane.clone(), what };
            assert_eq!(id.to_string().parse::<LetterId>().expect("own notation"), id);
        }
        for text in ["", "eip155:56", "eip155:56/deliver/0x12", "eip155:56/fly/0x", "eip155:56/evidence/1", "a/b/c/d"] {
            assert!(matches!(text.parse::<LetterId>(), Err(DlqError::Malformed(_))), "{text}");
        }
    }
}
