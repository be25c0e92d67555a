//! The log as a Merkle tree: entry = commitment, index = position - 1.
//!
//! Full tiles and signed checkpoints are rows that never change. A partial tile is not kept: it is at most 255 commitments, or
//! at most 255 roots of the tiles below it, and one indexed read brings them. So every replica answers alike, and nothing has
//! to be cleaned up when a tile becomes full.
//!
//! **Invariant:** nothing beyond the newest signed checkpoint is shown, so whoever fetches a tile can check it.

pub mod fork;
mod key;
mod memory;
pub mod sign;
mod store;

use std::{collections::BTreeMap, future::Future};

use chassis::Invalid;
use transparency::{Edge, Hash, Needed, Tile, WIDTH, bundle, consistency, inclusion, leaf, root};

pub use self::{
    key::{SeedError, SigningSeed},
    memory::Memory,
};
use crate::{
    log::{Log, LogError, PAGE},
    store::{Store, StoreError},
};

/// A signed checkpoint as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Entries of the log.
    pub size: u64,
    /// A signed note.
    pub note: String,
}

/// A full tile as it is kept.
#[derive(Debug)]
pub(crate) struct FullTile {
    pub(crate) level: u8,
    pub(crate) index: u64,
    pub(crate) root: Hash,
    pub(crate) hashes: Vec<u8>,
}

/// Why nothing of the tree is shown.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// It is not within what was signed.
    #[error("{0}: is not within what was signed")]
    Unsigned(&'static str),
    /// What was asked makes no sense.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The log itself cannot answer.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<StoreError> for TreeError {
    fn from(error: StoreError) -> Self {
        Self::Log(error.into())
    }
}

/// Hashes of 32 bytes that were read, exactly so many: one that is missing would move all that follow.
fn exactly(rows: Vec<Vec<u8>>, count: u64) -> Result<Vec<Hash>, StoreError> {
    let hashes: Option<Vec<Hash>> = rows.into_iter().map(|it| it.try_into().ok()).collect();
    hashes
        .filter(|it| it.len() as u64 == count)
        .ok_or_else(|| torn("rows of the tree are missing, or not 32 bytes"))
}

fn torn(problem: &str) -> StoreError {
    StoreError::Refused(sqlx::Error::Protocol(problem.to_owned()))
}

/// The entries below a tile of level 0.
async fn entries(store: &Store, tile: Tile) -> Result<Vec<Hash>, StoreError> {
    let rows = store.commitments(tile.index * WIDTH, tile.width).await?;
    exactly(rows, tile.width)
}

/// The hashes of a tile, whoever asks.
async fn hashes(store: &Store, tile: Tile) -> Result<Vec<Hash>, StoreError> {
    if tile.is_full()
        && let Some(bytes) = store.tile(tile.level, tile.index).await?
    {
        let rows = bytes.chunks(32).map(<[u8]>::to_vec).collect();
        return exactly(rows, WIDTH);
    }
    match tile.level.checked_sub(1) {
        None => {
            let entries = entries(store, tile).await?;
            Ok(entries.iter().map(|it| leaf(it)).collect())
        }
        Some(below) => {
            let first = tile.index * WIDTH;
            exactly(
                store.tile_roots(below, first, tile.width).await?,
                tile.width,
            )
        }
    }
}

/// The edge of the tree at a size up to which full tiles are kept.
async fn edge(store: &Store, size: u64) -> Result<Edge, StoreError> {
    let mut tiles = vec![];
    for tile in Tile::edge(size) {
        tiles.push((tile, hashes(store, tile).await?));
    }
    Edge::resume(size, tiles).map_err(|it| torn(&it.to_string()))
}

/// The edge of the tree at any size, and the tiles that became full since what was signed last.
pub(crate) async fn grown(store: &Store, size: u64) -> Result<(Edge, Vec<FullTile>), StoreError> {
    let signed = store.latest_checkpoint().await?.map_or(0, |it| it.size);
    let mut edge = edge(store, signed.min(size)).await?;
    let mut full = vec![];
    while edge.size() < size {
        let count = (size - edge.size()).min(PAGE);
        let rows = store.commitments(edge.size(), count).await?;
        for entry in exactly(rows, count)? {
            grow(&mut edge, &mut full, &entry);
        }
    }
    Ok((edge, full))
}

/// The edge of the tree at any size, however far tiles are kept.
pub(crate) async fn edge_at(store: &Store, size: u64) -> Result<Edge, StoreError> {
    Ok(grown(store, size).await?.0)
}

/// Appends an entry, and notes each tile that it filled.
pub(crate) fn grow(edge: &mut Edge, full: &mut Vec<FullTile>, entry: &[u8]) {
    edge.push(leaf(entry), |tile, hashes| {
        full.push(FullTile {
            level: tile.level,
            index: tile.index,
            root: root(&hashes),
            hashes: hashes.concat(),
        });
    });
}

/// Fetches what a proof needs, and puts it in the proof's order.
async fn prove<F>(needed: &Needed, read: impl Fn(Tile) -> F) -> Result<Vec<Hash>, StoreError>
where
    F: Future<Output = Result<Vec<Hash>, StoreError>>,
{
    let mut tiles = BTreeMap::new();
    for tile in needed.tiles() {
        tiles.insert(tile, read(tile).await?);
    }
    needed.hashes(&tiles).map_err(|it| torn(&it.to_string()))
}

impl Log {
    /// The newest signed checkpoint, with what witnesses said of it.
    pub async fn latest_checkpoint(&self) -> Result<Signed, TreeError> {
        let signed = vec![self.newest_signed().await?];
        let newest = self.with_cosignatures(signed).await?.pop();
        newest.ok_or(TreeError::Unsigned("checkpoint"))
    }

    async fn newest_signed(&self) -> Result<Signed, TreeError> {
        let latest = self.store().latest_checkpoint().await?;
        latest.ok_or(TreeError::Unsigned("checkpoint"))
    }

    /// The signed checkpoints above a size, smallest first.
    pub async fn checkpoints(&self, after: u64, limit: u32) -> Result<Vec<Signed>, TreeError> {
        let limit = match u64::from(limit) {
            0 => PAGE,
            limit => limit.min(PAGE),
        };
        let after = after.min(i64::MAX.cast_unsigned());
        let signed = self.store().checkpoints(after, limit).await?;
        Ok(self.with_cosignatures(signed).await?)
    }

    /// The hashes of a tile.
    pub async fn tile(&self, level: u8, index: u64, width: u64) -> Result<Vec<Hash>, TreeError> {
        let tile = self.signed_tile(level, index, width).await?;
        Ok(hashes(self.store(), tile).await?)
    }

    /// The entries that the hashes of a tile of level 0 are of, as a bundle.
    pub async fn entry_bundle(&self, index: u64, width: u64) -> Result<Vec<u8>, TreeError> {
        let tile = self.signed_tile(0, index, width).await?;
        let entries = entries(self.store(), tile).await?;
        Ok(bundle(&entries).unwrap_or_default())
    }

    async fn signed_tile(&self, level: u8, index: u64, width: u64) -> Result<Tile, TreeError> {
        if !(1..=WIDTH).contains(&width) {
            return Err(Invalid::at("width", "is 1 to 256").into());
        }
        let tile = Tile {
            level,
            index,
            width,
        };
        let signed = self.newest_signed().await?;
        if tile.is_within(signed.size) {
            Ok(tile)
        } else {
            Err(TreeError::Unsigned("tile"))
        }
    }

    /// Proves that a signed checkpoint has the event of a position: the newest that was cosigned if it has it, or else the newest.
    pub async fn prove_inclusion(&self, position: u64) -> Result<(Vec<Hash>, Signed), TreeError> {
        let signed = match self.cosigned_checkpoint().await {
            Ok(cosigned) if position <= cosigned.size => cosigned,
            Ok(_) | Err(TreeError::Unsigned(_)) => self.latest_checkpoint().await?,
            Err(error) => return Err(error),
        };
        let index = position
            .checked_sub(1)
            .ok_or_else(|| Invalid::at("position", "is 1 or more"))?;
        let needed = inclusion(index, signed.size).map_err(|_| TreeError::Unsigned("position"))?;
        let hashes = prove(&needed, |tile| hashes(self.store(), tile)).await?;
        Ok((hashes, signed))
    }

    /// The root over the first events, as the store has them.
    pub async fn root_at(&self, size: u64) -> Result<Hash, TreeError> {
        Ok(edge_at(self.store(), size).await?.root())
    }

    /// Proves that the log of one size is the beginning of the log of another; 0 is the newest signed one.
    pub async fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, TreeError> {
        let signed = self.newest_signed().await?;
        let new = if new == 0 { signed.size } else { new };
        if new > signed.size {
            return Err(TreeError::Unsigned("new_size"));
        }
        let needed =
            consistency(old, new).map_err(|_| Invalid::at("old_size", "is above new_size"))?;
        Ok(prove(&needed, |tile| hashes(self.store(), tile)).await?)
    }
}
