//! Which hashes prove that a tree has a leaf, or that one tree is the beginning of another; and in which tiles they are.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    Hash, hash,
    tile::{Tile, WIDTH, within},
};

/// A proof that was asked for what a tree does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{asked} is not within a tree of {size}")]
pub struct OutOfRange {
    /// The leaf or the size.
    pub asked: u64,
    /// The tree's.
    pub size: u64,
}

/// A tile that a proof needs was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof needs the tile {}", .0.path())]
pub struct MissingTile(pub Tile);

/// The hashes of a proof, each as the leaves it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    size: u64,
    spans: Vec<Range<u64>>,
}

/// What proves that a tree of `size` has the leaf `index` (RFC 6962, section 2.1.1).
pub fn inclusion(index: u64, size: u64) -> Result<Needed, OutOfRange> {
    if index >= size {
        return Err(OutOfRange { asked: index, size });
    }
    let mut spans = vec![];
    let mut span = 0..size;
    while span.end - span.start > 1 {
        let (left, right) = halves(&span);
        let (here, beside) = if index < left.end {
            (left, right)
        } else {
            (right, left)
        };
        spans.push(beside);
        span = here;
    }
    spans.reverse();
    Ok(Needed { size, spans })
}

/// What proves that a tree of `old` leaves is the beginning of one of `size` (RFC 6962, section 2.1.2). Nothing is needed where
/// the older one is empty or both are the same.
pub fn consistency(old: u64, size: u64) -> Result<Needed, OutOfRange> {
    if old > size {
        return Err(OutOfRange { asked: old, size });
    }
    let mut spans = vec![];
    let mut span = 0..size;
    // While the walk keeps to the left edge, whoever checks knows the older root itself.
    let mut known = true;
    if old > 0 {
        while span.end != old {
            let (left, right) = halves(&span);
            if old <= left.end {
                spans.push(right);
                span = left;
            } else {
                spans.push(left);
                span = right;
                known = false;
            }
        }
        if !known {
            spans.push(span);
        }
    }
    spans.reverse();
    Ok(Needed { size, spans })
}

/// Whether a proof shows that the tree of one size and root is the beginning of that of another (RFC 9162, section 2.1.4.2).
#[must_use]
pub fn continues(old: (u64, Hash), new: (u64, Hash), proof: &[Hash]) -> bool {
    let ((old, old_root), (new, new_root)) = (old, new);
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 || old > new {
        // Every tree goes on from the empty one.
        return old == 0 && proof.is_empty();
    }
    // Whoever checks knows the root of an older tree that is one perfect subtree.
    let mut hashes = proof.iter().copied();
    let first = if old.is_power_of_two() {
        Some(old_root)
    } else {
        hashes.next()
    };
    let Some(first) = first else { return false };
    let (mut before, mut after) = (first, first);
    let skipped = (old - 1).trailing_ones();
    let (mut at, mut last) = ((old - 1) >> skipped, (new - 1) >> skipped);
    for hash in hashes {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            before = hash::node(&hash, &before);
            after = hash::node(&hash, &after);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            after = hash::node(&after, &hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && before == old_root && after == new_root
}

/// The two subtrees of a tree of more than one leaf.
fn halves(span: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let count = span.end - span.start;
    let middle = span.start + (1 << (count - 1).ilog2());
    (span.start..middle, middle..span.end)
}

impl Needed {
    /// The tiles in which the hashes are, each once, as wide as the tree has it.
    #[must_use]
    pub fn tiles(&self) -> Vec<Tile> {
        let parts = self.spans.iter().flat_map(|it| perfect(it.clone()));
        let mut tiles: Vec<Tile> = parts
            .filter_map(|it| Tile::of(self.size, it.level(), it.tile()))
            .collect();
        tiles.sort_unstable();
        tiles.dedup();
        tiles
    }

    /// The hashes of the proof, in its order.
    pub fn hashes(&self, tiles: &BTreeMap<Tile, Vec<Hash>>) -> Result<Vec<Hash>, MissingTile> {
        let all = self.spans.iter().map(|span| {
            let parts = perfect(span.clone()).into_iter().rev();
            let joined = parts.map(|it| it.hash(self.size, tiles));
            let folded = joined.reduce(|right, left| Ok(hash::node(&left?, &right?)));
            folded.unwrap_or_else(|| Ok(hash::root(&[])))
        });
        all.collect()
    }
}

/// A perfect subtree: `2 ^ height` leaves from `index * 2 ^ height` on.
#[derive(Debug, Clone, Copy)]
struct Subtree {
    height: u32,
    index: u64,
}

impl Subtree {
    fn level(self) -> u8 {
        // A height is below 64.
        u8::try_from(self.height / 8).unwrap_or(u8::MAX)
    }

    /// How many hashes of its tile it is over.
    fn count(self) -> u64 {
        1 << (self.height % 8)
    }

    fn tile(self) -> u64 {
        self.index * self.count() / WIDTH
    }

    fn hash(self, size: u64, tiles: &BTreeMap<Tile, Vec<Hash>>) -> Result<Hash, MissingTile> {
        let tile = Tile {
            level: self.level(),
            index: self.tile(),
            width: WIDTH,
        };
        let tile = Tile::of(size, tile.level, tile.index).unwrap_or(tile);
        let first = self.index * self.count() % WIDTH;
        let hashes = tiles.get(&tile).ok_or(MissingTile(tile))?;
        within(hashes, first, self.count()).ok_or(MissingTile(tile))
    }
}

/// The perfect subtrees of a span that begins where a subtree of its size may begin; the largest first.
fn perfect(span: Range<u64>) -> Vec<Subtree> {
    let mut parts = vec![];
    let mut start = span.start;
    while start < span.end {
        let height = (span.end - start).ilog2();
        parts.push(Subtree {
            height,
            index: start >> height,
        });
        start += 1 << height;
    }
    parts
}
