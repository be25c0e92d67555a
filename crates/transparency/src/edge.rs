//! The right edge of a tree: all that is needed to append to it and to know its root.

use crate::{
    Hash, hash,
    tile::{Tile, WIDTH},
};

/// The last, partial tile of each level. It is empty where a level ends with a full tile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// Tiles that are not the edge of a tree of that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these tiles are not the edge of a tree of {size}")]
pub struct WrongEdge {
    /// The size that was asked for.
    pub size: u64,
}

impl Edge {
    /// The edge of a tree of this size, from the tiles that [`Tile::edge`] names, in that order.
    pub fn resume(
        size: u64,
        tiles: impl IntoIterator<Item = (Tile, Vec<Hash>)>,
    ) -> Result<Self, WrongEdge> {
        let mut edge = Self {
            size,
            levels: vec![],
        };
        let mut expected = Tile::edge(size);
        for (tile, hashes) in tiles {
            if expected.next() != Some(tile) || hashes.len() as u64 != tile.width {
                return Err(WrongEdge { size });
            }
            edge.levels.resize(usize::from(tile.level), vec![]);
            edge.levels.push(hashes);
        }
        match expected.next() {
            None => Ok(edge),
            Some(_) => Err(WrongEdge { size }),
        }
    }

    /// Leaves of the tree.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let over = |rest, level: &Vec<Hash>| hash::crown(level, rest);
        let root = self.levels.iter().fold(None, over);
        root.unwrap_or_else(|| hash::root(&[]))
    }

    /// Appends a leaf by its hash, and hands each tile that became full to `full`.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Tile, Vec<Hash>)) {
        self.size += 1;
        let mut carried = leaf;
        for level in 0..=u8::MAX {
            let at = usize::from(level);
            if at == self.levels.len() {
                self.levels.push(Vec::new());
            }
            self.levels[at].push(carried);
            if self.levels[at].len() as u64 != WIDTH {
                return;
            }
            let hashes = std::mem::take(&mut self.levels[at]);
            carried = hash::perfect(&hashes);
            let index = (self.size >> (8 * u32::from(level))) / WIDTH - 1;
            let tile = Tile {
                level,
                index,
                width: WIDTH,
            };
            full(tile, hashes);
        }
    }
}
