//! The outbox: a tree over leaves, and proofs of several of them at once.

use std::collections::BTreeSet;

use super::{Word, keccak};

/// Proves leaves at some indices of an outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiproof {
    /// Leaves of the outbox.
    pub count: u32,
    /// Where the proven leaves stand, ascending.
    pub indices: Vec<u32>,
    /// The nodes that cannot be computed from the leaves, level by level, from left to right.
    pub nodes: Vec<Word>,
}

/// All nodes of an outbox.
#[derive(Clone, Debug)]
pub struct Tree {
    levels: Vec<Vec<Word>>,
}

fn node(left: &Word, right: &Word) -> Word {
    keccak(&[&[1], left, right])
}

impl Tree {
    /// The tree over at least one leaf.
    pub fn new(leaves: &[Word]) -> Self {
        assert!(!leaves.is_empty(), "an outbox without leaves has no root");
        let mut levels = vec![leaves.to_vec()];
        while levels[levels.len() - 1].len() > 1 {
            let below = &levels[levels.len() - 1];
            let above = below.chunks(2).map(|pair| if let [left, right] = pair { node(left, right) } else { pair[0] });
            let above = above.collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// The root, which contains the number of leaves.
    pub fn root(&self) -> Word {
        keccak(&[&[2], &self.count().to_be_bytes(), &self.levels[self.levels.len() - 1][0]])
    }

    /// The proof of the leaves at these indices.
    pub fn proof(&self, indices: &[u32]) -> Multiproof {
        let mut known: BTreeSet<usize> = indices.iter().map(|index| *index as usize).collect();
        let mut nodes = Vec::new();
        for level in &self.levels[..self.levels.len() - 1] {
            let siblings = known.iter().map(|index| index ^ 1);
            let missing = siblings.filter(|sibling| *sibling < level.len() && !known.contains(sibling));
            nodes.extend(missing.map(|sibling| level[sibling]));
            known = known.iter().map(|index| index / 2).collect();
        }
        Multiproof { count: self.count(), indices: indices.to_vec(), nodes }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.levels[0].len()).expect("tests make small outboxes")
    }
}
