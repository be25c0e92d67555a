//! The least that is needed to append to a tree and to know its root, for whoever keeps no tiles.

use crate::{Hash, hash};

/// The roots of a tree's perfect subtrees, the largest first: one for each bit of its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of this size, from [`Frontier::bytes`]; `None` where these are not as many as the size asks for.
    #[must_use]
    pub fn resume(size: u64, bytes: &[u8]) -> Option<Self> {
        let (peaks, rest) = bytes.as_chunks::<32>();
        let is_whole = rest.is_empty() && peaks.len() as u64 == u64::from(size.count_ones());
        is_whole.then(|| Self {
            size,
            peaks: peaks.to_vec(),
        })
    }

    /// The hashes, one after the other.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// Leaves of the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut carried = leaf;
        // A subtree for each bit that carries.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                carried = hash::node(&left, &carried);
            }
        }
        self.peaks.push(carried);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let peaks = self.peaks.iter().rev().copied();
        let root = peaks.reduce(|right, left| hash::node(&left, &right));
        root.unwrap_or_else(|| hash::root(&[]))
    }
}
