//! Keys: big-endian fields, so that the order of bytes is the order of meaning.

use infrastrukt_ports::SubmissionKey;
use infrastrukt_types::{ChainId, CheckpointKind, Height};

use super::{CertRef, EvidenceKey, Item, ItemKey, LeafRef};

/// The identity of the hub that this data belongs to.
pub(super) const META_HUB: &[u8] = b"hub";
/// The cursor into the hub's certified checkpoints.
pub(super) const META_TAKEN: &[u8] = b"taken";

/// Tags of the users of a certificate.
const USER_ITEM: u8 = 0;
const USER_PLAN: u8 = 1;
const USER_LEAF: u8 = 2;
/// Length of a certificate's key.
const CERTIFICATE_LEN: usize = 9;

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Where a chain's scan goes on.
pub(super) fn scan_cursor(chain: ChainId) -> Vec<u8> {
    join(&[b"scan", &chain.0.to_be_bytes()])
}

/// How far the routes of a chain's token bridge were looked for.
pub(super) fn route_search(chain: ChainId) -> Vec<u8> {
    join(&[b"routes", &chain.0.to_be_bytes()])
}

/// Where the taking of a lane's messages goes on while the lane is behind.
pub(super) fn behind(chain: ChainId) -> Vec<u8> {
    join(&[b"behind", &chain.0.to_be_bytes()])
}

/// Prefix of everything of one lane.
pub(super) fn lane(chain: ChainId) -> Vec<u8> {
    chain.0.to_be_bytes().to_vec()
}

/// Prefix of one kind of item of a lane.
pub(super) fn lane_kind(chain: ChainId, kind: super::WorkKind) -> Vec<u8> {
    join(&[&chain.0.to_be_bytes(), &[kind.byte()]])
}

/// Key of an item, alike for the dead-letter index.
pub(super) fn item(chain: ChainId, key: &ItemKey) -> Vec<u8> {
    join(&[&chain.0.to_be_bytes(), &[key.kind.byte()], key.id.as_slice()])
}

/// Prefix of one priority of a lane's queue.
pub(super) fn queue_prefix(chain: ChainId, priority: u8) -> Vec<u8> {
    join(&[&chain.0.to_be_bytes(), &[priority]])
}

/// Key of an item's row in the queue.
pub(super) fn queue(chain: ChainId, item: &Item, ready_at_ms: u64) -> Vec<u8> {
    join(&[
        &queue_prefix(chain, item.key().kind.priority()),
        &ready_at_ms.to_be_bytes(),
        &certificate(item.cert),
        &item.index.to_be_bytes(),
    ])
}

/// The time in a queue row's key.
pub(super) fn queue_ready_at(key: &[u8]) -> Option<u64> {
    key.get(9..17)?.try_into().ok().map(u64::from_be_bytes)
}

/// Key of a planned transaction.
pub(super) fn plan(chain: ChainId, key: SubmissionKey) -> Vec<u8> {
    join(&[&chain.0.to_be_bytes(), key.0.as_slice()])
}

/// Key of a certificate.
pub(super) fn certificate(cert: CertRef) -> Vec<u8> {
    join(&[&cert.height.0.to_be_bytes(), &[cert.kind.byte()]])
}

/// The certificate that a key names.
pub(super) fn parse_certificate(key: &[u8]) -> Option<CertRef> {
    let (height, rest) = key.split_first_chunk::<8>()?;
    let [byte] = rest else { return None };
    let kind = CheckpointKind::ALL.into_iter().find(|kind| kind.byte() == *byte)?;
    Some(CertRef { height: Height(u64::from_be_bytes(*height)), kind })
}

/// Row that says that an item needs a certificate.
pub(super) fn item_user(cert: CertRef, chain: ChainId, key: &ItemKey) -> Vec<u8> {
    join(&[&certificate(cert), &chain.0.to_be_bytes(), &[USER_ITEM, key.kind.byte()], key.id.as_slice()])
}

/// Row that says that a planned transaction needs a certificate.
pub(super) fn plan_user(cert: CertRef, chain: ChainId, key: SubmissionKey) -> Vec<u8> {
    join(&[&certificate(cert), &chain.0.to_be_bytes(), &[USER_PLAN], key.0.as_slice()])
}

/// Row that says that a leaf without its message or deal needs a certificate. No chain has the id zero.
pub(super) fn leaf_user(leaf: LeafRef) -> Vec<u8> {
    join(&[&certificate(leaf.cert), &[0; 8], &[USER_LEAF], &leaf.index.to_be_bytes()])
}

/// Key of a leaf whose message or deal is still to be fetched.
pub(super) fn awaited(leaf: LeafRef) -> Vec<u8> {
    join(&[&certificate(leaf.cert), &leaf.index.to_be_bytes()])
}

/// The leaf that a key names.
pub(super) fn parse_awaited(key: &[u8]) -> Option<LeafRef> {
    let (cert, index) = key.split_at_checked(CERTIFICATE_LEN)?;
    let index = index.try_into().ok().map(u32::from_be_bytes)?;
    Some(LeafRef { cert: parse_certificate(cert)?, index })
}

/// Key of a piece of evidence.
pub(super) fn evidence(chain: ChainId, key: EvidenceKey) -> Vec<u8> {
    join(&[&chain.0.to_be_bytes(), &key.block.to_be_bytes(), &key.part.to_be_bytes()])
}

/// The evidence that a key names.
pub(super) fn parse_evidence(key: &[u8]) -> Option<EvidenceKey> {
    let block = key.get(8..16)?.try_into().ok().map(u64::from_be_bytes)?;
    let part = key.get(16..20)?.try_into().ok().map(u32::from_be_bytes)?;
    Some(EvidenceKey { block, part })
}
