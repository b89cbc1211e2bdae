//! The outbox tree of a checkpoint and proofs of many leaves at once.

use alloc::{vec, vec::Vec};
use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

use crate::packed::Packed;

/// The leaves of one checkpoint, at least one, hashed into a tree in index order.
#[derive(Clone, Debug)]
pub struct Outbox {
    /// Leaf hashes first, the top last.
    layers: Vec<Vec<B256>>,
}

/// Proof that some leaves stand at `indices` of an outbox of `count` leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Multiproof {
    /// Leaves in the whole outbox.
    pub count: u32,
    /// Strictly ascending.
    pub indices: Vec<u32>,
    /// Sibling hashes in the order they are consumed: layer by layer, left to right.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<alloc::string::String>"))]
    pub nodes: Vec<B256>,
}

/// Why a multiproof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultiproofError {
    /// No leaf, or as many leaves as indices were not given.
    #[error("a proof names at least one leaf and exactly one index for each")]
    Shape,
    /// Indices must ascend strictly and lie below the count.
    #[error("index {0} is out of range, repeated or out of order")]
    Index(u32),
    /// A sibling is missing.
    #[error("the proof ends before the root is reached")]
    Truncated,
    /// A sibling was never used.
    #[error("{0} nodes of the proof are left over")]
    LeftOver(usize),
}

fn node(left: &B256, right: &B256) -> B256 {
    Packed::default().u8(0x01).bytes(left).bytes(right).keccak()
}

fn root(count: u32, top: &B256) -> B256 {
    Packed::default().u8(0x02).u32(count).bytes(top).keccak()
}

impl Outbox {
    /// Builds the tree; `None` for no leaves or more than fit in a `u32`.
    pub fn new(leaves: Vec<B256>) -> Option<Self> {
        if leaves.is_empty() || u32::try_from(leaves.len()).is_err() {
            return None;
        }
        let mut layers = vec![leaves];
        while let Some(layer) = layers.last().filter(|layer| layer.len() > 1) {
            let next = layer.chunks(2).map(|pair| match pair {
                [left, right] => node(left, right),
                promoted => promoted[0],
            });
            let next = next.collect();
            layers.push(next);
        }
        Some(Self { layers })
    }

    /// Number of leaves.
    pub fn count(&self) -> u32 {
        u32::try_from(self.layers[0].len()).expect("`new` bounds the count")
    }

    /// The root a checkpoint commits to.
    pub fn root(&self) -> B256 {
        root(self.count(), &self.layers[self.layers.len() - 1][0])
    }

    /// Proves the leaves at `indices`, which must ascend strictly and lie in range.
    pub fn prove(&self, indices: &[u32]) -> Result<Multiproof, MultiproofError> {
        check_indices(indices, self.count())?;
        let mut nodes = Vec::new();
        let mut known: Vec<usize> = indices.iter().map(|index| *index as usize).collect();
        for layer in &self.layers[..self.layers.len() - 1] {
            let mut next = Vec::with_capacity(known.len());
            let mut walk = known.iter().copied().peekable();
            while let Some(index) = walk.next() {
                let promoted = index % 2 == 0 && index + 1 == layer.len();
                let paired = index % 2 == 0 && walk.next_if_eq(&(index + 1)).is_some();
                if !promoted && !paired {
                    nodes.push(layer[index ^ 1]);
                }
                next.push(index / 2);
            }
            known = next;
        }
        Ok(Multiproof { count: self.count(), indices: indices.to_vec(), nodes })
    }
}

fn check_indices(indices: &[u32], count: u32) -> Result<(), MultiproofError> {
    if indices.is_empty() {
        return Err(MultiproofError::Shape);
    }
    let unsorted = indices.windows(2).find(|pair| pair[0] >= pair[1]).map(|pair| pair[1]);
    let out_of_range = indices.last().copied().filter(|last| *last >= count);
    unsorted.or(out_of_range).map_or(Ok(()), |index| Err(MultiproofError::Index(index)))
}

impl Multiproof {
    /// The root that `leaves` (in the order of the indices) lead to.
    pub fn root(&self, leaves: &[B256]) -> Result<B256, MultiproofError> {
        if leaves.len() != self.indices.len() {
            return Err(MultiproofError::Shape);
        }
        check_indices(&self.indices, self.count)?;
        let mut siblings = self.nodes.iter();
        let mut layer: Vec<(u32, B256)> = self.indices.iter().copied().zip(leaves.iter().copied()).collect();
        let mut width = self.count;
        while width > 1 {
            let mut next = Vec::with_capacity(layer.len());
            let mut walk = layer.iter().copied().peekable();
            while let Some((index, hash)) = walk.next() {
                let even = index % 2 == 0;
                let parent = if even && index + 1 == width {
                    hash
                } else if let Some((_, right)) = walk.next_if(|(other, _)| even && *other == index + 1) {
                    node(&hash, &right)
                } else {
                    let sibling = siblings.next().ok_or(MultiproofError::Truncated)?;
                    if even { node(&hash, sibling) } else { node(sibling, &hash) }
                };
                next.push((index / 2, parent));
            }
            layer = next;
            width = width.div_ceil(2);
        }
        match siblings.len() {
            0 => Ok(root(self.count, &layer[0].1)),
            left => Err(MultiproofError::LeftOver(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<B256> {
        (0..count).map(|index| keccak256(index.to_be_bytes())).collect()
    }

    proptest! {
        #[test]
        fn every_subset_proves(count in 1usize..70, picks in proptest::collection::btree_set(0u32..70, 1..20)) {
            let all = leaves(count);
            let outbox = Outbox::new(all.clone()).expect("not empty");
            let indices: Vec<u32> = picks.into_iter().filter(|index| (*index as usize) < count).collect();
            prop_assume!(!indices.is_empty());
            let proof = outbox.prove(&indices).expect("in range");
            let chosen: Vec<B256> = indices.iter().map(|index| all[*index as usize]).collect();
            prop_assert_eq!(proof.root(&chosen), Ok(outbox.root()));

            let mut swapped = chosen.clone();
            swapped[0] = keccak256(b"forged");
            prop_assert_ne!(proof.root(&swapped), Ok(outbox.root()));
            let mut longer = proof.clone();
            longer.nodes.push(B256::ZERO);
            prop_assert_eq!(longer.root(&chosen), Err(MultiproofError::LeftOver(1)));
            let mut recounted = proof.clone();
            recounted.count += 1;
            prop_assert_ne!(recounted.root(&chosen), Ok(outbox.root()));
        }
    }

    #[test]
    fn hyperbridge_leaf_index_bound_to_count() {
        let outbox = Outbox::new(leaves(5)).expect("not empty");
        for indices in [&[][..], &[5], &[1, 1], &[2, 1], &[0, 9]] {
            assert!(outbox.prove(indices).is_err(), "{indices:?}");
        }
        let mut proof = outbox.prove(&[4]).expect("in range");
        proof.indices = vec![5];
        assert_eq!(proof.root(&[leaves(5)[4]]), Err(MultiproofError::Index(5)));
        proof.indices = vec![4];
        proof.nodes.clear();
        assert_eq!(proof.root(&[leaves(5)[4]]), Err(MultiproofError::Truncated));
        assert!(Outbox::new(Vec::new()).is_none());
    }
}
