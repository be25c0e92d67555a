//! The tree over the entries, grown in their order; and proofs, which `ct-merkle` checks.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use sha2::{Digest as _, Sha256};

pub(crate) type Hash = [u8; 32];

/// Hashes of a full tile.
pub(crate) const WIDTH: usize = 256;

pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    parts.iter().for_each(|it| hash.update(it));
    hash.finalize().into()
}

pub(crate) fn leaf(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry])
}

/// The Merkle Tree Hash of RFC 6962 over hashes of equal subtrees.
pub(crate) fn root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => sha256(&[]),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
            sha256(&[&[1], &root(left), &root(right)])
        }
    }
}

/// A tree while it grows: for each level of tiles the hashes of its last tile.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    size: u64,
    levels: Vec<Vec<Hash>>,
    /// Perfect subtrees of full tiles, the largest first: how many tiles each is over.
    peaks: Vec<(u64, Hash)>,
}

impl Growing {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The root over all leaves so far.
    pub(crate) fn root(&self) -> Hash {
        let rest = self
            .levels
            .first()
            .filter(|it| !it.is_empty())
            .map(|it| root(it));
        let peaks = self.peaks.iter().rev().map(|it| it.1);
        let all = rest.into_iter().chain(peaks);
        let joined = all.reduce(|right, left| sha256(&[&[1], &left, &right]));
        joined.unwrap_or_else(|| root(&[]))
    }

    /// Appends a leaf; calls `full` with level, index and hashes of each tile that it filled.
    pub(crate) fn push(&mut self, leaf: Hash, mut full: impl FnMut(u32, u64, &[Hash])) {
        self.size += 1;
        let mut hash = leaf;
        let mut span = self.size;
        for level in 0.. {
            let at = level as usize;
            if self.levels.len() <= at {
                self.levels.push(vec![]);
            }
            let row = &mut self.levels[at];
            row.push(hash);
            if row.len() < WIDTH {
                return;
            }
            span /= WIDTH as u64;
            full(level, span - 1, row);
            hash = root(row);
            row.clear();
            if level == 0 {
                self.raise(hash);
            }
        }
    }

    fn raise(&mut self, tile: Hash) {
        let (mut count, mut hash) = (1, tile);
        while let Some((_, left)) = self.peaks.pop_if(|it| it.0 == count) {
            hash = sha256(&[&[1], &left, &hash]);
            count *= 2;
        }
        self.peaks.push((count, hash));
    }

    /// The partial tiles at the end: level, index, hashes.
    pub(crate) fn partial(&self) -> impl Iterator<Item = (u32, u64, &[Hash])> {
        let mut count = self.size;
        (0..).zip(&self.levels).filter_map(move |(level, row)| {
            let index = count / WIDTH as u64;
            count = index;
            (!row.is_empty()).then_some((level, index, row.as_slice()))
        })
    }
}

fn state(size: u64, root: Hash) -> RootHash<Sha256> {
    RootHash::new(root.into(), size)
}

/// Whether hashes prove that the tree of this size and root has the entry at an index.
pub(crate) fn includes(size: u64, root: Hash, index: u64, entry: &[u8], hashes: &[Hash]) -> bool {
    let proof = InclusionProof::try_from_bytes(hashes.concat());
    proof.is_ok_and(|it| {
        state(size, root)
            .verify_inclusion(&entry, index, &it)
            .is_ok()
    })
}

/// Whether hashes prove that one tree is the beginning of another.
pub(crate) fn continues(old: (u64, Hash), new: (u64, Hash), hashes: &[Hash]) -> bool {
    let proof = ConsistencyProof::try_from_bytes(hashes.concat());
    let old = state(old.0, old.1);
    proof.is_ok_and(|it| state(new.0, new.1).verify_consistency(&old, &it).is_ok())
}
