//! One proof of several leaves, taken apart: a Solana transaction has room for a few leaves only.

use infrastrukt_types::{B256, Leaf, Multiproof, MultiproofError, keccak256};
use std::collections::BTreeMap;

use crate::instruction::{LeafProof, LeavesProof};

/// Everything of an outbox tree that a proof shows: its nodes by layer and place.
#[derive(Clone, Debug)]
pub(crate) struct ProofTree {
    count: u32,
    indices: Vec<u32>,
    nodes: BTreeMap<(u32, u32), B256>,
}

impl ProofTree {
    /// Takes a proof apart that leads from these leaves to `root`.
    pub(crate) fn new(proof: &Multiproof, leaves: &[Leaf], root: B256) -> Result<Self, String> {
        let hashes: Vec<B256> = leaves.iter().map(Leaf::hash).collect();
        let found = proof.root(&hashes).map_err(|error: MultiproofError| error.to_string())?;
        if found != root {
            return Err(format!("the leaves lead to the root {found}, but {root} is certified"));
        }
        let mut nodes = BTreeMap::new();
        let mut siblings = proof.nodes.iter().copied();
        let mut layer: Vec<(u32, B256)> = proof.indices.iter().copied().zip(hashes).collect();
        let (mut height, mut width) = (0, proof.count);
        while width > 1 {
            nodes.extend(layer.iter().map(|(index, hash)| ((height, *index), *hash)));
            let mut next = Vec::with_capacity(layer.len());
            let mut walk = layer.iter().copied().peekable();
            while let Some((index, hash)) = walk.next() {
                let is_even = index % 2 == 0;
                if is_even && index + 1 == width {
                    next.push((index / 2, hash));
                    continue;
                }
                let paired = walk.next_if(|(other, _)| is_even && *other == index + 1).map(|(_, right)| right);
                let sibling =
                    paired.or_else(|| siblings.next()).ok_or_else(|| MultiproofError::Truncated.to_string())?;
                nodes.insert((height, index ^ 1), sibling);
                next.push((index / 2, if is_even { node(&hash, &sibling) } else { node(&sibling, &hash) }));
            }
            layer = next;
            (height, width) = (height + 1, width.div_ceil(2));
        }
        Ok(Self { count: proof.count, indices: proof.indices.clone(), nodes })
    }

    /// The proof of the leaf at this place among those of the whole proof.
    pub(crate) fn one(&self, place: usize) -> LeafProof {
        let index = self.indices[place];
        let LeavesProof { count, nodes, .. } = self.some(&[place]);
        LeafProof { count, index, nodes }
    }

    /// The proof of the leaves at these places, ascending, at least one.
    pub(crate) fn some(&self, places: &[usize]) -> LeavesProof {
        let indices: Vec<u32> = places.iter().map(|place| self.indices[*place]).collect();
        let mut needed = Vec::new();
        let (mut known, mut height, mut width) = (indices.clone(), 0, self.count);
        while width > 1 {
            let mut next = Vec::with_capacity(known.len());
            let mut walk = known.iter().copied().peekable();
            while let Some(index) = walk.next() {
                let is_even = index % 2 == 0;
                let is_promoted = is_even && index + 1 == width;
                let is_paired = is_even && walk.next_if_eq(&(index + 1)).is_some();
                if !is_promoted && !is_paired {
                    let sibling = self.nodes.get(&(height, index ^ 1));
                    needed.push(sibling.expect("the tree has the sibling of every node on the way of its leaves").0);
                }
                next.push(index / 2);
            }
            known = next;
            (height, width) = (height + 1, width.div_ceil(2));
        }
        LeavesProof { count: self.count, indices, nodes: needed }
    }
}

fn node(left: &B256, right: &B256) -> B256 {
    keccak256([[0x01].as_slice(), left.as_slice(), right.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_types::{MessageId, Outbox};

    fn leaf(index: u32) -> Leaf {
        Leaf::Message(MessageId(keccak256(index.to_be_bytes())))
    }

    #[test]
    fn every_part_of_a_proof_proves_the_same_root() {
        for count in 1..=13u32 {
            let outbox = Outbox::new((0..count).map(|index| leaf(index).hash()).collect()).expect("has leaves");
            for step in 1..=3 {
                let indices: Vec<u32> = (0..count).step_by(step).collect();
                let leaves: Vec<Leaf> = indices.iter().copied().map(leaf).collect();
                let proof = outbox.prove(&indices).expect("proves");
                let tree = ProofTree::new(&proof, &leaves, outbox.root()).expect("takes it apart");
                for place in 0..indices.len() {
                    let one = tree.one(place);
                    let nodes = one.nodes.into_iter().map(B256::from).collect();
                    let alone = Multiproof { count, indices: vec![one.index], nodes };
                    assert_eq!(alone.root(&[leaves[place].hash()]), Ok(outbox.root()));
                    let rest: Vec<usize> = (place..indices.len()).collect();
                    let some = tree.some(&rest);
                    let nodes = some.nodes.into_iter().map(B256::from).collect();
                    let part = Multiproof { count, indices: some.indices, nodes };
                    let hashes: Vec<B256> = rest.iter().map(|place| leaves[*place].hash()).collect();
                    assert_eq!(part.root(&hashes), Ok(outbox.root()));
                }
            }
        }
    }

    #[test]
    fn a_proof_of_something_else_is_refused() {
        let outbox = Outbox::new((0..5).map(|index| leaf(index).hash()).collect()).expect("has leaves");
        let proof = outbox.prove(&[1, 3]).expect("proves");
        assert!(ProofTree::new(&proof, &[leaf(1), leaf(2)], outbox.root()).is_err());
        assert!(ProofTree::new(&proof, &[leaf(1)], outbox.root()).is_err());
        assert!(ProofTree::new(&proof, &[leaf(1), leaf(3)], B256::ZERO).is_err());
    }
}
