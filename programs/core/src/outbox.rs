//! Proofs that leaves stand in an outbox. The number of leaves is hashed into the root and bounds every index, nodes are
//! hashed in index order, and a proof is used up to its last node: one tree and one set of leaves have one proof.

use thiserror::Error;

use crate::{Bytes32, hash::keccak};

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OutboxError {
    /// It proves nothing.
    #[error("the proof names no leaf, or an outbox without leaves")]
    Empty,
    /// Leaves and indices differ in number.
    #[error("{leaves} leaves were given with {indices} indices")]
    LeafCount {
        /// Leaves given.
        leaves: usize,
        /// Indices given.
        indices: usize,
    },
    /// Indices must rise strictly.
    #[error("the index at position {0} does not exceed the one before it")]
    NotAscending(usize),
    /// An index beyond the outbox.
    #[error("index {index} is not below the outbox's {count} leaves")]
    OutOfRange {
        /// The index.
        index: u32,
        /// Leaves in the outbox.
        count: u32,
    },
    /// Too few or too many nodes.
    #[error("these leaves do not need {0} nodes")]
    NodeCount(usize),
    /// Well formed, but of another outbox.
    #[error("the proof leads to another root")]
    Root,
}

/// Checks that `leaf` stands at `index` of the outbox of `count` leaves under `root`.
pub fn verify_one(root: &Bytes32, leaf: Bytes32, count: u32, index: u32, nodes: &[Bytes32]) -> Result<(), OutboxError> {
    if count == 0 {
        return Err(OutboxError::Empty);
    }
    if index >= count {
        return Err(OutboxError::OutOfRange { index, count });
    }
    let mut rest = nodes.iter();
    let (mut top, mut position, mut width) = (leaf, index, count);
    while width > 1 {
        if position & 1 == 1 {
            top = node(rest.next().ok_or(OutboxError::NodeCount(nodes.len()))?, &top);
        } else if position + 1 != width {
            top = node(&top, rest.next().ok_or(OutboxError::NodeCount(nodes.len()))?);
        }
        position >>= 1;
        width = half_up(width);
    }
    finish(root, count, &top, rest.len(), nodes.len())
}

/// Checks that `leaves` stand at `indices` of the outbox of `count` leaves under `root`. Overwrites both: each level of
/// the tree replaces the one below it in place.
pub fn verify(
    root: &Bytes32,
    leaves: &mut [Bytes32],
    count: u32,
    indices: &mut [u32],
    nodes: &[Bytes32],
) -> Result<(), OutboxError> {
    check_indices(leaves.len(), count, indices)?;
    let mut rest = nodes.iter();
    let (mut known, mut width) = (leaves.len(), count);
    while width > 1 {
        known = climb(&mut leaves[..known], &mut indices[..known], width, &mut rest)
            .ok_or(OutboxError::NodeCount(nodes.len()))?;
        width = half_up(width);
    }
    finish(root, count, &leaves[0], rest.len(), nodes.len())
}

/// Replaces the known nodes of a level of `width` nodes by their parents and returns how many those are, or `None` when a
/// node is missing.
fn climb(
    layer: &mut [Bytes32],
    positions: &mut [u32],
    width: u32,
    rest: &mut core::slice::Iter<'_, Bytes32>,
) -> Option<usize> {
    let (mut parents, mut at) = (0, 0);
    while at < layer.len() {
        let (position, mut hash) = (positions[at], layer[at]);
        if position & 1 == 1 {
            hash = node(rest.next()?, &hash);
        } else if position + 1 != width {
            let is_pair = positions.get(at + 1) == Some(&(position + 1));
            if is_pair {
                at += 1;
                hash = node(&hash, &layer[at]);
            } else {
                hash = node(&hash, rest.next()?);
            }
        }
        // A last node without a sibling comes past both branches and is promoted as it is.
        (layer[parents], positions[parents]) = (hash, position >> 1);
        parents += 1;
        at += 1;
    }
    Some(parents)
}

fn check_indices(leaves: usize, count: u32, indices: &[u32]) -> Result<(), OutboxError> {
    if leaves == 0 || count == 0 {
        return Err(OutboxError::Empty);
    }
    if leaves != indices.len() {
        return Err(OutboxError::LeafCount { leaves, indices: indices.len() });
    }
    let mut previous = None;
    for (at, index) in indices.iter().copied().enumerate() {
        if index >= count {
            return Err(OutboxError::OutOfRange { index, count });
        }
        if previous.is_some_and(|previous| index <= previous) {
            return Err(OutboxError::NotAscending(at));
        }
        previous = Some(index);
    }
    Ok(())
}

fn finish(root: &Bytes32, count: u32, top: &Bytes32, left_over: usize, given: usize) -> Result<(), OutboxError> {
    if left_over != 0 {
        return Err(OutboxError::NodeCount(given));
    }
    if &keccak(&[&[2], &count.to_be_bytes(), top]) != root {
        return Err(OutboxError::Root);
    }
    Ok(())
}

fn node(left: &Bytes32, right: &Bytes32) -> Bytes32 {
    keccak(&[&[1], left, right])
}

/// Half of `width`, rounded up, without leaving 32 bits.
fn half_up(width: u32) -> u32 {
    (width >> 1) + (width & 1)
}
