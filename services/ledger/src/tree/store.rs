//! What the tree asks of either store.

use super::{FullTile, Signed};
use crate::store::{Store, StoreError, patiently};

impl Store {
    /// The commitments of the positions after one, in order.
    pub(super) async fn commitments(
        &self,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.commitments(after, limit).await,
                Self::Sqlite(log) => log.commitments(after, limit).await,
            }
        })
        .await
    }

    /// The hashes of a full tile, where it is kept.
    pub(super) async fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.tile(level, index).await,
                Self::Sqlite(log) => log.tile(level, index).await,
            }
        })
        .await
    }

    /// The roots of neighbouring full tiles.
    pub(super) async fn tile_roots(
        &self,
        level: u8,
        first: u64,
        count: u64,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.tile_roots(level, first, count).await,
                Self::Sqlite(log) => log.tile_roots(level, first, count).await,
            }
        })
        .await
    }

    pub(crate) async fn latest_checkpoint(&self) -> Result<Option<Signed>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.latest_checkpoint().await,
                Self::Sqlite(log) => log.latest_checkpoint().await,
            }
        })
        .await
    }

    pub(super) async fn checkpoints(
        &self,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Signed>, StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.checkpoints(after, limit).await,
                Self::Sqlite(log) => log.checkpoints(after, limit).await,
            }
        })
        .await
    }

    /// Keeps tiles that became full, and what was signed over them: all or none.
    pub(crate) async fn keep(
        &self,
        tiles: &[FullTile],
        signed: &[Signed],
        now: i64,
    ) -> Result<(), StoreError> {
        patiently(|| async {
            match self {
                Self::Postgres(log) => log.keep(tiles, signed, now).await,
                Self::Sqlite(log) => log.keep(tiles, signed, now).await,
            }
        })
        .await
    }
}
